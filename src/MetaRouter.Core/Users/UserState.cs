using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace MetaRouter.Core.Users;

/// <summary>
/// Everything that is persisted about one user: a window of at most 64 signals, immutable and a join-semilattice.
/// </summary>
/// <remarks>
/// Join: of two signals with one key the one the user said later stays (equal times: the greater payload), then the 64 greatest keys stay.
/// The first step is a maximum per key and the second keeps a suffix of the key order, so a signal that belongs to the final window is in the
/// window of every part it passed through. Hence joining is associative, commutative and idempotent: order, repetition and retries cannot matter,
/// deduplication is exact with no other memory, and any two nodes that saw the same signals hold the same bytes.
/// A withdrawn signal keeps its slot. Freeing it would let the signal's own repeat back in.
/// Cost: <see cref="Add(Signal)"/> O(log n) to find and O(n) to copy, <see cref="Merge"/> O(n), n at most 64. About 4 KB in memory.
/// Source: Shapiro et al., "Conflict-free Replicated Data Types", SSS 2011.
/// </remarks>
public sealed class UserState
{
    /// <summary>The most signals that are kept.</summary>
    public const int Window = 64;

    /// <summary>No record is longer than this, in bytes, whatever its signals. See <see cref="ToBytes"/> for what records really take.</summary>
    public const int MaxBytes = UserStateCodec.MaxBytes;

    private UserState(ImmutableArray<Signal> signals) => Signals = signals;

    /// <summary>A user nothing is known of.</summary>
    public static UserState Empty { get; } = new([]);

    /// <summary>Ascending by key, withdrawn ones included, rounded to what the record stores.</summary>
    public ImmutableArray<Signal> Signals { get; }

    public bool Contains(SignalKey key) => Find(key) >= 0;

    public bool TryFind(SignalKey key, out Signal signal)
    {
        var at = Find(key);
        signal = at >= 0 ? Signals[at] : default;
        return at >= 0;
    }

    /// <inheritdoc cref="Add(Signal, out AddOutcome)"/>
    public UserState Add(Signal signal) => Add(signal, out _);

    /// <summary>This state and one signal. Returns this very instance when the signal changes nothing.</summary>
    /// <exception cref="ArgumentException">A part of the signal is outside its range; the message names it.</exception>
    public UserState Add(Signal signal, out AddOutcome outcome)
    {
        signal = SignalCode.Round(signal);
        var at = Find(signal.Key);
        if (at >= 0)
        {
            var order = CompareSaid(signal, Signals[at]);
            outcome = order switch { 0 => AddOutcome.Repeat, < 0 => AddOutcome.Superseded, _ => signal.Withdrawn ? AddOutcome.Withdrawn : AddOutcome.Replaced };
            return order <= 0 ? this : new UserState(Signals.SetItem(at, signal));
        }

        at = ~at;
        var isFull = Signals.Length == Window;
        if (isFull && at == 0)
        {
            outcome = AddOutcome.BelowFloor;
            return this;
        }

        outcome = signal.Withdrawn ? AddOutcome.Withdrawn : AddOutcome.Counted;
        return new UserState(isFull ? [.. Signals.AsSpan()[1..at], signal, .. Signals.AsSpan()[at..]] : Signals.Insert(at, signal));
    }

    /// <summary>The join of both. Returns one of the two instances when it already holds everything the other does.</summary>
    public UserState Merge(UserState other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var mine = Signals.AsSpan();
        var theirs = other.Signals.AsSpan();
        var merged = new Signal[Window];
        var at = Window;
        for (var (i, j) = (mine.Length - 1, theirs.Length - 1); at > 0 && (i >= 0 || j >= 0);)
        {
            var order = i < 0 ? -1 : j < 0 ? 1 : mine[i].Key.CompareTo(theirs[j].Key);
            merged[--at] = order switch
            {
                > 0 => mine[i--],
                < 0 => theirs[j--],
                _ => Later(mine[i--], theirs[j--]),
            };
        }

        var join = merged.AsSpan(at);
        return join.SequenceEqual(mine) ? this : join.SequenceEqual(theirs) ? other : new UserState([.. join]);
    }

    /// <summary>
    /// The record: versioned, with a checksum, and canonical, so equal states have equal bytes.
    /// 64 signals of 60 days take at most 1,024 bytes with every feedback two weeks late; without latencies, so do 64 of ten years. Five take at most 100.
    /// Topics take six bits a signal more, in records that have any.
    /// </summary>
    public byte[] ToBytes() => UserStateCodec.Encode(Signals.AsSpan());

    /// <exception cref="UserStateException">The bytes are not a record this version understands; the message says why.</exception>
    public static UserState Read(ReadOnlySpan<byte> bytes) => TryRead(bytes, out var state, out var error) ? state : throw new UserStateException(error);

    /// <summary>As <see cref="Read"/>, with the reason in <paramref name="error"/> instead of an exception.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out UserState? state, [NotNullWhen(false)] out string? error)
    {
        error = UserStateCodec.Decode(bytes, out var signals);
        state = error is not null ? null : signals.IsEmpty ? Empty : new UserState(signals);
        return error is null;
    }

    private static Signal Later(in Signal left, in Signal right) => CompareSaid(left, right) >= 0 ? left : right;

    /// <summary>Orders two signals of one key by what the user said last. Total: 0 only when they are equal.</summary>
    private static int CompareSaid(in Signal left, in Signal right) =>
        left.ClientTimeMs != right.ClientTimeMs ? left.ClientTimeMs.CompareTo(right.ClientTimeMs) : (SignalCode.Pack(left), left.Topic).CompareTo((SignalCode.Pack(right), right.Topic));

    /// <summary>The index of the key, or the complement of where it would go.</summary>
    private int Find(SignalKey key)
    {
        var (low, high) = (0, Signals.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            var order = Signals.ItemRef(middle).Key.CompareTo(key);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}
