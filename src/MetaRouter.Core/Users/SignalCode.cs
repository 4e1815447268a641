using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Users;

/// <summary>
/// How exactly a signal is kept. Signals are rounded when they enter a <see cref="UserState"/>, so what is in memory is what is on disk.
/// <list type="table">
/// <item><term>quality</term><description>8 bits: steps of 1/255</description></item>
/// <item><term>cost</term><description>8 bits: 0, then 1e-7 to 10 US dollars in steps of 7.5 %</description></item>
/// <item><term>latency</term><description>4 bits: 0 (unknown), then 0.05 to 120 s in steps of 74 %</description></item>
/// <item><term>client time</term><description>units of 100 ms after the decision, 0 to 38.8 days</description></item>
/// </list>
/// A packed signal is 48 bits, most significant first: kind 4, withdrawn 1, value 3, then first and second quality, first and second cost, first and second latency.
/// </summary>
internal static class SignalCode
{
    public const int Bits = 48;
    public const int LatencyBits = 8;
    public const int TopicBits = 6;
    public const int DelayUnitMs = 100;
    public const int MaxDelay = (1 << 25) - 1;

    private static readonly LogScale Cost = new(lowest: 1e-7, step: 1.0752168531898922, codes: 255);
    private static readonly LogScale Latency = new(lowest: 0.05, step: 1.7435871518309012, codes: 15);

    /// <summary>The signal as it is kept: rounding it again changes nothing.</summary>
    /// <exception cref="ArgumentException">A part is outside its range; the message names it.</exception>
    public static Signal Round(in Signal signal)
    {
        Check(signal);
        return signal with
        {
            ClientTimeMs = signal.Key.DecisionTimeMs + (Delay(signal) * DelayUnitMs),
            First = Round(signal.First),
            Second = Round(signal.Second),
        };
    }

    /// <summary>Units of <see cref="DelayUnitMs"/> from the decision to the user's word. A client's clock may lag the router's, so a time before the decision counts as the decision's.</summary>
    public static long Delay(in Signal signal) =>
        signal.ClientTimeMs <= signal.Key.DecisionTimeMs ? 0 : Math.Min((signal.ClientTimeMs - signal.Key.DecisionTimeMs) / DelayUnitMs, MaxDelay);

    /// <summary>Everything but key and client time. Between two of one key and client time the greater pack wins, so that a withdrawal wins over what it withdraws.</summary>
    public static ulong Pack(in Signal signal) =>
        ((ulong)signal.Key.Kind << 44) | (signal.Withdrawn ? 1UL << 43 : 0) | ((ulong)signal.Value << 40)
        | ((ulong)QualityCode(signal.First) << 32) | ((ulong)QualityCode(signal.Second) << 24)
        | ((ulong)Cost.Encode(signal.First.CostUsd) << 16) | ((ulong)Cost.Encode(signal.Second.CostUsd) << 8)
        | ((ulong)Latency.Encode(signal.First.LatencySeconds) << 4) | (uint)Latency.Encode(signal.Second.LatencySeconds);

    /// <summary>The inverse of <see cref="Pack"/>; kind and value come back unchecked.</summary>
    public static Signal Unpack(ulong pack, long decisionTimeMs, uint nonce, long delay) => new(
        new SignalKey(decisionTimeMs, nonce, (FeedbackKind)(pack >> 44)),
        decisionTimeMs + (delay * DelayUnitMs),
        (byte)(pack >> 40 & 0x7),
        (pack >> 43 & 1) != 0,
        new Outcome((byte)(pack >> 32) / 255f, Cost.Decode((byte)(pack >> 16)), Latency.Decode((int)(pack >> 4 & 0xF))),
        new Outcome((byte)(pack >> 24) / 255f, Cost.Decode((byte)(pack >> 8)), Latency.Decode((int)(pack & 0xF))));

    /// <summary>True when the kind is known and the value is one it may have.</summary>
    public static bool IsKnown(FeedbackKind kind, byte value) => value >= Lowest(kind) && value <= Highest(kind);

    private static void Check(in Signal signal)
    {
        var key = signal.Key;
        if (key.DecisionTimeMs is < 0 or > SignalKey.MaxDecisionTimeMs)
        {
            throw new ArgumentException(
                $"A signal's decision time is {key.DecisionTimeMs}; it must be Unix milliseconds from 0 to {SignalKey.MaxDecisionTimeMs}, as its receipt has it.",
                nameof(signal));
        }

        if (key.Nonce > SignalKey.MaxNonce)
        {
            throw new ArgumentException($"A signal's nonce is {key.Nonce}; it must fit 24 bits (0 to {SignalKey.MaxNonce}), as its receipt has it.", nameof(signal));
        }

        if (!IsKnown(key.Kind, signal.Value))
        {
            throw new ArgumentException(
                Highest(key.Kind) < 0
                    ? $"A signal's kind is {(byte)key.Kind}, which is no kind of feedback; use one {nameof(FeedbackKind)} lists."
                    : $"A {key.Kind} signal has value {signal.Value}; it must be {Range(key.Kind)}.",
                nameof(signal));
        }

        if (signal.Topic >= 1 << TopicBits)
        {
            throw new ArgumentException($"A signal's topic is {signal.Topic}; it must fit {TopicBits} bits (0 to {(1 << TopicBits) - 1}), as its receipt has it.", nameof(signal));
        }

        Check(signal.First, "first");
        Check(signal.Second, "second");
    }

    private static void Check(Outcome outcome, string which)
    {
        if (!outcome.IsValid)
        {
            throw new ArgumentException($"The {which} outcome of a signal is {outcome}; its quality must be 0 to 1, its cost and latency finite and 0 or more.", nameof(outcome));
        }
    }

    private static Outcome Round(Outcome outcome) =>
        new(QualityCode(outcome) / 255f, Cost.Decode(Cost.Encode(outcome.CostUsd)), Latency.Decode(Latency.Encode(outcome.LatencySeconds)));

    private static byte QualityCode(Outcome outcome) => (byte)((outcome.Quality * 255f) + 0.5f);

    private static int Lowest(FeedbackKind kind) => kind is FeedbackKind.Rating or FeedbackKind.Accept ? 1 : 0;

    private static int Highest(FeedbackKind kind) => kind switch
    {
        FeedbackKind.Comparison or FeedbackKind.Thumb or FeedbackKind.SwitchModel or FeedbackKind.Accept or FeedbackKind.TaskSuccess => 1,
        FeedbackKind.Rating => 5,
        FeedbackKind.Regenerate or FeedbackKind.Edit or FeedbackKind.Abandon => 0,
        _ => -1,
    };

    private static string Range(FeedbackKind kind) => Lowest(kind) == Highest(kind) ? $"{Lowest(kind)}" : $"{Lowest(kind)} to {Highest(kind)}";
}
