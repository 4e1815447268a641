using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// A positive amount per model (completion tokens, seconds) from a request's features: ridge regression of ln(1 + amount), then a factor per model
/// that makes the mean prediction equal the mean observed (smearing: the exponential of a mean logarithm is below the mean).
/// </summary>
/// <remarks>Exact by normal equations, O(n K D^2). A model with no observation predicts the mean of the others. Source: Duan 1983, Smearing Estimate.</remarks>
public static class LogLinear
{
    /// <param name="x">n x D row-major; the last feature is the constant 1.</param>
    /// <param name="y">n x K, 0 or more, NaN where not observed.</param>
    /// <returns>K rows of D weights, and K factors.</returns>
    public static (float[] Weights, float[] Factor) Fit(float[] x, float[] y, int features, int models, double ridge = 3)
    {
        var n = y.Length / models;
        var (weights, factor) = (new float[models * features], new float[models]);
        Parallel.For(0, models, k =>
        {
            var gram = new double[features * features];
            var target = new double[features];
            var observed = 0;
            for (var i = 0; i < n; i++)
            {
                var value = y[(i * models) + k];
                if (float.IsNaN(value))
                {
                    continue;
                }

                observed++;
                var log = Math.Log(1 + value);
                var row = x.AsSpan(i * features, features);
                for (var a = 0; a < features; a++)
                {
                    double v = row[a];
                    target[a] += v * log;
                    for (var b = 0; b <= a; b++)
                    {
                        gram[(a * features) + b] += v * row[b];
                    }
                }
            }

            if (observed == 0)
            {
                factor[k] = float.NaN;
                return;
            }

            for (var a = 0; a < features; a++)
            {
                // The constant hardly pays: else a text of unknown words is predicted shorter than any that was seen.
                gram[(a * features) + a] += a == features - 1 ? 1e-3 : ridge;
            }

            Cholesky.Factor(gram, features);
            Cholesky.Solve(gram, features, target);
            var w = weights.AsSpan(k * features, features);
            for (var a = 0; a < features; a++)
            {
                w[a] = (float)target[a];
            }

            var (predicted, actual) = (0.0, 0.0);
            for (var i = 0; i < n; i++)
            {
                var value = y[(i * models) + k];
                if (!float.IsNaN(value))
                {
                    predicted += Math.Exp(TensorPrimitives.Dot<float>(w, x.AsSpan(i * features, features)));
                    actual += value;
                }
            }

            factor[k] = (float)(actual / predicted);
        });
        FillUnobserved(weights, factor, features, models);
        return (weights, factor);
    }

    private static void FillUnobserved(float[] weights, float[] factor, int features, int models)
    {
        var known = Enumerable.Range(0, models).Where(k => !float.IsNaN(factor[k])).ToArray();
        foreach (var k in Enumerable.Range(0, models).Except(known).ToArray())
        {
            factor[k] = known.Length == 0 ? 0 : known.Average(j => factor[j]);
            for (var a = 0; a < features && known.Length > 0; a++)
            {
                weights[(k * features) + a] = known.Average(j => weights[(j * features) + a]);
            }
        }
    }
}
