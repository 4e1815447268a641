using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace MetaRouter.Core.MetaLearning;

/// <summary>A snapshot's bytes compressed: "MRSNAPSZ", their unpacked length (i32), and the bytes by Brotli.</summary>
internal static class SnapshotPacking
{
    // Room for thousands of models; a file that claims more is not one of ours.
    private const int MaxUnpackedBytes = 256 << 20;

    // What the most effort is worth: of a snapshot trained on many rows 7 % of the size, for 15 s; of one trained on few, which is mostly zeros, 1 %, for 4 s: as long as all the rest of its training.
    private const int SmallBytes = 6 << 20, EffortOfSmall = 9, MostEffort = 11;

    private static ReadOnlySpan<byte> Magic => "MRSNAPSZ"u8;

    public static bool IsPacked(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Magic);

    public static byte[] Pack(ReadOnlySpan<byte> written)
    {
        using var stream = new MemoryStream();
        stream.Write(Magic);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, written.Length);
        stream.Write(length);
        using (var brotli = new BrotliStream(stream, new BrotliCompressionOptions { Quality = written.Length < SmallBytes ? EffortOfSmall : MostEffort }, leaveOpen: true))
        {
            brotli.Write(written);
        }

        return stream.ToArray();
    }

    /// <exception cref="SnapshotFormatException">They do not unpack to as many bytes as they claim.</exception>
    public static byte[] Unpack(ReadOnlySpan<byte> packed)
    {
        var head = Magic.Length + 4;
        var length = packed.Length < head ? -1 : BinaryPrimitives.ReadInt32LittleEndian(packed[Magic.Length..]);
        if (length is <= 0 or > MaxUnpackedBytes)
        {
            throw new SnapshotFormatException($"The packed snapshot of {packed.Length} bytes claims {length} bytes; it may hold 1 to {MaxUnpackedBytes}. Copy the file again or train a new one.");
        }

        // Room is made as bytes come: a false length costs nothing.
        var bytes = new byte[Math.Min(length, (64 << 10) + (16L * packed.Length))];
        var from = packed[head..];
        var to = 0;
        using var brotli = new BrotliDecoder();
        while (true)
        {
            var status = brotli.Decompress(from, bytes.AsSpan(to), out var read, out var written);
            from = from[read..];
            to += written;
            if (status == OperationStatus.Done && to == length)
            {
                return bytes;
            }

            if (status != OperationStatus.DestinationTooSmall || bytes.Length == length)
            {
                throw new SnapshotFormatException(
                    $"The packed snapshot of {packed.Length} bytes does not unpack to the {length} bytes it claims: it was cut short or altered. Copy the file again or train a new one.");
            }

            Array.Resize(ref bytes, (int)Math.Min(length, 2L * bytes.Length));
        }
    }
}
