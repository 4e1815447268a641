using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;

namespace MetaRouter.Core.Users;

/// <summary>
/// Everything that is persisted about one user: a window of at most 64 signals, immutable and a join-semilattice.
/// </summary>
/// <remarks>
/// Join: of two signals with one key the one the user said later stays (equal times: the greater payload), then 64 stay: those of kinds that may speak of the
/// trade-off before those that speak of quality alone, of each the greatest keys.
/// The first step is a maximum per key and the second keeps the greatest of an order of keys, so a signal that belongs to the final window is in the
/// window of every part it passed through. Hence joining is associative, commutative and idempotent: order, repetition and retries cannot matter,
/// deduplication is exact with no other memory, and any two nodes that saw the same signals hold the same bytes.
/// A withdrawn signal keeps its slot, and its place in that order, which is one of keys. Freeing it would let the signal's own repeat back in.
/// Held as its record, because most users in memory are at rest: 64 signals take 4 KB unpacked, and less than 1 KB as a record. Every look at them unpacks them anew.
/// Cost: all O(n), n at most 64: some microseconds to unpack or to pack 64 signals.
/// Source: Shapiro et al., "Conflict-free Replicated Data Types", SSS 2011.
/// </remarks>
public sealed class UserState
{
    /// <summary>The most signals that are kept.</summary>
    public const int Window = 64;

    /// <summary>No record is longer than this, in bytes, whatever its signals. See <see cref="ToBytes"/> for what records really take.</summary>
    public const int MaxBytes = UserStateCodec.MaxBytes;

    private readonly byte[] _record;

    private UserState(ReadOnlySpan<Signal> signals) => _record = UserStateCodec.Encode(signals);

    private UserState(byte[] record) => _record = record;

    /// <summary>A user nothing is known of.</summary>
    public static UserState Empty { get; } = new(ReadOnlySpan<Signal>.Empty);

    /// <summary>How many signals, withdrawn ones included.</summary>
    public int Count => UserStateCodec.Count(_record);

    public bool IsEmpty => Count == 0;

    /// <summary>Ascending by key, withdrawn ones included, rounded to what the record stores. Unpacked each time it is asked for: keep them where they are needed twice.</summary>
    public ImmutableArray<Signal> Signals
    {
        get
        {
            var signals = new Signal[Count];
            Unpack(signals);
            return ImmutableCollectionsMarshal.AsImmutableArray(signals);
        }
    }

    public bool TryFind(SignalKey key, out Signal signal)
    {
        Span<Signal> mine = stackalloc Signal[Window];
        mine = Unpack(mine);
        var at = Find(mine, key);
        signal = at >= 0 ? mine[at] : default;
        return at >= 0;
    }

    /// <inheritdoc cref="Add(Signal, out AddOutcome)"/>
    public UserState Add(Signal signal) => Add(signal, out _);

    /// <summary>This state and one signal. Returns this very instance when the signal changes nothing.</summary>
    /// <exception cref="ArgumentException">A part of the signal is outside its range; the message names it.</exception>
    public UserState Add(Signal signal, out AddOutcome outcome)
    {
        signal = SignalCode.Round(signal);
        Span<Signal> room = stackalloc Signal[Window + 1];
        var mine = Unpack(room);
        var at = Find(mine, signal.Key);
        if (at >= 0)
        {
            var order = CompareSaid(signal, mine[at]);
            outcome = order switch { 0 => AddOutcome.Repeat, < 0 => AddOutcome.Superseded, _ => signal.Withdrawn ? AddOutcome.Withdrawn : AddOutcome.Replaced };
            if (order <= 0)
            {
                return this;
            }

            mine[at] = signal;
            return new UserState(mine);
        }

        at = ~at;
        mine[at..].CopyTo(room[(at + 1)..]);
        room[at] = signal;
        mine = Greatest(room[..(mine.Length + 1)]);
        if (Find(mine, signal.Key) < 0)
        {
            outcome = AddOutcome.BelowFloor;
            return this;
        }

        outcome = signal.Withdrawn ? AddOutcome.Withdrawn : AddOutcome.Counted;
        return new UserState(mine);
    }

    /// <summary>The join of both. Returns one of the two instances when it already holds everything the other does.</summary>
    public UserState Merge(UserState other)
    {
        ArgumentNullException.ThrowIfNull(other);
        Span<Signal> mine = stackalloc Signal[Window], theirs = stackalloc Signal[Window], merged = stackalloc Signal[2 * Window];
        mine = Unpack(mine);
        theirs = other.Unpack(theirs);
        var at = merged.Length;
        for (var (i, j) = (mine.Length - 1, theirs.Length - 1); i >= 0 || j >= 0;)
        {
            var order = i < 0 ? -1 : j < 0 ? 1 : mine[i].Key.CompareTo(theirs[j].Key);
            merged[--at] = order switch
            {
                > 0 => mine[i--],
                < 0 => theirs[j--],
                _ => Later(mine[i--], theirs[j--]),
            };
        }

        var join = Greatest(merged[at..]);
        return join.SequenceEqual(mine) ? this : join.SequenceEqual(theirs) ? other : new UserState(join);
    }

    /// <summary>
    /// The record: versioned, with a checksum, and canonical, so equal states have equal bytes.
    /// 64 signals of 60 days take at most 1,024 bytes with every feedback two weeks late; without latencies, so do 64 of ten years. Five take at most 100.
    /// Topics take six bits a signal more, in records that have any.
    /// </summary>
    public byte[] ToBytes() => [.. _record];

    /// <exception cref="UserStateException">The bytes are not a record this version understands; the message says why.</exception>
    public static UserState Read(ReadOnlySpan<byte> bytes) => TryRead(bytes, out var state, out var error) ? state : throw new UserStateException(error);

    /// <summary>
    /// As <see cref="Read"/>, of a record that somebody brings: no signal may be of a later decision than now. It would never make room for another, since the latest decisions stay.
    /// </summary>
    /// <param name="nowMs">Unix milliseconds.</param>
    /// <param name="clockSkew">By how much the clock of whoever took the decisions may be ahead.</param>
    /// <exception cref="UserStateException">The bytes are not a record this version understands, or one with a signal of a later decision; the message says which.</exception>
    public static UserState ReadBrought(ReadOnlySpan<byte> bytes, long nowMs, TimeSpan clockSkew)
    {
        var state = Read(bytes);
        return state.Signals is [.., var latest] && latest.Key.DecisionTimeMs - nowMs > clockSkew.TotalMilliseconds
            ? throw new UserStateException(string.Create(
                CultureInfo.InvariantCulture,
                $"It has a signal of a decision at {DateTimeOffset.FromUnixTimeMilliseconds(latest.Key.DecisionTimeMs):u}, which is later than now, "
                    + $"{DateTimeOffset.FromUnixTimeMilliseconds(nowMs):u}. Set the clock that is wrong, or leave the record out."))
            : state;
    }

    /// <summary>As <see cref="Read"/>, with the reason in <paramref name="error"/> instead of an exception.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out UserState? state, [NotNullWhen(false)] out string? error)
    {
        error = UserStateCodec.FindError(bytes);
        state = error is not null ? null : UserStateCodec.Count(bytes) == 0 ? Empty : new UserState(bytes.ToArray());
        return error is null;
    }

    /// <summary>The signals that stay.</summary>
    /// <param name="signals">Ascending by key; moved together.</param>
    private static Span<Signal> Greatest(Span<Signal> signals)
    {
        var excess = signals.Length - Window;
        if (excess <= 0)
        {
            return signals;
        }

        var quality = 0;
        foreach (ref readonly var signal in signals)
        {
            quality += signal.Key.Kind.IsOfQualityAlone() ? 1 : 0;
        }

        quality = Math.Min(quality, excess);
        var (kept, others) = (0, excess - quality);
        foreach (var signal in signals)
        {
            if (signal.Key.Kind.IsOfQualityAlone() ? quality-- <= 0 : others-- <= 0)
            {
                signals[kept++] = signal;
            }
        }

        return signals[..kept];
    }

    private static Signal Later(in Signal left, in Signal right) => CompareSaid(left, right) >= 0 ? left : right;

    /// <summary>Orders two signals of one key by what the user said last. Total: 0 only when they are equal.</summary>
    private static int CompareSaid(in Signal left, in Signal right) =>
        left.ClientTimeMs != right.ClientTimeMs ? left.ClientTimeMs.CompareTo(right.ClientTimeMs) : (SignalCode.Pack(left), left.Topic).CompareTo((SignalCode.Pack(right), right.Topic));

    /// <summary><see cref="Signals"/> in memory that the caller has.</summary>
    /// <param name="signals">At least <see cref="Window"/> long.</param>
    internal Span<Signal> Unpack(Span<Signal> signals) => signals[..UserStateCodec.Decode(_record, signals)];

    /// <summary>The index of the key, or the complement of where it would go.</summary>
    private static int Find(ReadOnlySpan<Signal> signals, SignalKey key)
    {
        var (low, high) = (0, signals.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            var order = signals[middle].Key.CompareTo(key);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}
