using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
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

    /// <summary>As version 3, and the topics that users' trade-offs may differ on: after the weights that tell them, and at the end of the prior how many users they differ for, and how far. Written only where there are any.</summary>
    public const ushort TopicsVersion = 4;

    private const int HashBytes = 32;

    private static ReadOnlySpan<byte> Magic => "MRSNAPSH"u8;

    /// <summary>Written bytes made small, for files.</summary>
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
        if (SnapshotPacking.IsPacked(bytes))
        {
            bytes = SnapshotPacking.Unpack(bytes);
        }

        if (bytes.Length < Magic.Length || !bytes.StartsWith(Magic))
        {
            throw new SnapshotFormatException($"These {bytes.Length} bytes are not a MetaRouter snapshot: it begins with 'MRSNAPSH'. Point to a file written by 'metarouter train'.");
        }

        if (bytes.Length < Magic.Length + 2 + HashBytes)
        {
            throw new SnapshotFormatException($"The snapshot is cut short: {bytes.Length} bytes. Copy the file again or train a new one.");
        }

        var version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[Magic.Length..]);
        if (version is < FormatVersion or > TopicsVersion)
        {
            throw new SnapshotFormatException($"The snapshot has format version {version}; this program reads version {FormatVersion} to {TopicsVersion}. Train it again with this program, or use the program that wrote it.");
        }

        Span<byte> hash = stackalloc byte[HashBytes];
        SHA256.HashData(bytes[..^HashBytes], hash);
        if (!hash.SequenceEqual(bytes[^HashBytes..]))
        {
            throw new SnapshotFormatException($"The snapshot of {bytes.Length} bytes fails its checksum: it was cut short or altered. Copy the file again or train a new one.");
        }

        try
        {
            using var reader = new BinaryReader(new MemoryStream(bytes[(Magic.Length + 2)..^HashBytes].ToArray()), Encoding.UTF8);
            return ReadBody(reader, version);
        }
        catch (Exception e) when (e is IOException or ArgumentException or OverflowException or FormatException and not SnapshotFormatException)
        {
            throw new SnapshotFormatException($"The snapshot's body does not make sense: {e.Message} Train it again with this program.", e);
        }
    }

    internal static ulong ContentHash(Snapshot snapshot)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            WriteBody(writer, snapshot);
        }

        return BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
    }

    private static void WriteBody(BinaryWriter w, Snapshot s)
    {
        w.Write(Magic);
        var version = VersionOf(s);
        w.Write(version);
        w.Write(s.Origin);
        WriteHalves(w, s.Encoder.Idf);
        WriteFloats(w, s.Encoder.Scale);
        w.Write(s.Encoder.Rows.Length);
        w.Write(MemoryMarshal.AsBytes(s.Encoder.Rows));
        WriteVectors(w, s.Encoder.Vectors);
        w.Write(s.Encoder.Topics.Topics);
        WriteFloats(w, s.Encoder.Topics.Weights);
        if (version >= TopicsVersion)
        {
            WriteGroups(w, s.Encoder.Topics.Groups);
        }

        WriteFloats(w, s.Projection);
        WriteForest(w, s.Forest);
        w.Write(s.Models.Count);
        foreach (var m in s.Models)
        {
            w.Write(m.Id.Value);
            w.Write(m.InputPrice.Usd);
            w.Write(m.OutputPrice.Usd);
            w.Write(m.ContextWindow);
        }

        foreach (var h in s.Heads)
        {
            w.Write(h.Bias);
            WriteFloats(w, h.Ability);
            w.Write(h.TreeMean);
            WriteFloats(w, h.TreeLoading);
            WriteFloats(w, h.TokenWeights);
            w.Write(h.TokenFactor);
            w.Write(h.PromptTokenOffset);
            w.Write(h.PromptTokenRatio);
            WriteFloats(w, h.LatencyWeights);
            w.Write(h.LatencyFactor);
        }

        w.Write(s.OutcomeCorrelation);
        WriteSample(w, s.Calibration);
        WritePrior(w, s.Prior, version);
    }

    private static ushort VersionOf(Snapshot s) =>
        s.Encoder.Topics.Groups.All.Length > 0 || s.Prior.Topics != TopicSpread.Guessed ? TopicsVersion : s.Prior.HasLearnedSpeech ? SpeechVersion : FormatVersion;

    private static Snapshot ReadBody(BinaryReader r, ushort version)
    {
        var origin = r.ReadString();
        var idf = ReadHalves(r, "n-gram weights", 0, float.MaxValue);
        var scale = ReadFloats(r, "encoder scales");
        var rows = ReadBytes(r, "encoder rows");
        var encoder = new PromptEncoder(idf, rows, scale, ReadVectors(r), ReadTopics(r, version));
        var projection = ReadFloats(r, "projection");
        if (projection.Length == 0 || projection.Length % PromptEncoder.Features != 0)
        {
            throw new SnapshotFormatException($"The snapshot's projection has {projection.Length} numbers; it needs a multiple of {PromptEncoder.Features}. Train it again with this program.");
        }

        var forest = ReadForest(r);
        var models = new ModelProfile[ReadCount(r, "models", 16)];
        for (var i = 0; i < models.Length; i++)
        {
            models[i] = new ModelProfile(new ModelId(r.ReadString()), new PricePerMillionTokens(r.ReadDouble()), new PricePerMillionTokens(r.ReadDouble())) { ContextWindow = r.ReadInt32() };
        }

        _ = new ModelCatalog(models); // refuses an empty list, duplicates and windows out of range
        var rank = (projection.Length / PromptEncoder.Features) - 1;
        var heads = new ModelHead[models.Length];
        for (var i = 0; i < heads.Length; i++)
        {
            var h = heads[i] = new ModelHead(
                Finite(r.ReadSingle(), "bias"), ReadFloats(r, "ability"), Finite(r.ReadSingle(), "tree mean"), ReadFloats(r, "tree loading"), ReadFloats(r, "token weights"), NotNegative(r.ReadSingle(), "token factor"),
                NotNegative(r.ReadSingle(), "prompt token offset"), NotNegative(r.ReadSingle(), "prompt token ratio"), ReadFloats(r, "latency weights"), NotNegative(r.ReadSingle(), "latency factor"));
            if (h.Ability.Length != rank || h.TreeLoading.Length != forest.Targets || h.TokenWeights.Length != PromptEncoder.Features || (h.LatencyWeights.Length != PromptEncoder.Features && h.LatencyFactor != 0))
            {
                throw new SnapshotFormatException($"The snapshot's head of model '{models[i].Id}' has vectors of {h.Ability.Length}, {h.TreeLoading.Length}, {h.TokenWeights.Length} and {h.LatencyWeights.Length} numbers; the rest of it asks for {rank}, {forest.Targets}, {PromptEncoder.Features} and as many or none. Train it again with this program.");
            }
        }

        var correlation = InRange(r.ReadSingle(), 0, 1, "outcome correlation");
        var sample = ReadSample(r, models.Length);
        var prior = ReadPrior(r, version);
        if (r.BaseStream.Position != r.BaseStream.Length)
        {
            throw new SnapshotFormatException($"The snapshot has {r.BaseStream.Length - r.BaseStream.Position} bytes after its end. Train it again with this program.");
        }

        return new Snapshot(origin, encoder, projection, forest, models, heads, correlation, sample, prior);
    }

    /// <summary>Most buckets have no word: the marks of those that do, each with its bucket, then their rows.</summary>
    private static void WriteVectors(BinaryWriter w, WordVectors vectors)
    {
        WriteFloats(w, vectors.ScaleArray);
        int[] known = [.. Enumerable.Range(0, NgramCounter.WordBuckets).Where(b => vectors.Marks[b] != 0)];
        w.Write(known.Length);
        foreach (var bucket in known)
        {
            w.Write((ushort)bucket);
            w.Write(vectors.Marks[bucket]);
            w.Write(MemoryMarshal.AsBytes(vectors.Rows.All.Slice(bucket * WordVectors.Dense, WordVectors.Dense)));
        }
    }

    private static WordVectors ReadVectors(BinaryReader r)
    {
        var scale = ReadFloats(r, "word scales");
        var count = ReadCount(r, "word vectors", 4 + WordVectors.Dense);
        if (count == 0 && scale.Length == WordVectors.Dense && !scale.AsSpan().ContainsAnyExcept(0f))
        {
            return WordVectors.None;
        }

        var (marks, rows, last) = (new ushort[NgramCounter.WordBuckets], new sbyte[NgramCounter.WordBuckets * WordVectors.Dense], -1);
        for (var i = 0; i < count; i++)
        {
            var (bucket, mark) = (r.ReadUInt16(), r.ReadUInt16());
            if (bucket <= last || bucket >= marks.Length || mark == 0)
            {
                throw new SnapshotFormatException($"The snapshot's word vector {i} of {count} is of bucket {bucket} after {last}, mark {mark}. Train it again with this program.");
            }

            (marks[bucket], last) = (mark, bucket);
            r.BaseStream.ReadExactly(MemoryMarshal.AsBytes(rows.AsSpan(bucket * WordVectors.Dense, WordVectors.Dense)));
        }

        return new WordVectors(marks, rows, scale);
    }

    private static TopicModel ReadTopics(BinaryReader r, ushort version)
    {
        var topics = r.ReadInt32();
        var weights = ReadFloats(r, "topic weights");
        return topics is >= 0 and <= TopicModel.MaxTopics && weights.Length == topics * (PromptEncoder.Described + 1)
            ? new TopicModel(topics, weights, version >= TopicsVersion ? ReadGroups(r, topics) : null)
            : throw new SnapshotFormatException($"The snapshot has {topics} topics and {weights.Length} topic weights; up to {TopicModel.MaxTopics} topics have {PromptEncoder.Described + 1} each. Train it again with this program.");
    }

    private static void WriteGroups(BinaryWriter w, TopicGroups groups)
    {
        w.Write((byte)groups.All.Length);
        foreach (var group in groups.All)
        {
            w.Write(group.Code);
            w.Write(group.Name);
            w.Write((byte)group.Words.Length);
            foreach (var word in group.Words)
            {
                w.Write(word);
            }
        }

        w.Write(groups.Of);
    }

    private static TopicGroups ReadGroups(BinaryReader r, int kinds)
    {
        var groups = new TopicGroup[r.ReadByte()];
        for (var i = 0; i < groups.Length; i++)
        {
            groups[i] = new TopicGroup(r.ReadByte(), r.ReadString(), [.. Enumerable.Range(0, r.ReadByte()).Select(_ => r.ReadString())]);
        }

        var of = new byte[groups.Length == 0 ? 0 : kinds];
        r.BaseStream.ReadExactly(of);
        return new TopicGroups([.. groups], of);
    }

    private static void WriteForest(BinaryWriter w, ExtraTrees forest)
    {
        WriteFloats(w, forest.Scale);
        w.Write(forest.Roots.Length);
        foreach (var root in forest.Roots)
        {
            w.Write(root);
        }

        // A leaf needs no more than its mark: leaves are numbered as they come.
        w.Write(forest.Nodes.Length);
        foreach (var node in forest.Nodes)
        {
            w.Write((byte)(node.Feature == ExtraTrees.Leaf ? byte.MaxValue : node.Feature));
            if (node.Feature != ExtraTrees.Leaf)
            {
                w.Write((Half)node.Threshold);
                w.Write(node.Skip);
            }
        }

        w.Write(forest.Leaves.Length);
        w.Write(MemoryMarshal.AsBytes(forest.Leaves));
    }

    private static ExtraTrees ReadForest(BinaryReader r)
    {
        var scale = ReadFloats(r, "forest scales");
        var roots = new int[ReadCount(r, "trees", 4)];
        for (var i = 0; i < roots.Length; i++)
        {
            roots[i] = r.ReadInt32();
        }

        var nodes = new ExtraTrees.Node[ReadCount(r, "tree nodes", 1)];
        var leaf = 0;
        for (var i = 0; i < nodes.Length; i++)
        {
            var feature = r.ReadByte();
            nodes[i] = feature == byte.MaxValue
                ? new ExtraTrees.Node(leaf++, 0, ExtraTrees.Leaf)
                : new ExtraTrees.Node(BitConverter.SingleToInt32Bits(Finite((float)r.ReadHalf(), "tree threshold")), r.ReadUInt16(), feature);
            // A step always goes forward and stays inside, so no path can loop or leave; the last node must be a leaf.
            if (feature != byte.MaxValue && (feature >= PromptEncoder.Features || nodes[i].Skip < 2 || i + nodes[i].Skip >= nodes.Length))
            {
                throw new SnapshotFormatException($"The snapshot's tree node {i} of {nodes.Length} splits on feature {feature} and skips {nodes[i].Skip}. Train it again with this program.");
            }
        }

        var leaves = ReadBytes(r, "tree leaves");
        if (scale.Length is 0 or > ModelCatalog.MaxModels || roots.Length == 0 || nodes.Length == 0 || leaves.Length != (long)leaf * scale.Length || nodes[^1].Feature != ExtraTrees.Leaf || roots.Any(root => root < 0 || root >= nodes.Length))
        {
            throw new SnapshotFormatException($"The snapshot's forest of {roots.Length} trees, {leaf} leaves and {leaves.Length} leaf bytes for {scale.Length} targets is not whole. Train it again with this program.");
        }

        return new ExtraTrees(roots, nodes, leaves, scale);
    }

    private static void WriteSample(BinaryWriter w, CalibrationSample sample)
    {
        w.Write(sample.Start.Length);
        foreach (var start in sample.Start)
        {
            w.Write(start);
        }

        w.Write(sample.Model.Length);
        w.Write(MemoryMarshal.AsBytes(sample.Model.AsSpan()));
        WriteHalves(w, sample.Quality);
        WriteHalves(w, sample.Score);
        WriteFloats(w, sample.ExpectedTokens);
        WriteFloats(w, sample.OutputTokens);
        WriteFloats(w, sample.InputTokens);
    }

    private static CalibrationSample ReadSample(BinaryReader r, int models)
    {
        var start = new int[ReadCount(r, "calibration rows", 4)];
        for (var i = 0; i < start.Length; i++)
        {
            start[i] = r.ReadInt32();
        }

        var model = new ushort[ReadCount(r, "calibration cells", 2)];
        for (var i = 0; i < model.Length; i++)
        {
            model[i] = r.ReadUInt16();
        }

        var sample = new CalibrationSample(start, model, ReadHalves(r, "expected quality", 0, 1), ReadHalves(r, "score", 0, 1), ReadTokens(r, "expected tokens"), ReadTokens(r, "completion tokens"), ReadTokens(r, "prompt tokens"));
        var ascending = start.Length > 0 && start[0] == 0 && start[^1] == model.Length && start.AsSpan(1).ToArray().Zip(start).All(p => p.First >= p.Second);
        if (!ascending || model.Any(m => m >= models) || new[] { sample.Quality, sample.Score, sample.ExpectedTokens, sample.OutputTokens, sample.InputTokens }.Any(c => c.Length != model.Length))
        {
            throw new SnapshotFormatException($"The snapshot's calibration sample of {start.Length - 1} rows and {model.Length} cells does not fit its {models} models. Train it again with this program.");
        }

        return sample;
    }

    private static float[] ReadTokens(BinaryReader r, string what)
    {
        var tokens = ReadFloats(r, what);
        return Array.Find(tokens, t => t < 0) is < 0 and var negative
            ? throw new SnapshotFormatException($"The snapshot has {what} of {negative}; they must be 0 or more. Train it again with this program.")
            : tokens;
    }

    private static void WritePrior(BinaryWriter w, PopulationPrior prior, ushort version)
    {
        w.Write(prior.Components.Count);
        foreach (var c in prior.Components)
        {
            w.Write(c.Weight);
            w.Write(c.Mean);
            w.Write(c.Deviation);
        }

        w.Write(prior.BetaWeights.Count);
        foreach (var weight in prior.BetaWeights)
        {
            w.Write(weight);
        }

        w.Write(prior.Lapse);
        for (var i = 1; version >= SpeechVersion && i < prior.Speech.Length; i++)
        {
            w.Write(prior.Speech[i].Strength);
            w.Write(prior.Speech[i].Lapse);
        }

        if (version >= TopicsVersion)
        {
            w.Write(prior.Topics.Share);
            w.Write(prior.Topics.Width);
        }
    }

    private static PopulationPrior ReadPrior(BinaryReader r, ushort version)
    {
        var components = new PopulationPrior.Component[ReadCount(r, "prior components", 24)];
        for (var i = 0; i < components.Length; i++)
        {
            components[i] = new PopulationPrior.Component(r.ReadDouble(), r.ReadDouble(), r.ReadDouble());
        }

        var betas = new double[ReadCount(r, "sharpness weights", 8)];
        for (var i = 0; i < betas.Length; i++)
        {
            betas[i] = r.ReadDouble();
        }

        var lapse = r.ReadDouble();
        SignalSpeech[]? speech = version == FormatVersion ? null : [new(1, lapse), .. Enumerable.Range(1, SignalSpeech.Kinds - 1).Select(_ => new SignalSpeech(r.ReadDouble(), r.ReadDouble())).ToArray()];
        return new PopulationPrior(components, betas, lapse, speech, version >= TopicsVersion ? new TopicSpread(r.ReadDouble(), r.ReadDouble()) : null);
    }
}
