namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// Whether one endpoint, for one model, is worth calling. After so many failures in a row it is left alone for a while, which doubles each time it
/// fails again; then one call at a time tries, and the first that is answered closes the circuit.
/// </summary>
/// <param name="failures">In a row, until it opens; 1 or more.</param>
/// <param name="pause">How long it stays open the first time.</param>
internal sealed class Circuit(TimeProvider time, int failures, TimeSpan pause)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private int _failed, _opened;
    private DateTimeOffset _until;
    private bool _isProbing;

    /// <summary>Read on every decision: no lock. It is at worst one call behind.</summary>
    public bool IsOpen => Volatile.Read(ref _opened) > 0 && time.GetUtcNow() < Until;

    /// <summary>When it may be tried again.</summary>
    public DateTimeOffset Until
    {
        get
        {
            lock (_gate)
            {
                return _until;
            }
        }
    }

    /// <summary>For people: closed, open, or half_open while one call at a time tries it.</summary>
    public string State => Volatile.Read(ref _opened) == 0 ? "closed" : time.GetUtcNow() < Until ? "open" : "half_open";

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

            if (_isProbing || time.GetUtcNow() < _until)
            {
                return false;
            }

            return _isProbing = true;
        }
    }

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

    /// <param name="atLeast">The endpoint itself asked to be left alone for so long; null: it did not say.</param>
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
            (_isProbing, _until) = (false, time.GetUtcNow() + (span < LongestPause ? span : LongestPause));
            var opens = _opened == 0;
            Volatile.Write(ref _opened, opens || wasProbing ? _opened + 1 : _opened);
            return opens;
        }
    }

    /// <summary>The call ended without saying anything about the endpoint: its caller went away.</summary>
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
