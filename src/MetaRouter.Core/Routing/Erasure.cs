namespace MetaRouter.Core.Routing;

/// <summary>
/// Which decisions an erasure covers. Its time alone does not tell: a decision taken before it by a node whose clock runs fast is dated after it. So a decision
/// taken with knowledge of an erasure names it, and within the time by which clocks may differ only those count as later.
/// </summary>
public static class Erasure
{
    /// <summary>An erasure's name in receipts, 1 to 65,535; 0: the user was never erased. Two erasures of one user share a name when a multiple of 65.535 s lies between them.</summary>
    /// <param name="erasedAtMs">Unix milliseconds; 0: never.</param>
    public static ushort Name(long erasedAtMs) => erasedAtMs <= 0 ? (ushort)0 : (ushort)(1 + (erasedAtMs % ushort.MaxValue));

    /// <summary>
    /// Whether feedback on the decision would bring back what was erased. A decision of a router that has not heard of the erasure yet is covered too.
    /// </summary>
    /// <param name="erasedAtMs">Unix milliseconds of the last erasure that is known; 0: never.</param>
    /// <param name="clockSkew">By how much two nodes' clocks may differ.</param>
    public static bool Covers(in Receipt receipt, long erasedAtMs, TimeSpan clockSkew) =>
        receipt.DecisionTimeMs <= erasedAtMs
        || (erasedAtMs > 0 && receipt.DecisionTimeMs <= erasedAtMs + (long)clockSkew.TotalMilliseconds && receipt.Erasure != Name(erasedAtMs));
}
