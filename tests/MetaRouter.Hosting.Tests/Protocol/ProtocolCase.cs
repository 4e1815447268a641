namespace MetaRouter.Hosting.Tests.Protocol;

/// <summary>A small world to be explored whole: who says what to which node, and how often things may go wrong.</summary>
/// <param name="Crashes">Of nodes: what they were doing is gone, but a write already sent may still arrive.</param>
/// <param name="Evictions">Of the user from a node's memory.</param>
/// <param name="Losses">Calls of the store that fail, before or after it did what it was told.</param>
internal sealed record ProtocolCase(string Name, int Crashes, int Evictions, int Losses, params Client[] Clients)
{
    public override string ToString() => Name;
}

internal enum Operation
{
    Learn,
    Erase,
    Read,
}

/// <summary>Somebody with one thing to say, who says it again, to the other node, while there is no answer: also while the first try is still under way.</summary>
/// <param name="Node">0 or 1: who is asked first.</param>
/// <param name="Tries">The most.</param>
/// <param name="DecidedMs">The decision spoken of, relative to the time of the clocks and of any erasure; above 0: nothing is said of it before the erasure.</param>
/// <param name="SaidMs">When the user spoke, relative to the decision; null: not said, it counts as said when it arrives.</param>
internal sealed record Client(Operation Operation, int Node, int Tries, long DecidedMs = -10_000, byte Value = 1, long? SaidMs = null)
{
    /// <summary>The node that decided has a fast clock: the decision was taken before any erasure, whatever <see cref="DecidedMs"/> says.</summary>
    public bool IsAhead { get; init; }

    /// <summary>The decision was taken before any erasure.</summary>
    public bool IsBefore => DecidedMs <= 0 || IsAhead;
}

/// <summary>Ways to get the protocol wrong. Each must be noticed, or noticing nothing says nothing.</summary>
public enum Mutation
{
    None,

    /// <summary>The store writes whatever the etag.</summary>
    NoEtagCheck,

    /// <summary>The store gives an etag again: 1, 2, 1, 2.</summary>
    EtagsComeAgain,

    /// <summary>A save is answered before it is done.</summary>
    AcknowledgeFirst,

    /// <summary>A try is known by when it arrived instead of by its receipt.</summary>
    NoReceiptMemory,

    /// <summary>Erasing empties the record and leaves no trace of when.</summary>
    NoTombstone,

    /// <summary>A decision counts as taken after an erasure because it is dated so.</summary>
    DatesAlone,
}
