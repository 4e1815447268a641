namespace MetaRouter.Hosting;

/// <summary>
/// Whether what answers for one model is worth calling. After so many failures in a row it is left alone for a while, which doubles each time it
/// fails again; then one call at a time tries, and the first whose answer begins closes the circuit.
/// </summary>
/// <remarks>By the clock that only goes forward: one that is set back must not keep it from being tried.</remarks>
/// <param name="failures">In a row, until it opens; 1 or more.</param>
/// <param name="pause">How long it stays open the first time.</param>
internal sealed class Circuit(TimeProvider time, int failures, TimeSpan pause)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private int _failed, _opened;
    private long _until;
    private bool _isProbing;

    /// <summary>Whether a call is turned away, also because another one is trying it, which may take as long as an answer may. Read on every decision: no lock. It is at worst one call behind.</summary>
    public bool IsOpen => Volatile.Read(ref _opened) > 0 && (IsResting || Volatile.Read(ref _isProbing));

    /// <summary>When it may be tried again, for people.</summary>
    public DateTimeOffset Until => time.GetUtcNow() + time.GetElapsedTime(time.GetTimestamp(), Volatile.Read(ref _until));

    /// <summary>For people: closed, open, or half_open while one call at a time tries it.</summary>
    public string State => Volatile.Read(ref _opened) == 0 ? "closed" : IsResting ? "open" : "half_open";

    private bool IsResting => time.GetTimestamp() < Volatile.Read(ref _until);

    /// <returns>False: it is being left alone, or another call is trying it.</returns>
    public bool TryEnter()
    {
        if (Volatile.Read(ref _opened) == 0)
        {
            return true;
        }

        lock (_gate)
        {
            if (_opened == 0)
            {
                return true;
            }

            if (_isProbing || IsResting)
            {
                return false;
            }

            return _isProbing = true;
        }
    }

    /// <summary>An answer has begun, so it is there. How it ends counts: a beginning is no end to failures in a row.</summary>
    public void Begin()
    {
        if (Volatile.Read(ref _opened) == 0)
        {
            return;
        }

        lock (_gate)
        {
            _isProbing = false;
            Volatile.Write(ref _opened, 0);
        }
    }

    /// <summary>An answer has come to its end.</summary>
    public void Succeed()
    {
        if (Volatile.Read(ref _failed) == 0 && Volatile.Read(ref _opened) == 0)
        {
            return;
        }

        lock (_gate)
        {
            (_failed, _isProbing) = (0, false);
            Volatile.Write(ref _opened, 0);
        }
    }

    /// <param name="atLeast">It asked itself to be left alone for so long, of which a minute is kept to; null: it did not say.</param>
    /// <returns>True when this failure opened it.</returns>
    public bool Fail(TimeSpan? atLeast = null)
    {
        lock (_gate)
        {
            _failed++;
            if (_failed < failures && _opened == 0 && atLeast is null)
            {
                return false;
            }

            var wasProbing = _isProbing;
            var span = atLeast ?? pause * Math.Pow(2, Math.Min(_opened, 10));
            _isProbing = false;
            Volatile.Write(ref _until, time.GetTimestamp() + (long)((span < LongestPause ? span : LongestPause).TotalSeconds * time.TimestampFrequency));
            var opens = _opened == 0;
            Volatile.Write(ref _opened, opens || wasProbing ? _opened + 1 : _opened);
            return opens;
        }
    }

    /// <summary>The call ended without saying anything about it: its caller went away.</summary>
    public void Leave()
    {
        if (Volatile.Read(ref _opened) == 0)
        {
            return;
        }

        lock (_gate)
        {
            _isProbing = false;
        }
    }
}
