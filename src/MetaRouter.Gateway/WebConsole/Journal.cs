using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>
/// The last requests of this process, with what was predicted and decided and what became of them, in memory: a queue of segments that are only appended to, and dropped
/// whole at the old end. No texts and no user ids, only hashes.
/// </summary>
/// <remarks>
/// An entry takes 90 bytes and 24 for each candidate, so 100,000 decisions among eight models take 28 MB. The lock is held while one entry is copied;
/// readers hold it while they take the list of segments, and read what was there then. A dropped segment is used again unless somebody is reading:
/// left to the garbage collector, tens of megabytes a minute would reach the oldest generation before they die, and the process would grow.
/// </remarks>
internal sealed class Journal
{
    private const int SegmentBytes = 32 * 1024;
    private static readonly int RecordBytes = Unsafe.SizeOf<JournalRecord>();
    private static readonly int CandidateBytes = Unsafe.SizeOf<JournalCandidate>();

    private readonly Lock _gate = new();
    private readonly LinkedList<Segment> _segments = [];
    private readonly RecentErasures _erasures = new();
    private readonly int _capacity;
    private readonly int _mostSegments;
    private long _sequence;
    private int _count;
    private int _readers;

    /// <param name="capacity">The most entries that are read back; 0: nothing is kept.</param>
    /// <param name="mostBytes">The most memory that entries take.</param>
    public Journal(int capacity, long mostBytes) => (_capacity, _mostSegments) = (capacity, (int)Math.Max(2, mostBytes / SegmentBytes));

    public bool IsOn => _capacity > 0;

    /// <summary>The number of the last entry; 0: there is none.</summary>
    public long Sequence => Interlocked.Read(ref _sequence);

    /// <param name="begunMs">When the call arrived, Unix milliseconds: a user who was erased since is left out.</param>
    public void Add(ref JournalRecord record, ReadOnlySpan<JournalCandidate> candidates, long begunMs)
    {
        // A catalog has at most 1,024 models, which fit into a segment.
        var length = RecordBytes + (candidates.Length * CandidateBytes);
        record.Candidates = (ushort)candidates.Length;
        lock (_gate)
        {
            var segment = _segments.Last?.Value;
            if (segment is null || segment.Length + length > SegmentBytes || segment.Count == segment.Starts.Length)
            {
                segment = Open();
            }

            record.Sequence = _sequence + 1;
            record.User = _erasures.UserOf(record.Tenant, record.User, begunMs);
            MemoryMarshal.Write(segment.Bytes.AsSpan(segment.Length), in record);
            MemoryMarshal.AsBytes(candidates).CopyTo(segment.Bytes.AsSpan(segment.Length + RecordBytes));
            segment.Starts[segment.Count] = (ushort)segment.Length;
            (segment.Length, segment.Count, _count) = (segment.Length + length, segment.Count + 1, _count + 1);
            Interlocked.Exchange(ref _sequence, record.Sequence);
        }
    }

    /// <summary>What is kept, newest first, without what is added meanwhile. An entry is valid until the enumeration ends.</summary>
    public IEnumerable<JournalEntry> NewestFirst()
    {
        (Segment Segment, int Count)[] segments;
        lock (_gate)
        {
            segments = [.. _segments.Select(s => (s, s.Count))];
            _readers++;
        }

        try
        {
            var left = _capacity;
            for (var s = segments.Length - 1; s >= 0; s--)
            {
                for (var i = segments[s].Count - 1; i >= 0 && left > 0; i--, left--)
                {
                    yield return new JournalEntry(segments[s].Segment.Bytes, segments[s].Segment.Starts[i]);
                }
            }
        }
        finally
        {
            lock (_gate)
            {
                _readers--;
            }
        }
    }

    /// <summary>The same of one tenant.</summary>
    public IEnumerable<JournalEntry> NewestFirst(int tenant) => NewestFirst().Where(e => e.Record.Tenant == tenant);

    /// <summary>Removes a user's hash from every entry, and from those of calls still under way.</summary>
    public void Forget(int tenant, ulong user, long nowMs)
    {
        lock (_gate)
        {
            _erasures.Add(tenant, user, nowMs);
            foreach (var segment in _segments)
            {
                for (var i = 0; i < segment.Count; i++)
                {
                    ref var record = ref MemoryMarshal.AsRef<JournalRecord>(segment.Bytes.AsSpan(segment.Starts[i]));
                    record.User = record.User == user && record.Tenant == tenant ? 0 : record.User;
                }
            }
        }
    }

    private Segment Open()
    {
        LinkedListNode<Segment>? free = null;
        while (_segments.First is { } oldest && (_count - oldest.Value.Count >= _capacity || _segments.Count >= _mostSegments))
        {
            free = _readers == 0 ? oldest : null;
            _count -= oldest.Value.Count;
            _segments.RemoveFirst();
        }

        free ??= new LinkedListNode<Segment>(new Segment());
        (free.Value.Length, free.Value.Count) = (0, 0);
        _segments.AddLast(free);
        return free.Value;
    }

    private sealed class Segment
    {
        public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(SegmentBytes);

        public ushort[] Starts { get; } = new ushort[SegmentBytes / Unsafe.SizeOf<JournalRecord>()];

        public int Length { get; set; }

        public int Count { get; set; }
    }
}

/// <summary>One entry, in place.</summary>
internal readonly struct JournalEntry(byte[] bytes, int at)
{
    public ref readonly JournalRecord Record => ref MemoryMarshal.AsRef<JournalRecord>(bytes.AsSpan(at));

    /// <summary>In the order of the catalog at that time.</summary>
    public ReadOnlySpan<JournalCandidate> Candidates =>
        MemoryMarshal.Cast<byte, JournalCandidate>(bytes.AsSpan(at + Unsafe.SizeOf<JournalRecord>(), Record.Candidates * Unsafe.SizeOf<JournalCandidate>()));

    /// <summary>US dollars, predicted where the models are called elsewhere; null: not known.</summary>
    public double? CostUsd => !double.IsNaN(Record.CostUsd) ? Record.CostUsd
        : Record.Status == 0 && Record.Chosen >= 0 ? Candidates[Record.Chosen].Predicted.CostUsd + (Record.IsCompared ? Candidates[Record.Offered].Predicted.CostUsd : 0)
        : null;

    /// <summary>As the API names it.</summary>
    public string Id => IdOf(Record.TimeMs, Record.Nonce);

    public static string IdOf(long timeMs, uint nonce) => FormattableString.Invariant($"{timeMs:x}-{nonce:x6}");

    /// <summary>Null: not the form of <see cref="Id"/>.</summary>
    public static (long TimeMs, uint Nonce)? Parse(string id)
    {
        var dash = id.IndexOf('-', StringComparison.Ordinal);
        return dash > 0 && long.TryParse(id.AsSpan(0, dash), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var time)
            && uint.TryParse(id.AsSpan(dash + 1), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var nonce) ? (time, nonce) : null;
    }
}
