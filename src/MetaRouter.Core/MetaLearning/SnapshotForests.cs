using System.Runtime.InteropServices;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Text;
using static MetaRouter.Core.MetaLearning.SnapshotFields;

namespace MetaRouter.Core.MetaLearning;

/// <summary>The forests in <see cref="SnapshotCodec"/>'s body, and where there are several the gate that tells which source a request is like.</summary>
internal static class SnapshotForests
{
    public static void Write(BinaryWriter w, GatedForests forests, ushort version)
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

    public static GatedForests Read(BinaryReader r, ushort version)
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
}
