using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// Everything that is known of one model: how its quality, tokens and latency follow from what is computed once per request.
/// Heads are plain vectors, so a model nobody has graded gets the mean of its neighbours' heads.
/// </summary>
/// <param name="Bias">Logit of quality on an average request.</param>
/// <param name="Ability">a_k of <see cref="LowRankLogistic"/>.</param>
/// <param name="TreeMean">Mean quality, the forest's origin.</param>
/// <param name="TreeLoading">The model's row of the forests' bases, <see cref="GatedForests.Targets"/> numbers.</param>
/// <param name="TokenWeights">Of ln(1 + completion tokens) on the features.</param>
/// <param name="TokenFactor">Smearing factor, above 0.</param>
/// <param name="PromptTokenOffset">Tokens every prompt carries (instructions, examples).</param>
/// <param name="PromptTokenRatio">The model's prompt tokens per estimated token.</param>
/// <param name="LatencyWeights">Of ln(1 + seconds) on the features; empty when no latency was ever observed.</param>
/// <param name="LatencyFactor">Smearing factor; 0 when no latency was ever observed.</param>
public sealed record ModelHead(
    float Bias,
    float[] Ability,
    float TreeMean,
    float[] TreeLoading,
    float[] TokenWeights,
    float TokenFactor,
    float PromptTokenOffset,
    float PromptTokenRatio,
    float[] LatencyWeights,
    float LatencyFactor)
{
    /// <summary>How much better than <see cref="TreeMean"/> the model is on requests about each topic (<see cref="TopicQuality"/>), -1 to 1; empty (the default): no topics were named.</summary>
    public float[] OnTopic { get; init; } = [];

    /// <summary>
    /// The sources whose models were asked with this one, a bit each (<see cref="GatedForests"/>): only their forests were grown to tell it from others. All
    /// (the default): there is one source.
    /// </summary>
    public ushort KnownTo { get; init; } = ushort.MaxValue;

    /// <summary>The mean of both opinions, 0 to 1.</summary>
    /// <param name="projected">(d.x, P x) of the request.</param>
    /// <param name="leaf">What the forests that know the model say of it, from <see cref="GatedForests.Predict"/>.</param>
    /// <param name="certain">How much that counts (<see cref="GatedForests.Certainty"/>), 0 to 1: where the forests say nothing, the logistic half speaks for both.</param>
    internal float Quality(ReadOnlySpan<float> projected, ReadOnlySpan<float> leaf, float certain)
    {
        var logistic = Logistic.Sigmoid(Bias + projected[0] + TensorPrimitives.Dot(Ability, projected[1..]));
        return Quality(logistic, TreeMean, TreeLoading, leaf, certain);
    }

    /// <param name="logistic">The one opinion, 0 to 1; the forests' mean, loading and word are the other.</param>
    internal static float Quality(float logistic, float treeMean, ReadOnlySpan<float> treeLoading, ReadOnlySpan<float> leaf, float certain) =>
        (logistic + Math.Clamp((certain * treeMean) + ((1 - certain) * logistic) + TensorPrimitives.Dot(treeLoading, leaf), 0f, 1f)) / 2;

    /// <summary>Completion tokens expected.</summary>
    internal float Tokens(ReadOnlySpan<float> features) => MathF.Exp(TensorPrimitives.Dot(TokenWeights, features)) * TokenFactor;

    /// <summary>The weighted mean of heads; weights are 0 or more and sum to 1. Latency is that of the heads which know theirs.</summary>
    public static ModelHead Mean(IReadOnlyList<ModelHead> heads, IReadOnlyList<double> weights)
    {
        var timed = Enumerable.Range(0, heads.Count).Where(i => heads[i].LatencyFactor > 0).ToArray();
        var share = timed.Sum(i => weights[i]);
        return new ModelHead(
            Scalar(h => h.Bias), Vector(h => h.Ability), Scalar(h => h.TreeMean), Vector(h => h.TreeLoading), Vector(h => h.TokenWeights), Scalar(h => h.TokenFactor),
            Scalar(h => h.PromptTokenOffset), Scalar(h => h.PromptTokenRatio),
            timed.Length == 0 ? [] : [.. Enumerable.Range(0, heads[timed[0]].LatencyWeights.Length).Select(j => Timed(h => h.LatencyWeights[j]))],
            Timed(h => h.LatencyFactor)) { OnTopic = Vector(h => h.OnTopic), KnownTo = (ushort)heads.Aggregate(0, (all, h) => all | h.KnownTo) };

        float Scalar(Func<ModelHead, float> of) => (float)heads.Select((h, i) => weights[i] * of(h)).Sum();

        float[] Vector(Func<ModelHead, float[]> of) => [.. Enumerable.Range(0, of(heads[0]).Length).Select(j => Scalar(h => of(h)[j]))];

        float Timed(Func<ModelHead, float> of) => share > 0 ? (float)timed.Sum(i => weights[i] / share * of(heads[i])) : 0;
    }
}
