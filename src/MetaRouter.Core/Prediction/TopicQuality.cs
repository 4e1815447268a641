using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// How good each model is on requests about each topic, beside how good it is on average: most of what can be known of a request's text, in a table.
/// <code>
/// E[score_k | p] = mean_k + p . w_k      w_k = argmin sum_i (score_ik - mean_k - p_i . w)^2 + Rows |w|^2
/// </code>
/// p are the probabilities of the topics (<see cref="Text.TopicModel"/>), told out of fold.
/// </summary>
/// <remarks>
/// Ridge regression by Cholesky; a topic seen in few requests says little. O(n topics (topics + models) + topics^3). Deterministic.
/// Source: Hoerl and Kennard 1970.
/// </remarks>
internal static class TopicQuality
{
    /// <summary>As many imaginary rows, each all about one topic and like the average there.</summary>
    private const double Rows = 5;

    /// <param name="x">n rows of <paramref name="stride"/> features; from <paramref name="at"/> on stand the topics' probabilities.</param>
    /// <param name="score">n x K, NaN where not observed.</param>
    /// <param name="mean">K, of the scores.</param>
    /// <returns>K x topics, row-major: quality beyond the mean.</returns>
    public static float[] Fit(float[] x, int stride, int at, int topics, float[] score, float[] mean)
    {
        var models = mean.Length;
        var beyond = new float[models * topics];
        if (Array.TrueForAll(score, float.IsFinite))
        {
            var (gram, moments) = Sums(x, stride, at, topics, score, mean, [.. Enumerable.Range(0, models)]);
            Solve(gram, moments, topics, beyond);
            return beyond;
        }

        // A model that answered other requests has other sums.
        Parallel.For(0, models, k =>
        {
            var (gram, moments) = Sums(x, stride, at, topics, score, mean, [k]);
            Solve(gram, moments, topics, beyond.AsSpan(k * topics, topics));
        });
        return beyond;
    }

    /// <summary>sum p p^T over the rows that these models answered, and for each of them sum p (score - mean).</summary>
    private static (double[] Gram, double[] Moments) Sums(float[] x, int stride, int at, int topics, float[] score, float[] mean, int[] of)
    {
        var (gram, moments, p) = (new double[topics * topics], new double[of.Length * topics], new double[topics]);
        for (var i = 0; i < score.Length / mean.Length; i++)
        {
            if (of.Length == 1 && float.IsNaN(score[(i * mean.Length) + of[0]]))
            {
                continue;
            }

            TensorPrimitives.ConvertTruncating<float, double>(x.AsSpan((i * stride) + at, topics), p);
            for (var a = 0; a < topics; a++)
            {
                var row = gram.AsSpan(a * topics, topics);
                TensorPrimitives.MultiplyAdd(p, p[a], row, row);
            }

            for (var m = 0; m < of.Length; m++)
            {
                var row = moments.AsSpan(m * topics, topics);
                TensorPrimitives.MultiplyAdd(p, score[(i * mean.Length) + of[m]] - mean[of[m]], row, row);
            }
        }

        return (gram, moments);
    }

    private static void Solve(double[] gram, double[] moments, int topics, Span<float> beyond)
    {
        for (var a = 0; a < topics; a++)
        {
            gram[(a * topics) + a] += Rows;
        }

        Cholesky.Factor(gram, topics);
        for (var from = 0; from < moments.Length; from += topics)
        {
            var w = moments.AsSpan(from, topics).ToArray();
            Cholesky.Solve(gram, topics, w);
            TensorPrimitives.ConvertTruncating<double, float>(w, beyond.Slice(from, topics));
        }
    }
}
