using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// Quality of K models on a request with features x (D numbers): <c>logit q_k(x) = b_k + d.x + a_k.(P x)</c>.
/// d is the difficulty all models share, P x (r numbers) what the request asks for, a_k how good model k is at it.
/// </summary>
/// <remarks>
/// Low rank ties the models together: K separate regressions each keep their own noise, and the best of K predictions is then often the luckiest (the winner's
/// curse); fewer numbers are learned here, from all models together.
/// Fitted by <see cref="CosineAdam"/> on mini-batches of <see cref="LowRankLoss"/>: mean cross-entropy over observed cells plus decay * (|d|^2 + |P|^2 + |a|^2).
/// O(epochs n (r + 1) (D + K)). Same rows, options and seed give the same bits.
/// Source: multidimensional item response theory (Reckase 2009).
/// </remarks>
public sealed class LowRankLogistic
{
    private readonly int _features, _models, _rank;
    private readonly float[] _bias;    // K
    private readonly float[] _project; // (1 + r) x D: d, then the rows of P
    private readonly float[] _ability; // K x r

    internal LowRankLogistic(int features, int models, int rank, float[] bias, float[] project, float[] ability)
    {
        _features = features;
        _models = models;
        _rank = rank;
        _bias = bias;
        _project = project;
        _ability = ability;
    }

    public int Models => _models;

    public int Rank => _rank;

    public ReadOnlySpan<float> Bias => _bias;

    /// <summary>(1 + r) x D row-major: first the difficulty d, then the rows of P.</summary>
    public ReadOnlySpan<float> Projection => _project;

    /// <summary>K x r row-major.</summary>
    public ReadOnlySpan<float> Ability => _ability;

    /// <summary>The same of some of the models alone, in the order given.</summary>
    internal LowRankLogistic Of(int[] models) =>
        new(_features, models.Length, _rank, [.. models.Select(k => _bias[k])], _project, [.. models.SelectMany(k => _ability.AsSpan(k * _rank, _rank).ToArray())]);

    /// <summary>Logits of all K models.</summary>
    public void Predict(ReadOnlySpan<float> x, Span<float> logits)
    {
        Span<float> h = stackalloc float[_rank + 1];
        Project(x, h);
        Combine(h, logits);
    }

    /// <summary>(d.x, P x): r + 1 numbers.</summary>
    private void Project(ReadOnlySpan<float> x, Span<float> h)
    {
        for (var j = 0; j <= _rank; j++)
        {
            h[j] = TensorPrimitives.Dot(_project.AsSpan(j * _features, _features), x);
        }
    }

    private void Combine(ReadOnlySpan<float> h, Span<float> logits)
    {
        for (var k = 0; k < _models; k++)
        {
            logits[k] = _bias[k] + h[0] + TensorPrimitives.Dot(_ability.AsSpan(k * _rank, _rank), h[1..]);
        }
    }

    public sealed record Options
    {
        /// <value>Length of the ability vectors; default 8, at least 1.</value>
        public int Rank { get; init; } = 8;

        /// <value>L2 penalty on d, P and a; default 3e-4.</value>
        public float Decay { get; init; } = 3e-4f;

        /// <value>Passes over the rows; default 40, at least 1.</value>
        public int Epochs { get; init; } = 40;

        /// <value>Rows a step; default 256, at least 1.</value>
        public int Batch { get; init; } = 256;

        /// <value>Rate of the first step; default 0.02, above 0.</value>
        public float LearningRate { get; init; } = 0.02f;

        /// <value>Draws the weights that a fit begins with, and the order of rows.</value>
        public int Seed { get; init; } = 1;
    }

    /// <param name="x">n x D row-major.</param>
    /// <param name="y">n x K row-major, 0 to 1, NaN where not observed.</param>
    /// <param name="features">D.</param>
    /// <param name="models">K.</param>
    /// <param name="options">How it is fitted.</param>
    public static LowRankLogistic Fit(ReadOnlySpan<float> x, ReadOnlySpan<float> y, int features, int models, Options options)
    {
        var n = y.Length / models;
        var loss = new LowRankLoss(x, y, features, models, options.Rank, options.Decay);
        var random = new Random(options.Seed);
        var w = loss.Start(random);
        var gradient = new float[w.Length];
        var adam = new CosineAdam(w.Length, options.LearningRate, options.Epochs * ((n + options.Batch - 1) / options.Batch));
        var order = Enumerable.Range(0, n).ToArray();
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            random.Shuffle(order);
            for (var from = 0; from < n; from += options.Batch)
            {
                loss.Gradient(w, order.AsSpan(from, Math.Min(options.Batch, n - from)), gradient);
                adam.Step(w, gradient);
            }
        }

        return loss.Model(w);
    }
}
