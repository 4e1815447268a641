namespace MetaRouter.Hosting;

/// <summary>Whether something that goes on is worth a line in the log: at most one a period. Thread-safe.</summary>
internal sealed class OnceEvery(TimeSpan period, TimeProvider time)
{
    private long _at;

    /// <summary>True for one caller per period.</summary>
    public bool IsDue()
    {
        var (before, now) = (Volatile.Read(ref _at), time.GetTimestamp());
        return (before == 0 || time.GetElapsedTime(before, now) >= period) && Interlocked.CompareExchange(ref _at, now, before) == before;
    }
}
