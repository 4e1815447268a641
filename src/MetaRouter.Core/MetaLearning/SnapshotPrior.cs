using MetaRouter.Core.Preferences;
using static MetaRouter.Core.MetaLearning.SnapshotFields;

namespace MetaRouter.Core.MetaLearning;

/// <summary>The population's prior in <see cref="SnapshotCodec"/>'s body.</summary>
internal static class SnapshotPrior
{
    public static void Write(BinaryWriter w, PopulationPrior prior, ushort version)
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

    public static PopulationPrior Read(BinaryReader r, ushort version)
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
