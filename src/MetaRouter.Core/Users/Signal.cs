using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Users;

/// <summary>Names one signal: a kind of feedback about one decision. Ordered by decision time, then nonce, then kind.</summary>
/// <param name="DecisionTimeMs">Unix milliseconds of the decision, from its receipt.</param>
/// <param name="Nonce">24 bits from the receipt that tell apart two decisions of one millisecond.</param>
/// <param name="Kind">The kind of feedback.</param>
public readonly record struct SignalKey(long DecisionTimeMs, uint Nonce, FeedbackKind Kind) : IComparable<SignalKey>
{
    public const uint MaxNonce = 0xFF_FFFF;

    /// <summary>The latest decision time that is stored, in Unix milliseconds: 46 bits, in the year 4199. The earliest is 0.</summary>
    public const long MaxDecisionTimeMs = (1L << 46) - 1;

    public int CompareTo(SignalKey other) => (DecisionTimeMs, Nonce, (byte)Kind).CompareTo((other.DecisionTimeMs, other.Nonce, (byte)other.Kind));

    public static bool operator <(SignalKey left, SignalKey right) => left.CompareTo(right) < 0;

    public static bool operator >(SignalKey left, SignalKey right) => left.CompareTo(right) > 0;

    public static bool operator <=(SignalKey left, SignalKey right) => left.CompareTo(right) <= 0;

    public static bool operator >=(SignalKey left, SignalKey right) => left.CompareTo(right) >= 0;
}

/// <summary>
/// One piece of evidence about a user's preference: what was predicted of the two sides when the decision was taken, and what the user said.
/// A price or pool change touches outcomes of later decisions, never this record, so beliefs survive it.
/// </summary>
/// <param name="Key">Which decision and kind.</param>
/// <param name="ClientTimeMs">Unix milliseconds at which the user spoke; a later one replaces an earlier one of the same key.</param>
/// <param name="Value">0 to 7, as <see cref="FeedbackKind"/> defines it.</param>
/// <param name="Withdrawn">The user took it back: the slot stays, the evidence does not.</param>
/// <param name="First">The model that answered, as predicted at the decision.</param>
/// <param name="Second">The model offered beside it (comparison) or the middle of the pool (every other kind, a switch too: a receipt has no prediction of the model gone to), as predicted at the decision.</param>
public readonly record struct Signal(SignalKey Key, long ClientTimeMs, byte Value, bool Withdrawn, Outcome First, Outcome Second)
{
    /// <summary>What the request was about, as its receipt has it: a code of <see cref="Text.TopicGroups"/>, 1 to 63; 0 (the default): not known.</summary>
    public byte Topic { get; init; }
}
