using MetaRouter.Core.Users;

namespace MetaRouter.Faults;

/// <summary>What a client was told of a piece of feedback.</summary>
internal enum Reply
{
    /// <summary>It changed what is known.</summary>
    Counted,

    /// <summary>Acknowledged, and it changed nothing: it was known, or something said later was.</summary>
    Known,

    /// <summary>Refused for good: nothing was or will be kept.</summary>
    Refused,

    /// <summary>No answer, or one that promises nothing: it may have been kept, or may be yet.</summary>
    Unknown,
}

/// <summary>One invocation of feedback and its end; <paramref name="Began"/> and <paramref name="Ended"/> are places in the order of all events.</summary>
/// <param name="DecidedAt">When the decision was asked for, in the same order.</param>
/// <param name="Node">Who answered.</param>
/// <param name="SaidMs">When the user said it, Unix milliseconds; null: on arrival, which the client does not know.</param>
internal sealed record Said(string User, int Node, long DecidedAt, SignalKey Key, byte Value, bool Withdrawn, long? SaidMs, long Began, long Ended, Reply Reply)
{
    public bool IsAcknowledged => Reply is Reply.Counted or Reply.Known;

    public bool SaysAsMuchAs(Said other) => (User, Key, Value, Withdrawn, SaidMs) == (other.User, other.Key, other.Value, other.Withdrawn, other.SaidMs);
}

/// <summary>One erasure; <see cref="long.MaxValue"/> as its end: unknown.</summary>
internal sealed record Erased(string User, long Began, long Ended);

/// <summary>What a node showed of a user.</summary>
internal sealed record Seen(string User, int Node, long Began, IReadOnlySet<SignalKey> Keys);

/// <summary>The store was destroyed between these places in the order of all events.</summary>
internal sealed record Destroyed(long Began, long Ended)
{
    public bool Precedes(Said said) => said.Began > Ended;

    public bool Follows(Said said) => said.Ended < Began;
}

/// <summary>What clients asked for and were told, in one order. Thread-safe.</summary>
internal sealed class History
{
    private readonly Lock _gate = new();
    private readonly List<Said> _said = [];
    private readonly List<Erased> _erased = [];
    private readonly List<Seen> _seen = [];
    private readonly List<string> _wrong = [];
    private Destroyed? _destroyed;
    private long _now;

    public int Acknowledged { get; private set; }

    /// <summary>The next place in the order of events.</summary>
    public long Next() => Interlocked.Increment(ref _now);

    public void Add(Said said)
    {
        lock (_gate)
        {
            _said.Add(said);
            Acknowledged += said.Reply == Reply.Counted ? 1 : 0;
        }
    }

    public void Add(Erased erased)
    {
        lock (_gate)
        {
            _erased.Add(erased);
        }
    }

    public void Add(Seen seen)
    {
        lock (_gate)
        {
            _seen.Add(seen);
        }
    }

    /// <summary>Once at most.</summary>
    public void Add(Destroyed destroyed)
    {
        lock (_gate)
        {
            _destroyed = _destroyed is null ? destroyed : throw new InvalidOperationException("The store was destroyed before.");
        }
    }

    /// <summary>An answer no history explains.</summary>
    public void AddWrong(string what)
    {
        lock (_gate)
        {
            _wrong.Add(what);
        }
    }

    public (IReadOnlyList<Said> Said, IReadOnlyList<Erased> Erased, IReadOnlyList<Seen> Seen, Destroyed? Destroyed, IReadOnlyList<string> Wrong) All()
    {
        lock (_gate)
        {
            return ([.. _said], [.. _erased], [.. _seen], _destroyed, [.. _wrong]);
        }
    }
}
