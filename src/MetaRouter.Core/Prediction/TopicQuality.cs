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
    /// <param name="score">n x K, all finite.</param>
    /// <param name="mean">K, of the scores.</param>
    /// <returns>K x topics, row-major: quality beyond the mean.</returns>
    public static float[] Fit(ReadOnlySpan<float> x, int stride, int at, int topics, ReadOnlySpan<float> score, ReadOnlySpan<float> mean)
    {
        var models = mean.Length;
        var n = score.Length / models;
        var (gram, moments) = (new double[topics * topics], new double[models * topics]);
        var p = new double[topics];
        for (var i = 0; i < n; i++)
        {
            TensorPrimitives.ConvertTruncating<float, double>(x.Slice((i * stride) + at, topics), p);
            for (var a = 0; a < topics; a++)
            {
                var row = gram.AsSpan(a * topics, topics);
                TensorPrimitives.MultiplyAdd(p, p[a], row, row);
            }

            for (var k = 0; k < models; k++)
            {
                var row = moments.AsSpan(k * topics, topics);
                TensorPrimitives.MultiplyAdd(p, score[(i * models) + k] - mean[k], row, row);
            }
        }

        for (var a = 0; a < topics; a++)
        {
            gram[(a * topics) + a] += Rows;
        }

        Cholesky.Factor(gram, topics);
        var beyond = new float[models * topics];
        for (var k = 0; k < models; k++)
        {
            var w = moments.AsSpan(k * topics, topics).ToArray();
            Cholesky.Solve(gram, topics, w);
            TensorPrimitives.ConvertTruncating<double, float>(w, beyond.AsSpan(k * topics, topics));
        }

        return beyond;
    }
}
