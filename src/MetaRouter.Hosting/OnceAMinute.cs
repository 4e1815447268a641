namespace MetaRouter.Hosting;

/// <summary>Whether something that goes on is worth a line in the log: at most one a minute. Thread-safe.</summary>
internal sealed class OnceAMinute(TimeProvider time)
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    private long _at;

    /// <summary>True for one caller per minute.</summary>
    public bool IsDue()
    {
        var (before, now) = (Volatile.Read(ref _at), time.GetTimestamp());
        return (before == 0 || time.GetElapsedTime(before, now) >= s_minute) && Interlocked.CompareExchange(ref _at, now, before) == before;
    }
}
