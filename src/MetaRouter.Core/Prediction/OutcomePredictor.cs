using System.Numerics.Tensors;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// Quality, cost and latency of a list of models on an encoded request. Quality is the mean of two opinions over the same features:
/// <see cref="LowRankLogistic"/>, smooth and sparing with data, and <see cref="ExtraTrees"/>, which sees what is not linear.
/// Everything that depends on the request alone is computed once; a model adds a few dot products.
/// </summary>
/// <remarks>O(trees depth + rank D + K (rank + D)). Immutable, thread-safe; allocates nothing per request.</remarks>
public sealed class OutcomePredictor
{
    // Beyond anything ever observed an exponential says nothing, and infinity is no outcome.
    private const float MostTokens = 1e7f, MostSeconds = 1e6f;

    private const float MostProjected = 65_504; // a receipt keeps half precision

    private const int MostOnStack = 4096; // a thousand models could each be known to other sources

    private readonly float[] _projection; // (1 + rank) x D
    private readonly GatedForests _forest;
    private readonly ModelHead[] _heads;
    private readonly ushort[] _knownTo; // the different sets of the heads
    private readonly int[] _set; // which of them a head has
    private readonly float[] _worth; // of the forests
    private readonly float[] _latencyOverride, _outputScale;
    private readonly bool[] _countsTokens;
    private readonly PricePerMillionTokens[] _inputPrice, _outputPrice;
    private readonly int _rank;

    /// <param name="projection">(1 + rank) x <see cref="PromptEncoder.Features"/>: shared difficulty, then what a request asks for.</param>
    /// <param name="models">The models, in the order of the predictions, with one head each.</param>
    /// <param name="countsTokens">One per model: its head predicts tokens, not units of a nominal meter.</param>
    internal OutcomePredictor(float[] projection, GatedForests forest, IReadOnlyList<ModelProfile> models, IReadOnlyList<ModelHead> heads, bool[] countsTokens)
    {
        (_projection, _forest, _heads, _countsTokens) = (projection, forest, [.. heads], countsTokens);
        _knownTo = [.. heads.Select(h => h.KnownTo).Distinct()];
        _worth = forest.Worth([.. heads.Select(h => h.KnownTo)]);
        _set = [.. heads.Select(h => Array.IndexOf(_knownTo, h.KnownTo))];
        _rank = (projection.Length / PromptEncoder.Features) - 1;
        _latencyOverride = [.. models.Select(m => (float)(m.LatencySeconds ?? float.NaN))];
        _outputScale = [.. models.Select(m => (float)m.OutputScale)];
        _inputPrice = [.. models.Select(m => m.InputPrice)];
        _outputPrice = [.. models.Select(m => m.OutputPrice)];
    }

    /// <summary>Length of what <see cref="Predict"/> leaves in <c>projected</c>: r + 1.</summary>
    public int Projected => _rank + 1;

    /// <summary>Whether what is predicted of a model's completions are tokens, not units of a nominal meter.</summary>
    internal bool CountsTokens(int model) => _countsTokens[model];

    /// <param name="request">An encoded request.</param>
    /// <param name="promptTokens">Prompt tokens where they are known; NaN: estimated from the text.</param>
    /// <param name="outcomes">One per model.</param>
    /// <param name="outputTokens">Predicted completion tokens, one per model, at its <see cref="ModelProfile.OutputScale"/>.</param>
    /// <param name="projected">(d.x, P x): what a receipt keeps of the request.</param>
    /// <param name="limit">The most tokens that the completion may have, and that its cost counts; 0: no limit. Quality and latency are those of an answer without one.</param>
    public void Predict(RequestEncoding request, float promptTokens, Span<Outcome> outcomes, Span<float> outputTokens, Span<float> projected, int limit = 0)
    {
        var most = limit > 0 ? MathF.Min(limit, MostTokens) : MostTokens;
        var x = request.Features;
        for (var j = 0; j <= _rank; j++)
        {
            projected[j] = Math.Clamp(TensorPrimitives.Dot(_projection.AsSpan(j * x.Length, x.Length), x), -MostProjected, MostProjected);
        }

        var targets = _forest.Targets;
        Span<float> leaves = _knownTo.Length * targets is var length && length <= MostOnStack ? stackalloc float[length] : new float[length];
        _forest.Predict(x, _knownTo, _worth, leaves);
        Span<float> certain = length <= MostOnStack ? stackalloc float[_knownTo.Length] : new float[_knownTo.Length];
        for (var set = 0; set < certain.Length; set++)
        {
            certain[set] = _forest.Certainty(leaves.Slice(set * targets, targets));
        }

        for (var k = 0; k < _heads.Length; k++)
        {
            var head = _heads[k];
            var output = outputTokens[k] = AtMost(_countsTokens[k] ? most : MostTokens, head.Tokens(x) * _outputScale[k]);
            var input = float.IsNaN(promptTokens) ? AtMost(MostTokens, head.PromptTokenOffset + (head.PromptTokenRatio * request.Tokens)) : promptTokens;
            var latency = !float.IsNaN(_latencyOverride[k]) ? _latencyOverride[k]
                : head.LatencyFactor > 0 ? AtMost(MostSeconds, MathF.Exp(TensorPrimitives.Dot(head.LatencyWeights, x)) * head.LatencyFactor) : 0;
            var leaf = leaves.Slice(_set[k] * targets, targets);
            outcomes[k] = new Outcome(head.Quality(projected[..(_rank + 1)], leaf, certain[_set[k]]), (float)(_inputPrice[k].CostUsd(input) + _outputPrice[k].CostUsd(output)), latency);
        }
    }

    private static float AtMost(float most, float value) => value <= most ? value : most;
}
