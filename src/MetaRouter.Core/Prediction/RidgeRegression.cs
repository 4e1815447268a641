using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Prediction;

/// <summary>A linear model of one number: intercept + w.x.</summary>
/// <param name="Penalty">What it was fitted with, in units of the features' mean variance.</param>
public sealed record RidgeRegression(float[] Weights, float Intercept, double Penalty)
{
    public float Predict(ReadOnlySpan<float> x) => Intercept + TensorPrimitives.Dot(Weights, x);
}

/// <summary>
/// Rows that several targets are regressed on by ridge: <c>min sum_i v_i (y_i - b - w.x_i)^2 + penalty |w|^2</c>, the intercept free, the penalty the one
/// of least generalised cross-validation error, <c>n RSS / (n - 1.4 df)^2</c>. Each degree of freedom counts 1.4 times, or more, since plain GCV now and then takes next to no penalty.
/// </summary>
/// <remarks>
/// The Gram matrix and its factors are made once, O(n D^2 + penalties D^3); a target then costs O(n D + penalties D^2). Sums run in one order whatever the threads.
/// Sources: Hoerl and Kennard 1970; Golub, Heath and Wahba 1979; the factor 1.4, Kim and Gu 2004.
/// </remarks>
public sealed class RidgeDesign
{
    private const double Usual = 1.4;

    private static readonly double[] Penalties = [.01, .03, .1, .3, 1, 3, 10, 30, 100, 1000];

    private readonly int _rows, _features;
    private readonly double[] _centred;  // n x D, scaled by the root of the weight
    private readonly double[] _mean, _root;
    private readonly double _total;
    private readonly (double[] Factor, double Freedom)[] _factors;
    private readonly double _unit, _inflation;

    /// <param name="x">n x D row-major.</param>
    /// <param name="weights">v, 0 or more; empty: all 1.</param>
    /// <param name="inflation">What a degree of freedom counts; more where a few rows hold most of the noise.</param>
    /// <exception cref="ArgumentException">No rows, another length than n x D, or no weight above 0.</exception>
    public RidgeDesign(ReadOnlySpan<float> x, int features, ReadOnlySpan<float> weights = default, double inflation = Usual)
    {
        (_rows, _features, _inflation) = (x.Length / features, features, inflation);
        if (_rows == 0 || x.Length != _rows * features || (!weights.IsEmpty && weights.Length != _rows))
        {
            throw new ArgumentException($"Ridge regression needs rows of {features} features and one weight per row, or no weights; found {x.Length} numbers and {weights.Length} weights.");
        }

        (_mean, _root, _centred) = (new double[features], new double[_rows], new double[x.Length]);
        _total = Centre(x, weights);
        var gram = Gram();
        var trace = 0.0;
        for (var j = 0; j < features; j++)
        {
            trace += gram[(j * features) + j];
        }

        _unit = trace > 0 ? trace / features : 1;
        _factors = [.. Penalties.Select(penalty => Penalised(gram, penalty * _unit))];
    }

    /// <summary>Fills the rows less their weighted mean, each times the root of its weight.</summary>
    /// <returns>The weights' sum.</returns>
    private double Centre(ReadOnlySpan<float> x, ReadOnlySpan<float> weights)
    {
        var total = 0.0;
        for (var i = 0; i < _rows; i++)
        {
            var v = weights.IsEmpty ? 1 : weights[i];
            _root[i] = Math.Sqrt(v);
            total += v;
            for (var j = 0; j < _features; j++)
            {
                _mean[j] += v * x[(i * _features) + j];
            }
        }

        if (!(total > 0))
        {
            throw new ArgumentException("Ridge regression needs a row with a weight above 0.", nameof(weights));
        }

        TensorPrimitives.Divide(_mean, total, _mean);
        for (var i = 0; i < _centred.Length; i++)
        {
            _centred[i] = _root[i / _features] * (x[i] - _mean[i % _features]);
        }

        return total;
    }

    /// <summary>The lower triangle of G, the sum of the rows' squares: D x D row-major.</summary>
    private double[] Gram()
    {
        var gram = new double[_features * _features];
        for (var i = 0; i < _rows; i++)
        {
            var row = _centred.AsSpan(i * _features, _features);
            for (var j = 0; j < _features; j++)
            {
                if (row[j] != 0)
                {
                    var line = gram.AsSpan(j * _features, j + 1);
                    TensorPrimitives.MultiplyAdd(row[..(j + 1)], row[j], line, line);
                }
            }
        }

        return gram;
    }

    /// <summary>The Cholesky factor of G + p I, and the degrees of freedom of a fit with it.</summary>
    private (double[] Factor, double Freedom) Penalised(double[] gram, double penalty)
    {
        var factor = (double[])gram.Clone();
        for (var j = 0; j < _features; j++)
        {
            factor[(j * _features) + j] += penalty;
        }

        Factor(factor, _features);
        // df = tr((G + p I)^-1 G) = D - p tr((G + p I)^-1), and one for the intercept.
        return (factor, 1 + _features - (penalty * InverseTrace(factor, _features)));
    }

    /// <param name="y">One per row.</param>
    public RidgeRegression Fit(ReadOnlySpan<float> y)
    {
        if (y.Length != _rows)
        {
            throw new ArgumentException($"There are {_rows} rows and {y.Length} targets.", nameof(y));
        }

        var mean = 0.0;
        for (var i = 0; i < _rows; i++)
        {
            mean += _root[i] * _root[i] * y[i];
        }

        mean /= _total;
        var target = new double[_features];
        var centred = new double[_rows];
        for (var i = 0; i < _rows; i++)
        {
            centred[i] = _root[i] * (y[i] - mean);
            TensorPrimitives.MultiplyAdd(_centred.AsSpan(i * _features, _features), centred[i], target, target);
        }

        var (best, least, penalty) = (Array.Empty<double>(), double.PositiveInfinity, 0.0);
        for (var p = 0; p < Penalties.Length; p++)
        {
            var w = (double[])target.Clone();
            Cholesky.Solve(_factors[p].Factor, _features, w);
            var rss = 0.0;
            for (var i = 0; i < _rows; i++)
            {
                var error = centred[i] - TensorPrimitives.Dot(_centred.AsSpan(i * _features, _features), w);
                rss += error * error;
            }

            var left = _rows - (_inflation * _factors[p].Freedom);
            // Where nothing is left to judge by, only the greatest penalty is safe.
            var score = left > 0 ? rss / (left * left) : p == Penalties.Length - 1 ? double.MaxValue : double.PositiveInfinity;
            if (score < least)
            {
                (best, least, penalty) = (w, score, Penalties[p]);
            }
        }

        return new RidgeRegression([.. best.Select(v => (float)v)], (float)(mean - TensorPrimitives.Dot(best, _mean)), penalty);
    }

    /// <summary>As <see cref="Cholesky.Factor"/>, by whole rows: most of the time of a fit goes here.</summary>
    private static void Factor(double[] a, int n)
    {
        for (var i = 0; i < n; i++)
        {
            var row = a.AsSpan(i * n, i + 1);
            for (var j = 0; j < i; j++)
            {
                row[j] = (row[j] - TensorPrimitives.Dot(row[..j], a.AsSpan(j * n, j))) / a[(j * n) + j];
            }

            // The penalty keeps every pivot above 0.
            row[i] = Math.Sqrt(Math.Max(row[i] - TensorPrimitives.SumOfSquares<double>(row[..i]), double.Epsilon));
        }
    }

    /// <summary>tr(A^-1) of A = L L^T: the squares of L^-1 added up.</summary>
    private static double InverseTrace(double[] factor, int n)
    {
        var sum = 0.0;
        var column = new double[n];
        for (var c = 0; c < n; c++)
        {
            Array.Clear(column);
            column[c] = 1 / factor[(c * n) + c];
            sum += column[c] * column[c];
            for (var i = c + 1; i < n; i++)
            {
                column[i] = -TensorPrimitives.Dot(factor.AsSpan((i * n) + c, i - c), column.AsSpan(c, i - c)) / factor[(i * n) + i];
                sum += column[i] * column[i];
            }
        }

        return sum;
    }
}
