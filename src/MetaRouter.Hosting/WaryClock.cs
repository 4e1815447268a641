namespace MetaRouter.Hosting;

/// <summary>
/// The clock for what cannot be taken back: it starts right and goes no faster than twice the time that really passes here. If the clock leaps ahead and is set
/// right again within a time as long as the leap, nothing is lost; one that was behind and is set right is caught up with. Not thread-safe.
/// </summary>
internal sealed class WaryClock(TimeProvider time)
{
    private const int MostSpeed = 2;

    private long _looked = time.GetTimestamp();
    private DateTimeOffset _now = time.GetUtcNow();

    public DateTimeOffset GetUtcNow()
    {
        var (looked, clock) = (time.GetTimestamp(), time.GetUtcNow());
        var most = _now + (MostSpeed * time.GetElapsedTime(_looked, looked));
        (_looked, _now) = (looked, clock < most ? clock : most);
        return _now;
    }
}
