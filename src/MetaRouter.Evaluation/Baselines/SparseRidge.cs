using System.Numerics;
using System.Runtime.InteropServices;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// Ridge regression of several targets on the same sparse rows, in the dual: (X X' + alpha I) a = y - mean, w = X' a, by conjugate gradients.
/// All targets share each pass over X; a target that is unknown on a row (NaN) does not see that row. O(iterations x entries x targets).
/// </summary>
internal sealed class SparseRidge
{
    // Rows have length 1, so the residual falls fast for any alpha used here; a hundredth of the start is far inside the noise of the labels.
    private const int MaxIterations = 25;
    private const double Tolerance = 1e-2;

    private readonly int _targets;
    private readonly int _lanes;
    private readonly float[] _weights;
    private readonly float[] _means;

    private SparseRidge(int targets, int lanes, float[] weights, float[] means) => (_targets, _lanes, _weights, _means) = (targets, lanes, weights, means);

    /// <param name="y">Row-major rows x targets.</param>
    public static SparseRidge Fit(SparseRows x, float[] y, int targets, float alpha, CancellationToken cancellationToken)
    {
        var lanes = (targets + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;
        var (mask, residual, means) = (new float[x.Rows * lanes], new float[x.Rows * lanes], new float[lanes]);
        for (var t = 0; t < targets; t++)
        {
            var (sum, seen) = (0.0, 0);
            for (var row = 0; row < x.Rows; row++)
            {
                if (y[(row * targets) + t] is var value && !float.IsNaN(value))
                {
                    (sum, seen, mask[(row * lanes) + t]) = (sum + value, seen + 1, 1);
                }
            }

            means[t] = seen == 0 ? 0 : (float)(sum / seen);
            for (var row = 0; row < x.Rows; row++)
            {
                residual[(row * lanes) + t] = mask[(row * lanes) + t] == 0 ? 0 : y[(row * targets) + t] - means[t];
            }
        }

        var (a, direction, image, weights) = (new float[residual.Length], (float[])residual.Clone(), new float[residual.Length], new float[x.Columns * lanes]);
        var norm = Dots(residual, residual, lanes);
        var stop = norm.Select(n => n * Tolerance * Tolerance).ToArray();
        for (var iteration = 0; iteration < MaxIterations && norm.Zip(stop, (n, s) => n > s).Any(active => active); iteration++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            TransposeTimes(x, direction, weights, lanes);
            Times(x, weights, image, lanes);
            for (var i = 0; i < image.Length; i++)
            {
                image[i] = mask[i] * (image[i] + (alpha * direction[i]));
            }

            var curvature = Dots(direction, image, lanes);
            var step = norm.Select((n, t) => n > stop[t] && curvature[t] > 0 ? (float)(n / curvature[t]) : 0).ToArray();
            for (var row = 0; row < a.Length; row += lanes)
            {
                for (var t = 0; t < lanes; t++)
                {
                    a[row + t] += step[t] * direction[row + t];
                    residual[row + t] -= step[t] * image[row + t];
                }
            }

            var next = Dots(residual, residual, lanes);
            var turn = norm.Select((n, t) => n > stop[t] ? (float)(next[t] / n) : 0).ToArray();
            for (var row = 0; row < direction.Length; row += lanes)
            {
                for (var t = 0; t < lanes; t++)
                {
                    direction[row + t] = residual[row + t] + (turn[t] * direction[row + t]);
                }
            }

            norm = next;
        }

        TransposeTimes(x, a, weights, lanes);
        return new SparseRidge(targets, lanes, weights, means);
    }

    /// <summary>Row-major rows x targets.</summary>
    public float[] Predict(SparseRows x)
    {
        var (wide, result) = (new float[x.Rows * _lanes], new float[x.Rows * _targets]);
        Times(x, _weights, wide, _lanes);
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = wide[(i / _targets * _lanes) + (i % _targets)] + _means[i % _targets];
        }

        return result;
    }

    // Each target has its own lane, so the order of every sum is the same at any vector width.
    private static void Times(SparseRows x, float[] w, float[] result, int lanes)
    {
        Array.Clear(result);
        for (var row = 0; row < x.Rows; row++)
        {
            var to = result.AsSpan(row * lanes, lanes);
            for (var at = x.Start[row]; at < x.Start[row + 1]; at++)
            {
                AddScaled(to, w.AsSpan(x.Index[at] * lanes, lanes), x.Value[at]);
            }
        }
    }

    private static void TransposeTimes(SparseRows x, float[] a, float[] result, int lanes)
    {
        Array.Clear(result);
        for (var row = 0; row < x.Rows; row++)
        {
            var from = a.AsSpan(row * lanes, lanes);
            for (var at = x.Start[row]; at < x.Start[row + 1]; at++)
            {
                AddScaled(result.AsSpan(x.Index[at] * lanes, lanes), from, x.Value[at]);
            }
        }
    }

    private static void AddScaled(Span<float> to, ReadOnlySpan<float> from, float scale)
    {
        var sums = MemoryMarshal.Cast<float, Vector<float>>(to);
        var terms = MemoryMarshal.Cast<float, Vector<float>>(from);
        for (var i = 0; i < sums.Length && i < terms.Length; i++)
        {
            sums[i] += terms[i] * scale;
        }
    }

    private static double[] Dots(float[] a, float[] b, int lanes)
    {
        var sums = new double[lanes];
        for (var row = 0; row < a.Length; row += lanes)
        {
            for (var t = 0; t < lanes; t++)
            {
                sums[t] += (double)a[row + t] * b[row + t];
            }
        }

        return sums;
    }
}
