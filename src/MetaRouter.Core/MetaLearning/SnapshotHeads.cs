using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Text;
using static MetaRouter.Core.MetaLearning.SnapshotFields;

namespace MetaRouter.Core.MetaLearning;

/// <summary>What <see cref="SnapshotCodec"/>'s body says of the models: their names and prices, then a head each. A reader checks every vector's length against the rest of the snapshot.</summary>
internal static class SnapshotHeads
{
    private const int LeastModelBytes = 16; // two prices alone

    public static void WriteModels(BinaryWriter w, IReadOnlyList<ModelProfile> models)
    {
        w.Write(models.Count);
        foreach (var m in models)
        {
            w.Write(m.Id.Value);
            w.Write(m.InputPrice.Usd);
            w.Write(m.OutputPrice.Usd);
            w.Write(m.ContextWindow);
        }
    }

    public static ModelProfile[] ReadModels(BinaryReader r)
    {
        var models = new ModelProfile[ReadCount(r, "models", LeastModelBytes)];
        for (var i = 0; i < models.Length; i++)
        {
            models[i] = new ModelProfile(new ModelId(r.ReadString()), new PricePerMillionTokens(r.ReadDouble()), new PricePerMillionTokens(r.ReadDouble())) { ContextWindow = r.ReadInt32() };
        }

        _ = new ModelCatalog(models); // refuses an empty list, duplicates and windows out of range
        return models;
    }

    public static void WriteHeads(BinaryWriter w, IReadOnlyList<ModelHead> heads, ushort version)
    {
        foreach (var h in heads)
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
            if (version >= SnapshotCodec.OnTopicVersion)
            {
                WriteFloats(w, h.OnTopic);
            }

            if (version >= SnapshotCodec.ForestsVersion)
            {
                w.Write(h.KnownTo);
            }
        }
    }

    /// <param name="rank">Length of every ability vector.</param>
    /// <param name="topics">Kinds of request that the encoder tells apart.</param>
    public static ModelHead[] ReadHeads(BinaryReader r, ushort version, ModelProfile[] models, int rank, GatedForests forest, int topics)
    {
        var heads = new ModelHead[models.Length];
        for (var i = 0; i < heads.Length; i++)
        {
            var h = heads[i] = ReadHead(r, version);
            if ((h.OnTopic.Length > 0 && h.OnTopic.Length != topics) || h.OnTopic.Length != heads[0].OnTopic.Length)
            {
                throw new SnapshotFormatException(
                    $"The snapshot's head of model '{models[i].Id}' tells of {h.OnTopic.Length} topics, "
                        + $"where {topics} are known and the first model's tells of {heads[0].OnTopic.Length}. Train it again with this program.");
            }

            if (version >= SnapshotCodec.ForestsVersion && h.KnownTo >> forest.Forests.Length != 0)
            {
                throw new SnapshotFormatException(
                    $"The snapshot's head of model '{models[i].Id}' is known to sources 0x{h.KnownTo:X}, where there are {forest.Forests.Length}, a bit each. Train it again with this program.");
            }

            if (h.Ability.Length != rank
                || h.TreeLoading.Length != forest.Targets
                || h.TokenWeights.Length != PromptEncoder.Features
                || (h.LatencyWeights.Length != PromptEncoder.Features && h.LatencyFactor != 0))
            {
                throw new SnapshotFormatException(
                    $"The snapshot's head of model '{models[i].Id}' has vectors of {h.Ability.Length}, {h.TreeLoading.Length}, {h.TokenWeights.Length} "
                        + $"and {h.LatencyWeights.Length} numbers; the rest of it asks for {rank}, {forest.Targets}, "
                        + $"{PromptEncoder.Features} and as many or none. Train it again with this program.");
            }
        }

        return heads;
    }

    private static ModelHead ReadHead(BinaryReader r, ushort version) => new(
        Finite(r.ReadSingle(), "bias"), ReadFloats(r, "ability"), Finite(r.ReadSingle(), "tree mean"),
        ReadFloats(r, "tree loading"), ReadFloats(r, "token weights"), NotNegative(r.ReadSingle(), "token factor"),
        NotNegative(r.ReadSingle(), "prompt token offset"), NotNegative(r.ReadSingle(), "prompt token ratio"), ReadFloats(r, "latency weights"), NotNegative(r.ReadSingle(), "latency factor"))
    {
        OnTopic = version >= SnapshotCodec.OnTopicVersion ? ReadFloats(r, "quality on topics") : [],
        KnownTo = version >= SnapshotCodec.ForestsVersion ? r.ReadUInt16() : ushort.MaxValue,
    };
}
