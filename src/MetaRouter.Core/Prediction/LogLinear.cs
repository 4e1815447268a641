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
    private const double ConstantRidge = 1e-3;

    /// <param name="x">n x D row-major; the last feature is the constant 1.</param>
    /// <param name="y">n x K, 0 or more, NaN where not observed.</param>
    /// <param name="ridge">Counts as so many imaginary rows of squared length 1 that say the feature means nothing.</param>
    /// <returns>K rows of D weights, and K factors.</returns>
    public static (float[] Weights, float[] Factor) Fit(float[] x, float[] y, int features, int models, double ridge = 3)
    {
        var (weights, factor) = (new float[models * features], new float[models]);
        Parallel.For(0, models, k =>
        {
            int[] observed = [.. Enumerable.Range(0, y.Length / models).Where(i => !float.IsNaN(y[(i * models) + k]))];
            float[] amount = [.. observed.Select(i => y[(i * models) + k])];
            var w = weights.AsSpan(k * features, features);
            factor[k] = observed.Length == 0 ? float.NaN : Fit(x, observed, amount, ridge, w);
        });
        FillUnobserved(weights, factor, features, models);
        return (weights, factor);
    }

    /// <summary>One model's, on the rows where it was observed.</summary>
    /// <param name="weights">Written to, D long.</param>
    /// <returns>The factor.</returns>
    private static float Fit(float[] x, int[] rows, float[] amount, double ridge, Span<float> weights)
    {
        var features = weights.Length;
        var (gram, target) = (new double[features * features], new double[features]);
        for (var n = 0; n < rows.Length; n++)
        {
            var log = Math.Log(1 + amount[n]);
            var row = x.AsSpan(rows[n] * features, features);
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

        for (var a = 0; a < features; a++)
        {
            // The constant is hardly penalised: else a text of unknown words is predicted shorter than any that was seen.
            gram[(a * features) + a] += a == features - 1 ? ConstantRidge : ridge;
        }

        Cholesky.Factor(gram, features);
        Cholesky.Solve(gram, features, target);
        TensorPrimitives.ConvertTruncating<double, float>(target, weights);
        var (predicted, actual) = (0.0, 0.0);
        for (var n = 0; n < rows.Length; n++)
        {
            predicted += Math.Exp(TensorPrimitives.Dot<float>(weights, x.AsSpan(rows[n] * features, features)));
            actual += amount[n];
        }

        return (float)(actual / predicted);
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
