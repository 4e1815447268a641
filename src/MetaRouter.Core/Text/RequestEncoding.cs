namespace MetaRouter.Core.Text;

/// <summary>Scratch that one encoding writes into and predictors read from; about 500 KB, reused, for one thread at a time.</summary>
public sealed class RequestEncoding
{
    internal readonly NgramCounter Counter = new();
    internal readonly float[] FeatureBuffer = new float[PromptEncoder.Features];

    /// <summary>The rows to sum and their weights, one family at a time; a place beyond the last is written to before it is known to be needed.</summary>
    internal readonly ushort[] Row = new ushort[NgramCounter.WordBuckets + 1];
    internal readonly float[] Weight = new float[NgramCounter.WordBuckets + 1];

    /// <summary>The dense part scaled to length 1, the surface features, and a constant 1: <see cref="PromptEncoder.Features"/> numbers.</summary>
    public ReadOnlySpan<float> Features => FeatureBuffer;

    /// <summary>What the request is about, of <see cref="TopicModel.Groups"/>; 0: that is not clear.</summary>
    public byte Topic { get; internal set; }

    /// <summary>How much of the text the encoder knows, 0 to 1.</summary>
    public float Familiarity { get; internal set; }

    /// <summary>Estimated prompt tokens, above 0.</summary>
    public float Tokens { get; internal set; }
}
