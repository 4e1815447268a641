using System.Buffers.Binary;
using System.Numerics;

namespace MetaRouter.Core.Users;

/// <summary>
/// The record of a <see cref="UserState"/>, versions 1 and 2. Little-endian; bit fields least significant bit first.
/// <code>
/// byte 0      'U'
/// byte 1      version
/// bytes 2-3   length of the whole record, so that a record cut short is told from a damaged one
/// byte 4      signals (7 bits, 0 to 64), latencies present (the top bit)
/// with one signal or more:
///   46 bits   decision time of the first signal, Unix ms
///    6 bits   g, the Rice parameter of the gaps
///    5 bits   d, the Rice parameter of the delays
///   each:     gap to the signal before in ms, Rice(g), not for the first; client delay in 100 ms, Rice(d);
///             nonce 24 bits; packed signal 48 bits, or 40 without latencies; in version 2 topic 6 bits
/// last 4      CRC-32C of everything before
/// </code>
/// </summary>
/// <remarks>
/// A Rice code of parameter k takes 1 + k + (value >> k) bits, so n values of a mean of m with k = floor(log2 m) take at most n (k + 3) bits however they are spread:
/// the size is bounded by the span of the window and the mean delay alone. Bytes of a variable length, the usual choice, take 4 for a gap of a day and 3 or 4 for a late delay,
/// and put a full window with latencies above 1 KB.
/// Reading ends by writing the record again and comparing: one state has one record, and whatever the format leaves open (padding, parameters) is refused.
/// Cost: O(n), a few microseconds for 64 signals.
/// Source: Rice, "Some Practical Universal Noiseless Coding Techniques", JPL 79-22, 1979. CRC-32C: RFC 3720, appendix B.4.
/// </remarks>
internal static class UserStateCodec
{
    public const byte Magic = (byte)'U';
    public const byte Version = 1;

    /// <summary>As version 1, with the signals' topics. Written only where a signal has one, so that an older router reads the others.</summary>
    public const byte TopicsVersion = 2;

    /// <summary>64 signals over the whole range of time, each as late as can be.</summary>
    public const int MaxBytes = HeaderBytes + ((57 + (UserState.Window * (24 + SignalCode.Bits + SignalCode.TopicBits + 43 + 27)) + 7) / 8) + ChecksumBytes;

    private const int HeaderBytes = 5;
    private const int ChecksumBytes = 4;
    private const int TimeBits = 46;

    public static byte[] Encode(ReadOnlySpan<Signal> signals)
    {
        Span<byte> buffer = stackalloc byte[MaxBytes];
        return buffer[..Encode(signals, buffer)].ToArray();
    }

    /// <summary>Null when the bytes are a record, else what is wrong with them.</summary>
    public static string? FindError(ReadOnlySpan<byte> bytes)
    {
        if (FindFrameError(bytes) is { } error)
        {
            return error;
        }

        Span<Signal> found = stackalloc Signal[Count(bytes)];
        error = DecodeSignals(bytes, found);
        if (error is not null)
        {
            return error;
        }

        Span<byte> again = stackalloc byte[MaxBytes];
        return bytes.SequenceEqual(again[..Encode(found, again)]) ? null : "The user record is not in canonical form: "
            + "reading and writing it gives other bytes. It was not written by this router.";
    }

    /// <summary>The signals in a record.</summary>
    public static int Count(ReadOnlySpan<byte> record) => record[4] & 0x7F;

    /// <summary>The signals of a record in which <see cref="FindError"/> finds nothing; returns how many.</summary>
    public static int Decode(ReadOnlySpan<byte> record, Span<Signal> signals)
    {
        signals = signals[..Count(record)];
        return DecodeSignals(record, signals) is { } error ? throw new UserStateException(error) : signals.Length;
    }

    private static int Encode(ReadOnlySpan<Signal> signals, Span<byte> buffer)
    {
        var (hasLatencies, hasTopics) = (false, false);
        var delays = 0L;
        foreach (ref readonly var signal in signals)
        {
            hasLatencies |= signal.First.LatencySeconds != 0 || signal.Second.LatencySeconds != 0;
            hasTopics |= signal.Topic != 0;
            delays += SignalCode.Delay(signal);
        }

        var bits = new BitWriter(buffer[HeaderBytes..]);
        if (!signals.IsEmpty)
        {
            var time = signals[0].Key.DecisionTimeMs;
            var gapBits = RiceBits(signals[^1].Key.DecisionTimeMs - time, signals.Length - 1);
            var delayBits = RiceBits(delays, signals.Length);
            bits.Write((ulong)time, TimeBits);
            bits.Write((ulong)gapBits, 6);
            bits.Write((ulong)delayBits, 5);
            for (var i = 0; i < signals.Length; i++)
            {
                ref readonly var signal = ref signals[i];
                if (i > 0)
                {
                    bits.WriteRice((ulong)(signal.Key.DecisionTimeMs - time), gapBits);
                    time = signal.Key.DecisionTimeMs;
                }

                bits.WriteRice((ulong)SignalCode.Delay(signal), delayBits);
                bits.Write(signal.Key.Nonce, 24);
                bits.Write(hasLatencies ? SignalCode.Pack(signal) : SignalCode.Pack(signal) >> SignalCode.LatencyBits, PackBits(hasLatencies));
                bits.Write(signal.Topic, hasTopics ? SignalCode.TopicBits : 0);
            }
        }

        var length = HeaderBytes + bits.Finish();
        buffer[0] = Magic;
        buffer[1] = hasTopics ? TopicsVersion : Version;
        BinaryPrimitives.WriteUInt16LittleEndian(buffer[2..], (ushort)(length + ChecksumBytes));
        buffer[4] = (byte)(signals.Length | (hasLatencies ? 0x80 : 0));
        BinaryPrimitives.WriteUInt32LittleEndian(buffer[length..], Checksum(buffer[..length]));
        return length + ChecksumBytes;
    }

    private static string? FindFrameError(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderBytes + ChecksumBytes)
        {
            return $"The user record is cut short: it has {bytes.Length} bytes, and the shortest has {HeaderBytes + ChecksumBytes}.";
        }

        if (bytes[0] != Magic)
        {
            return $"The bytes are not a user record: they begin with 0x{bytes[0]:X2}, and a record begins with 0x{Magic:X2}.";
        }

        if (bytes[1] is not (Version or TopicsVersion))
        {
            return $"The user record has version {bytes[1]}, which this router does not know; it understands versions {Version} and {TopicsVersion}. A newer router may have written it.";
        }

        if (bytes.Length > MaxBytes)
        {
            return $"The bytes are not a user record: there are {bytes.Length}, and the longest record has {MaxBytes}.";
        }

        var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        if (bytes.Length != length)
        {
            return bytes.Length < length
                ? $"The user record is cut short: it has {bytes.Length} of its {length} bytes."
                : $"The user record of {length} bytes is followed by {bytes.Length - length} that are not part of it.";
        }

        var (stored, computed) = (BinaryPrimitives.ReadUInt32LittleEndian(bytes[^ChecksumBytes..]), Checksum(bytes[..^ChecksumBytes]));
        if (stored != computed)
        {
            return $"The user record is damaged: its checksum is {stored:X8}, and its bytes give {computed:X8}.";
        }

        var count = Count(bytes);
        return count > UserState.Window ? $"The user record has an invalid value: {count} signals, and a window holds at most {UserState.Window}." : null;
    }

    private static string? DecodeSignals(ReadOnlySpan<byte> record, Span<Signal> signals)
    {
        if (signals.IsEmpty)
        {
            return null;
        }

        var (hasLatencies, hasTopics) = (record[4] >> 7 != 0, record[1] == TopicsVersion);
        var bits = new BitReader(record[HeaderBytes..^ChecksumBytes]);
        var time = (long)bits.Read(TimeBits);
        var (gapBits, delayBits) = ((int)bits.Read(6), (int)bits.Read(5));
        if (gapBits > 45)
        {
            return $"The user record has an invalid value: a gap parameter of {gapBits}, and the greatest is 45.";
        }

        for (var i = 0; i < signals.Length; i++)
        {
            time += i > 0 ? (long)bits.ReadRice(gapBits) : 0;
            var delay = (long)bits.ReadRice(delayBits);
            var nonce = (uint)bits.Read(24);
            var pack = bits.Read(PackBits(hasLatencies)) << (hasLatencies ? 0 : SignalCode.LatencyBits);
            var topic = (byte)bits.Read(hasTopics ? SignalCode.TopicBits : 0);
            if (bits.IsOverrun)
            {
                return $"The user record is cut short: its bytes end within signal {i + 1} of {signals.Length}.";
            }

            if (time > SignalKey.MaxDecisionTimeMs || delay > SignalCode.MaxDelay)
            {
                return $"The user record has an invalid value: signal {i + 1} has decision time {time} and a delay of {delay} x "
                    + $"{SignalCode.DelayUnitMs} ms; the greatest are {SignalKey.MaxDecisionTimeMs} and {SignalCode.MaxDelay}.";
            }

            signals[i] = SignalCode.Unpack(pack, time, nonce, delay) with { Topic = topic };
            if (!SignalCode.IsKnown(signals[i].Key.Kind, signals[i].Value))
            {
                return $"The user record has an invalid value: signal {i + 1} is of kind {(byte)signals[i].Key.Kind} with value {signals[i].Value}.";
            }

            if (i > 0 && signals[i - 1].Key >= signals[i].Key)
            {
                return $"The user record has its keys out of order: signal {i + 1} does not come after signal {i}.";
            }
        }

        return null;
    }

    private static int PackBits(bool hasLatencies) => hasLatencies ? SignalCode.Bits : SignalCode.Bits - SignalCode.LatencyBits;

    /// <summary>floor(log2(mean)), at least 0.</summary>
    private static int RiceBits(long sum, int count) => count == 0 ? 0 : BitOperations.Log2((ulong)Math.Max(1, sum / count));

    internal static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var one in bytes)
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        return ~crc;
    }
}
