using System.Buffers.Binary;

namespace MetaRouter.Orleans.Learning;

/// <summary>
/// Users who no longer teach anything, since they were erased or withdrew everything, and since when. An older report, which waited on another silo, must not bring a user back.
/// Kept for a lifetime: older reports are refused, so no departure is needed for longer. Some 40 bytes each. Not thread-safe.
/// </summary>
/// <param name="lifetime">Above 0.</param>
/// <param name="most">How many are kept, at times a quarter more. Beyond that the oldest are forgotten early.</param>
internal sealed class Departures(TimeSpan lifetime, int most)
{
    private const byte Version = 1;
    private const int Row = sizeof(ulong) + sizeof(long) + sizeof(long);

    private readonly Dictionary<ulong, ReportTime> _gone = [];

    public int Count => _gone.Count;

    /// <summary>When the last of them who was erased was erased, Unix milliseconds; 0: nobody was.</summary>
    public long LastErasedAtMs => _gone.Values.Select(g => g.ErasedAtMs).DefaultIfEmpty().Max();

    /// <returns>True: that is news. False: as much or more is known of the user, or the word has no time.</returns>
    public bool Add(ulong user, in ReportTime time)
    {
        if (time == default || (_gone.TryGetValue(user, out var known) && !known.IsBefore(time)))
        {
            return false;
        }

        _gone[user] = time;
        if (_gone.Count > most + (most / 4))
        {
            foreach (var (oldest, _) in _gone.OrderBy(g => At(g.Value)).Take(_gone.Count - most).ToArray())
            {
                _gone.Remove(oldest);
            }
        }

        return true;
    }

    /// <summary>Whether the user has left since that time.</summary>
    public bool Covers(ulong user, in ReportTime time) => _gone.TryGetValue(user, out var gone) && time.IsBefore(gone);

    /// <summary>Whether a report is so old that its user may have left since without being listed here.</summary>
    public bool IsTooOld(in ReportTime time, long nowMs) => time.AtMs > 0 && time.AtMs < nowMs - (long)lifetime.TotalMilliseconds;

    /// <summary>Version, then for each user the hash, the erasure's time and the report's. Those older than the lifetime are left out.</summary>
    public byte[] ToBytes(long nowMs)
    {
        foreach (var (old, _) in _gone.Where(g => At(g.Value) < nowMs - (long)lifetime.TotalMilliseconds).ToArray())
        {
            _gone.Remove(old);
        }

        var (bytes, at) = (new byte[1 + (_gone.Count * Row)], 1);
        bytes[0] = Version;
        foreach (var (user, time) in _gone)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), user);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at + 8), time.ErasedAtMs);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at + 16), time.AtMs);
            at += Row;
        }

        return bytes;
    }

    /// <summary>Why a record cannot be read; null: it can, or there is none.</summary>
    public static string? ProblemOf(ReadOnlySpan<byte> bytes) => bytes.IsEmpty || (bytes[0] == Version && (bytes.Length - 1) % Row == 0) ? null
        : $"It begins with {bytes[0]} and has {bytes.Length} bytes; version {Version} has rows of {Row} after its first.";

    /// <param name="bytes">A record without a problem.</param>
    /// <returns>The users who were not listed here, or with an earlier time.</returns>
    public IReadOnlyList<ulong> Join(ReadOnlySpan<byte> bytes)
    {
        var news = new List<ulong>();
        for (var at = 1; at < bytes.Length; at += Row)
        {
            var user = BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
            if (Add(user, new ReportTime(BinaryPrimitives.ReadInt64LittleEndian(bytes[(at + 8)..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[(at + 16)..]))))
            {
                news.Add(user);
            }
        }

        return news;
    }

    private static long At(in ReportTime time) => Math.Max(time.ErasedAtMs, time.AtMs);
}
