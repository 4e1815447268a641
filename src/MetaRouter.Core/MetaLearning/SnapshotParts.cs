using System.Runtime.InteropServices;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Text;
using static MetaRouter.Core.MetaLearning.SnapshotFields;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// What <see cref="SnapshotCodec"/>'s body is made of, each part's writer beside its reader: word vectors, topics, the forests, the calibration sample, the prior.
/// A reader trusts nothing: every count is checked against the bytes left, every number against its range.
/// </summary>
internal static class SnapshotParts
{
    /// <summary>Most buckets have no word: the marks of those that do, each with its bucket, then their rows.</summary>
    public static void WriteVectors(BinaryWriter w, WordVectors vectors)
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

    public static WordVectors ReadVectors(BinaryReader r)
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

    public static TopicModel ReadTopics(BinaryReader r, ushort version)
    {
        var topics = r.ReadInt32();
        var weights = ReadFloats(r, "topic weights");
        return topics is >= 0 and <= TopicModel.MaxTopics && weights.Length == topics * (PromptEncoder.Described + 1)
            ? new TopicModel(topics, weights, version >= SnapshotCodec.TopicsVersion ? ReadGroups(r, topics) : null)
            : throw new SnapshotFormatException(
                $"The snapshot has {topics} topics and {weights.Length} topic weights; "
                    + $"up to {TopicModel.MaxTopics} topics have {PromptEncoder.Described + 1} each. Train it again with this program.");
    }

    public static void WriteGroups(BinaryWriter w, TopicGroups groups)
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

    public static void WriteForests(BinaryWriter w, GatedForests forests, ushort version)
    {
        if (version >= SnapshotCodec.ForestsVersion)
        {
            w.Write((byte)forests.Forests.Length);
            WriteFloats(w, forests.Gate.Weights);
        }

        foreach (var forest in forests.Forests)
        {
            WriteForest(w, forest);
        }
    }

    public static GatedForests ReadForests(BinaryReader r, ushort version)
    {
        if (version < SnapshotCodec.ForestsVersion)
        {
            return new GatedForests(ReadForest(r));
        }

        var forests = new ExtraTrees[r.ReadByte()];
        var gate = ReadFloats(r, "gate weights");
        if (forests.Length is < 2 or > GatedForests.Most || gate.Length != forests.Length * (PromptEncoder.Described + 1))
        {
            throw new SnapshotFormatException(
                $"The snapshot has {forests.Length} forests and {gate.Length} gate weights; 2 to {GatedForests.Most} have {PromptEncoder.Described + 1} each. Train it again with this program.");
        }

        for (var i = 0; i < forests.Length; i++)
        {
            forests[i] = ReadForest(r);
        }

        return new GatedForests(forests, new TopicModel(forests.Length, gate));
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
        if (scale.Length is 0 or > ModelCatalog.MaxModels || roots.Length == 0 || nodes.Length == 0
            || leaves.Length != (long)leaf * scale.Length || nodes[^1].Feature != ExtraTrees.Leaf || roots.Any(root => root < 0 || root >= nodes.Length))
        {
            throw new SnapshotFormatException(
                $"The snapshot's forest of {roots.Length} trees, {leaf} leaves and {leaves.Length} leaf bytes for {scale.Length} targets is not whole. Train it again with this program.");
        }

        return new ExtraTrees(roots, nodes, leaves, scale);
    }

    public static void WriteSample(BinaryWriter w, CalibrationSample sample)
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

    public static CalibrationSample ReadSample(BinaryReader r, int models)
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

        var sample = new CalibrationSample(
            start, model, ReadHalves(r, "expected quality", 0, 1), ReadHalves(r, "score", 0, 1),
            ReadTokens(r, "expected tokens"), ReadTokens(r, "completion tokens"), ReadTokens(r, "prompt tokens"));
        var ascending = start.Length > 0 && start[0] == 0 && start[^1] == model.Length && start.AsSpan(1).ToArray().Zip(start).All(p => p.First >= p.Second);
        if (!ascending || model.Any(m => m >= models) || new[] { sample.Quality, sample.Score, sample.ExpectedTokens, sample.OutputTokens, sample.InputTokens }.Any(c => c.Length != model.Length))
        {
            throw new SnapshotFormatException(
                $"The snapshot's calibration sample of {start.Length - 1} rows and {model.Length} cells does not fit its {models} models. Train it again with this program.");
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

    public static void WritePrior(BinaryWriter w, PopulationPrior prior, ushort version)
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
        for (var i = 1; version >= SnapshotCodec.SpeechVersion && i < prior.Speech.Length; i++)
        {
            w.Write(prior.Speech[i].Strength);
            w.Write(prior.Speech[i].Lapse);
        }

        if (version >= SnapshotCodec.TopicsVersion)
        {
            w.Write(prior.Topics.Share);
            w.Write(prior.Topics.Width);
        }

        if (version >= SnapshotCodec.LatencyVersion)
        {
            w.Write(prior.Latency.Share);
            w.Write(prior.Latency.Price);
        }
    }

    public static PopulationPrior ReadPrior(BinaryReader r, ushort version)
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
        SignalSpeech[]? speech = version == SnapshotCodec.FormatVersion
            ? null
            : [new(1, lapse), .. Enumerable.Range(1, SignalSpeech.Kinds - 1).Select(_ => new SignalSpeech(r.ReadDouble(), r.ReadDouble())).ToArray()];
        TopicSpread? topics = version >= SnapshotCodec.TopicsVersion ? new(r.ReadDouble(), r.ReadDouble()) : null;
        return new PopulationPrior(components, betas, lapse, speech, topics, version >= SnapshotCodec.LatencyVersion ? new LatencySpread(r.ReadDouble(), r.ReadDouble()) : null);
    }
}
