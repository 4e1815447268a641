using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Evaluation.Simulation;

/// <summary>What simulated users say, as a router hears it: a word a minute, on the decision of that minute.</summary>
internal static class SimulatedSignal
{
    private const long MinuteMs = 60_000;

    /// <param name="minute">Since the beginning of the user's story.</param>
    /// <param name="isYes">A comparison: the first was preferred; a thumb: up.</param>
    /// <param name="second">Of a comparison; else the middle of the pool.</param>
    public static Signal Of(FeedbackKind kind, int minute, bool isYes, in Outcome first, in Outcome second, byte topic = 0) =>
        new(new SignalKey(minute * MinuteMs, 0, kind), minute * MinuteMs, isYes ? (byte)1 : (byte)0, false, first, second) { Topic = topic };
}
