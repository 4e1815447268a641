using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using static MetaRouter.Core.MetaLearning.SnapshotFields;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// The snapshot as bytes: "MRSNAPSH", format version (u16), body, SHA-256 of everything before it. Little-endian.
/// A reader trusts nothing: length, checksum, version, every count against the bytes left, every number against its range.
/// A file may hold these bytes packed (<see cref="SnapshotPacking"/>).
/// </summary>
public static class SnapshotCodec
{
    public const ushort FormatVersion = 2;

    /// <summary>As version 2, and how each kind of feedback but comparisons speaks: two numbers each, at the end of the prior. Written only where that was learned.</summary>
    public const ushort SpeechVersion = 3;

    /// <summary>
    /// As version 3, and the topics that users' trade-offs may differ on: after the weights that tell them, and at the end of the prior how many users they
    /// differ for, and how far. Written only where there are any.
    /// </summary>
    public const ushort TopicsVersion = 4;

    /// <summary>As version 4, and at the end of the prior how many users mind waiting, and how much. Written only where that was learned.</summary>
    public const ushort LatencyVersion = 5;

    /// <summary>As version 5, and with every head how good its model is on each topic. Written only where topics were named.</summary>
    public const ushort OnTopicVersion = 6;

    /// <summary>As version 6, and several forests with the gate that tells which source a request is like. Written only where there are several.</summary>
    public const ushort ForestsVersion = 7;

    private const int HashBytes = 32;
    private const int HashedAtOnce = 64 << 10;

    /// <summary>Refuses invalid UTF-8: with replacement characters in its place another snapshot would be written back.</summary>
    private static readonly UTF8Encoding Text = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static ReadOnlySpan<byte> Magic => "MRSNAPSH"u8;

    /// <summary>Compresses written bytes, for files.</summary>
    public static byte[] Pack(ReadOnlySpan<byte> written) => SnapshotPacking.Pack(written);

    public static byte[] Write(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            WriteBody(writer, snapshot);
        }

        stream.Write(SHA256.HashData(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
        return stream.ToArray();
    }

    /// <exception cref="SnapshotFormatException">The bytes are not a whole, unaltered snapshot of a version this program reads; the message says which of these.</exception>
    public static Snapshot Read(ReadOnlySpan<byte> bytes)
    {
        var written = SnapshotPacking.IsPacked(bytes) ? SnapshotPacking.Unpack(bytes) : bytes.ToArray();
        bytes = written;
        if (bytes.Length < Magic.Length || !bytes.StartsWith(Magic))
        {
            throw new SnapshotFormatException($"These {bytes.Length} bytes are not a MetaRouter snapshot, which begins with 'MRSNAPSH'. Point to a file written by 'metarouter train'.");
        }

        if (bytes.Length < Magic.Length + 2 + HashBytes)
        {
            throw new SnapshotFormatException($"The snapshot is cut short: {bytes.Length} bytes. Copy the file again or train a new one.");
        }

        var version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[Magic.Length..]);
        if (version is < FormatVersion or > ForestsVersion)
        {
            throw new SnapshotFormatException(
                $"The snapshot has format version {version}; this program reads version {FormatVersion} to {ForestsVersion}. Train it again with this program, or use the program that wrote it.");
        }

        Span<byte> hash = stackalloc byte[HashBytes];
        SHA256.HashData(bytes[..^HashBytes], hash);
        if (!hash.SequenceEqual(bytes[^HashBytes..]))
        {
            throw new SnapshotFormatException($"The snapshot of {bytes.Length} bytes fails its checksum: it was cut short or altered. Copy the file again or train a new one.");
        }

        try
        {
            using var reader = new BinaryReader(new MemoryStream(written, Magic.Length + 2, written.Length - Magic.Length - 2 - HashBytes), Text);
            return ReadBody(reader, version, BinaryPrimitives.ReadUInt64LittleEndian(hash));
        }
        catch (Exception e) when (e is IOException or ArgumentException or OverflowException or FormatException and not SnapshotFormatException)
        {
            throw new SnapshotFormatException($"The snapshot's body does not make sense: {e.Message} Train it again with this program.", e);
        }
    }

    // Hashed as it is written: a prior is taught every minute, and a buffer of seven megabytes for each version would crowd the large object heap.
    internal static ulong ContentHash(Snapshot snapshot)
    {
        using var hashing = new HashingStream();
        using (var writer = new BinaryWriter(new BufferedStream(hashing, HashedAtOnce), Encoding.UTF8, leaveOpen: true))
        {
            WriteBody(writer, snapshot);
        }

        return BinaryPrimitives.ReadUInt64LittleEndian(hashing.Hash());
    }

    private static void WriteBody(BinaryWriter w, Snapshot s)
    {
        w.Write(Magic);
        var version = VersionOf(s);
        w.Write(version);
        w.Write(s.Origin);
        SnapshotEncoder.Write(w, s.Encoder, version);
        WriteFloats(w, s.Projection);
        SnapshotForests.Write(w, s.Forest, version);
        SnapshotHeads.WriteModels(w, s.Models);
        SnapshotHeads.WriteHeads(w, s.Heads, version);
        w.Write(s.OutcomeCorrelation);
        SnapshotSample.Write(w, s.Calibration);
        SnapshotPrior.Write(w, s.Prior, version);
    }

    private static ushort VersionOf(Snapshot s) =>
        !s.Forest.IsOne ? ForestsVersion
        : s.Heads[0].OnTopic.Length > 0 ? OnTopicVersion
        : s.Prior.Latency != LatencySpread.Guessed ? LatencyVersion
        : s.Encoder.Topics.Groups.All.Length > 0 || s.Prior.Topics != TopicSpread.Guessed ? TopicsVersion : s.Prior.HasLearnedSpeech ? SpeechVersion : FormatVersion;

    private static Snapshot ReadBody(BinaryReader r, ushort version, ulong content)
    {
        var origin = r.ReadString();
        var encoder = SnapshotEncoder.Read(r, version);
        var projection = ReadFloats(r, "projection");
        if (projection.Length == 0 || projection.Length % PromptEncoder.Features != 0 || projection.Length > ReceiptFeatures.MaxCount * PromptEncoder.Features)
        {
            throw new SnapshotFormatException(
                $"The snapshot's projection has {projection.Length} numbers; "
                    + $"it needs a multiple of {PromptEncoder.Features}, up to {ReceiptFeatures.MaxCount} times. Train it again with this program.");
        }

        var forest = SnapshotForests.Read(r, version);
        var models = SnapshotHeads.ReadModels(r);
        var heads = SnapshotHeads.ReadHeads(r, version, models, (projection.Length / PromptEncoder.Features) - 1, forest, encoder.Topics.Topics);
        var correlation = InRange(r.ReadSingle(), 0, 1, "outcome correlation");
        var sample = SnapshotSample.Read(r, models.Length);
        var prior = SnapshotPrior.Read(r, version);
        if (r.BaseStream.Position != r.BaseStream.Length)
        {
            throw new SnapshotFormatException($"The snapshot has {r.BaseStream.Length - r.BaseStream.Position} bytes after its end. Train it again with this program.");
        }

        return new Snapshot(origin, encoder, projection, forest, models, heads, correlation, sample, prior, content);
    }
}
