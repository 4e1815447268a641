namespace MetaRouter.Hosting;

/// <summary>
/// Whether the upstream of one model is worth calling. After so many failures in a row it is left alone for a while, which doubles each time it
/// fails again; then one call at a time tries it, and the first whose answer begins closes the circuit.
/// </summary>
/// <remarks>By the monotonic clock: setting the clock back must not keep it from being tried.</remarks>
/// <param name="failures">In a row, until it opens; 1 or more.</param>
/// <param name="pause">How long it stays open the first time.</param>
internal sealed class Circuit(TimeProvider time, int failures, TimeSpan pause)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private int _failed, _opened, _probes, _probe;
    private long _until;

    /// <summary>
    /// Whether a call is turned away, also while another call is trying it, which may take as long as an answer. Read on every decision, so without a lock: at
    /// worst it is one call behind.
    /// </summary>
    public bool IsOpen => Volatile.Read(ref _opened) > 0 && (IsResting || Volatile.Read(ref _probe) > 0);

    /// <summary>For people: whether it has not been opened, or a call has succeeded since. A circuit that may be tried again is neither open nor known to be well.</summary>
    public bool IsClosed => Volatile.Read(ref _opened) == 0;

    /// <summary>When it may be tried again, for people.</summary>
    public DateTimeOffset Until => time.GetUtcNow() + time.GetElapsedTime(time.GetTimestamp(), Volatile.Read(ref _until));

    /// <summary>For people: closed, open, or half_open while one call at a time tries it.</summary>
    public string State => IsClosed ? "closed" : IsResting ? "open" : "half_open";

    private bool IsResting => time.GetTimestamp() < Volatile.Read(ref _until);

    /// <param name="probe">Which try of an open circuit this call is, to be handed back when it ends; 0: it is no try, and says nothing of an open circuit unless it succeeds.</param>
    /// <returns>False: it is being left alone, or another call is trying it.</returns>
    public bool TryEnter(out int probe)
    {
        probe = 0;
        if (IsClosed)
        {
            return true;
        }

        lock (_gate)
        {
            if (_opened == 0)
            {
                return true;
            }

            if (_probe > 0 || IsResting)
            {
                return false;
            }

            _probe = probe = ++_probes;
            return true;
        }
    }

    /// <summary>An answer has begun, so the upstream is there. Only the answer's end counts for failures in a row: a beginning does not reset them.</summary>
    public void Begin()
    {
        if (IsClosed)
        {
            return;
        }

        lock (_gate)
        {
            _probe = 0;
            Volatile.Write(ref _opened, 0);
        }
    }

    /// <summary>An answer has come to its end.</summary>
    public void Succeed()
    {
        if (Volatile.Read(ref _failed) == 0 && IsClosed)
        {
            return;
        }

        lock (_gate)
        {
            (_failed, _probe) = (0, 0);
            Volatile.Write(ref _opened, 0);
        }
    }

    /// <param name="probe">As <see cref="TryEnter"/> said; 0 also once its answer had begun.</param>
    /// <param name="atLeast">How long the upstream itself asked to be left alone, a minute of which counts at most; null: it did not say.</param>
    /// <returns>True when this failure opened it.</returns>
    public bool Fail(int probe, TimeSpan? atLeast = null)
    {
        lock (_gate)
        {
            _failed++;
            if (_failed < failures && _opened == 0 && atLeast is null)
            {
                return false;
            }

            var (opens, tried) = (_opened == 0, End(probe));
            if (!opens && !tried && atLeast is null)
            {
                return false; // called before it opened
            }

            var span = atLeast ?? pause * Math.Pow(2, Math.Min(_opened, 10));
            var until = time.GetTimestamp() + (long)((span < LongestPause ? span : LongestPause).TotalSeconds * time.TimestampFrequency);
            Volatile.Write(ref _until, opens ? until : Math.Max(until, _until));
            Volatile.Write(ref _opened, opens || tried ? _opened + 1 : _opened);
            return opens;
        }
    }

    /// <summary>The call ended without telling anything about the upstream: its caller went away.</summary>
    /// <param name="probe">As <see cref="TryEnter"/> said.</param>
    public void Leave(int probe)
    {
        lock (_gate)
        {
            End(probe);
        }
    }

    /// <returns>Whether it was the one that is trying it.</returns>
    private bool End(int probe)
    {
        if (probe == 0 || probe != _probe)
        {
            return false;
        }

        _probe = 0;
        return true;
    }
}
