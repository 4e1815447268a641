using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Users;

/// <summary>Signals to test with.</summary>
internal static class SomeSignals
{
    /// <summary>2026-01-01.</summary>
    public const long Start = 1_767_225_600_000;

    public const long Day = 86_400_000;

    public static Signal Thumb(long decisionTimeMs = Start, uint nonce = 1, byte value = 1, long saidAfterMs = 5_000, bool withdrawn = false) => new(
        new SignalKey(decisionTimeMs, nonce, FeedbackKind.Thumb),
        decisionTimeMs + saidAfterMs,
        value,
        withdrawn,
        new Outcome(0.8f, 0.01f, 2f),
        new Outcome(0.4f, 0.001f, 0f));

    /// <summary>Any valid signal. Few distinct keys and times, so that collisions, changes of mind and ties happen.</summary>
    public static Signal Colliding(Random random)
    {
        var time = Start + (random.Next(60) * 1_000L);
        var kind = random.Next(4) switch { 0 => FeedbackKind.Comparison, 1 => FeedbackKind.Rating, 2 => FeedbackKind.TaskSuccess, _ => FeedbackKind.Thumb };
        return new Signal(
            new SignalKey(time, (uint)random.Next(2), kind),
            time + (random.Next(-1, 3) * 1_000L),
            (byte)(random.Next(2) + (kind == FeedbackKind.Rating ? 1 : 0)),
            random.Next(5) == 0,
            Outcome(random, withLatency: random.Next(2) == 0),
            Outcome(random, withLatency: false));
    }

    /// <summary>As many signals as asked, evenly likely over the days, each said up to <paramref name="latestMs"/> after its decision.</summary>
    public static Signal[] Spread(Random random, int count, double days, long latestMs, bool withLatency = true) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        var time = Start + (long)(random.NextDouble() * days * Day);
        var kind = (FeedbackKind)random.Next(9);
        var value = kind switch { FeedbackKind.Rating => random.Next(1, 6), FeedbackKind.Accept => 1, FeedbackKind.Regenerate or FeedbackKind.Edit or FeedbackKind.Abandon => 0, _ => random.Next(2) };
        return new Signal(
            new SignalKey(time, (uint)random.Next((int)SignalKey.MaxNonce + 1), kind),
            time + random.NextInt64(latestMs + 1),
            (byte)value,
            random.Next(5) == 0,
            Outcome(random, withLatency),
            Outcome(random, withLatency));
    })];

    public static Outcome Outcome(Random random, bool withLatency) => new(
        random.NextSingle(),
        random.Next(10) == 0 ? 0 : (float)Math.Pow(10, (random.NextDouble() * 10) - 8),
        withLatency ? (float)Math.Pow(10, (random.NextDouble() * 4) - 2) : 0);

    public static UserState State(IEnumerable<Signal> signals) => signals.Aggregate(UserState.Empty, (state, signal) => state.Add(signal));
}
