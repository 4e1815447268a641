namespace MetaRouter.Hosting.Tests;

/// <summary>Time that passes when it is told to, and a clock that is set beside it.</summary>
internal sealed class PassingTime : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public TimeSpan Passed { get; set; }

    public TimeSpan Set { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Start + Passed + Set;

    public override long GetTimestamp() => Passed.Ticks;
}
