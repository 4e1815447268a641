namespace MetaRouter.Fuzz.Answers;

/// <summary>A clock that goes on two minutes with each input, so that no upstream is left alone for what it answered before.</summary>
internal sealed class SteppingTime : TimeProvider
{
    private long _steps;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromMinutes(2 * Interlocked.Read(ref _steps));

    public override long GetTimestamp() => base.GetTimestamp() + (120 * TimestampFrequency * Interlocked.Read(ref _steps));

    public void Step() => Interlocked.Increment(ref _steps);
}
