using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// Quality of K models on a request with features x (D numbers): <c>logit q_k(x) = b_k + d.x + a_k.(P x)</c>.
/// d is the difficulty all models share, P x (r numbers) what the request asks for, a_k how good model k is at it.
/// </summary>
/// <remarks>
/// Low rank ties the models together: with few rows, K separate regressions pick whichever model was lucky (the winner's curse); this does not.
/// Fitted by Adam on mini-batches, mean cross-entropy over observed cells plus decay * (|d|^2 + |P|^2 + |a|^2), learning rate falling as a half cosine.
/// O(epochs n (r + 1) (D + K)). Same rows, options and seed give the same bits.
/// Sources: multidimensional item response theory (Reckase 2009); Adam, Kingma and Ba 2015 (arXiv:1412.6980).
/// </remarks>
public sealed class LowRankLogistic
{
    private readonly int _features, _models, _rank;
    private readonly float[] _bias;    // K
    private readonly float[] _project; // (1 + r) x D: d, then the rows of P
    private readonly float[] _ability; // K x r

    internal LowRankLogistic(int features, int models, int rank, float[] bias, float[] project, float[] ability) =>
        (_features, _models, _rank, _bias, _project, _ability) = (features, models, rank, bias, project, ability);

    public int Features => _features;

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

        public int Epochs { get; init; } = 40;

        public int Batch { get; init; } = 256;

        public float LearningRate { get; init; } = 0.02f;

        public int Seed { get; init; } = 1;
    }

    /// <param name="x">n x D row-major.</param>
    /// <param name="y">n x K row-major, 0 to 1, NaN where not observed.</param>
    public static LowRankLogistic Fit(ReadOnlySpan<float> x, ReadOnlySpan<float> y, int features, int models, Options options)
    {
        var n = y.Length / models;
        var r = options.Rank;
        var random = new Random(options.Seed);
        var (projectLength, abilityLength) = ((r + 1) * features, models * r);
        var w = new float[projectLength + abilityLength + models]; // project, ability, bias
        for (var i = features; i < projectLength + abilityLength; i++)
        {
            w[i] = (float)(random.NextDouble() + random.NextDouble() - 1) * 0.1f;
        }

        BaseRates(y, models, w.AsSpan(projectLength + abilityLength));
        var order = Enumerable.Range(0, n).ToArray();
        var (gradient, first, second) = (new float[w.Length], new float[w.Length], new float[w.Length]);
        var steps = options.Epochs * ((n + options.Batch - 1) / options.Batch);
        var step = 0;
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            random.Shuffle(order);
            for (var from = 0; from < n; from += options.Batch)
            {
                var rows = order.AsSpan(from, Math.Min(options.Batch, n - from));
                Gradient(x, y, features, models, r, w, rows, options.Decay, gradient);
                step++;
                var rate = options.LearningRate * 0.5f * (1 + MathF.Cos(MathF.PI * (step - 1) / steps));
                Adam(w, gradient, first, second, step, rate);
            }
        }

        return new LowRankLogistic(features, models, r, w[^models..], w[..projectLength], w.AsSpan(projectLength, abilityLength).ToArray());
    }

    /// <summary>The loss of a batch and its gradient in the packed order project, ability, bias.</summary>
    internal static double Gradient(ReadOnlySpan<float> x, ReadOnlySpan<float> y, int features, int models, int rank, float[] w, ReadOnlySpan<int> rows, float decay, float[] gradient)
    {
        var (projectLength, abilityLength) = ((rank + 1) * features, models * rank);
        var project = w.AsSpan(0, projectLength);
        var ability = w.AsSpan(projectLength, abilityLength);
        var bias = w.AsSpan(projectLength + abilityLength);
        Array.Clear(gradient);
        var gAbility = gradient.AsSpan(projectLength, abilityLength);
        var gBias = gradient.AsSpan(projectLength + abilityLength);
        Span<float> h = stackalloc float[rank + 1];
        Span<float> gh = stackalloc float[rank + 1];
        var (loss, observed) = (0.0, 0);
        foreach (var row in rows)
        {
            foreach (var v in y.Slice(row * models, models))
            {
                observed += float.IsNaN(v) ? 0 : 1;
            }
        }

        var scale = observed > 0 ? 1f / observed : 0;
        foreach (var row in rows)
        {
            var xi = x.Slice(row * features, features);
            for (var j = 0; j <= rank; j++)
            {
                h[j] = TensorPrimitives.Dot(project.Slice(j * features, features), xi);
            }

            gh.Clear();
            for (var k = 0; k < models; k++)
            {
                var target = y[(row * models) + k];
                if (float.IsNaN(target))
                {
                    continue;
                }

                var a = ability.Slice(k * rank, rank);
                var logit = bias[k] + h[0] + TensorPrimitives.Dot(a, h[1..]);
                loss += (Softplus(logit) - (target * logit)) * scale;
                var g = (Logistic.Sigmoid(logit) - target) * scale;
                gBias[k] += g;
                gh[0] += g;
                TensorPrimitives.MultiplyAdd(a, g, gh[1..], gh[1..]);
                var ga = gAbility.Slice(k * rank, rank);
                TensorPrimitives.MultiplyAdd(h[1..], g, ga, ga);
            }

            for (var j = 0; j <= rank; j++)
            {
                var gp = gradient.AsSpan(j * features, features);
                TensorPrimitives.MultiplyAdd(xi, gh[j], gp, gp);
            }
        }

        var penalised = w.AsSpan(0, projectLength + abilityLength);
        var gPenalised = gradient.AsSpan(0, projectLength + abilityLength);
        TensorPrimitives.MultiplyAdd(penalised, 2 * decay, gPenalised, gPenalised);
        return loss + (decay * TensorPrimitives.SumOfSquares<float>(penalised));
    }

    internal static void BaseRates(ReadOnlySpan<float> y, int models, Span<float> logit)
    {
        for (var k = 0; k < models; k++)
        {
            var (sum, count) = (0.0, 0);
            for (var i = k; i < y.Length; i += models)
            {
                if (!float.IsNaN(y[i]))
                {
                    sum += y[i];
                    count++;
                }
            }

            var rate = (sum + 0.5) / (count + 1);
            logit[k] = (float)Math.Log(rate / (1 - rate));
        }
    }

    internal static void Adam(float[] w, float[] gradient, float[] first, float[] second, int step, float rate)
    {
        var correct1 = 1 - MathF.Pow(0.9f, step);
        var correct2 = 1 - MathF.Pow(0.999f, step);
        for (var i = 0; i < w.Length; i++)
        {
            var g = gradient[i];
            first[i] = (0.9f * first[i]) + (0.1f * g);
            second[i] = (0.999f * second[i]) + (0.001f * g * g);
            w[i] -= rate * (first[i] / correct1) / (MathF.Sqrt(second[i] / correct2) + 1e-8f);
        }
    }

    private static float Softplus(float v) => MathF.Max(v, 0) + MathF.Log(1 + MathF.Exp(-MathF.Abs(v)));
}
