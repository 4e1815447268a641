using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Routing;

/// <summary>
/// What each position of the dial is worth, estimated from what was promised of it and what it earned on a sample of requests. The record itself will not do:
/// the best of 48 records is the luckiest.
/// </summary>
/// <remarks>
/// With p the promised means by position, r the earned ones and S the covariance of r - p over requests, divided by their number:
/// <code>
/// d ~ N(0, K),   r - p = d + noise,   noise ~ N(0, S)         d: how far promises are off, position by position
/// estimate = p + K (K + S)^-1 (r - p)                          K(g, h) = level^2 + departure^2 exp(-(g - h)^2 / (2 reach^2))
/// </code>
/// All promises may be far off by the same amount (level): no choice depends on that. A difference between positions (departure) is believed as far as enough requests show it; where two
/// positions decide alike they share their noise, and S accounts for it. O(requests x positions^2): some milliseconds.
/// Source: kriging with a known noise covariance, Rasmussen and Williams, Gaussian Processes for Machine Learning, 2.2; the winner's curse it is against, Smith and Winkler 2006.
/// </remarks>
internal sealed class DialRecord
{
    private const int Width = PreferenceGrid.Length;
    private const double Level = .1;

    /// <summary>As a share of quality, or of the cost scale. Chosen with <see cref="Reach"/> on other halvings of the pools' rows than those reported.</summary>
    private const double Departure = .005;

    /// <summary>In positions: a factor of 3.2 in lambda.</summary>
    private const double Reach = 6;

    private readonly double[] _promised = new double[Width], _departure = new double[Width], _products = new double[Width * Width];
    private int _requests;

    /// <summary>One request: what every position promised of the model it chose, and what that model gave.</summary>
    public void Add(ReadOnlySpan<float> promised, ReadOnlySpan<float> earned)
    {
        _requests++;
        Span<double> off = stackalloc double[Width];
        for (var g = 0; g < Width; g++)
        {
            off[g] = earned[g] - promised[g];
            _promised[g] += promised[g];
            _departure[g] += off[g];
        }

        for (var g = 0; g < Width; g++)
        {
            TensorPrimitives.MultiplyAdd(off[..(g + 1)], off[g], _products.AsSpan(g * Width, g + 1), _products.AsSpan(g * Width, g + 1));
        }
    }

    /// <summary>The mean that each position is expected to earn. At least one request was added.</summary>
    public float[] Estimate()
    {
        var (n, k, sum) = ((double)_requests, new double[Width * Width], new double[Width * Width]);
        var weight = new double[Width];
        for (var g = 0; g < Width; g++)
        {
            weight[g] = _departure[g] / n;
            for (var h = 0; h <= g; h++)
            {
                var distance = (g - h) / Reach;
                k[(g * Width) + h] = k[(h * Width) + g] = (Level * Level) + (Departure * Departure * Math.Exp(-.5 * distance * distance));
                // A few requests show little of their own spread: one imaginary request's worth is added, which vanishes beside hundreds.
                var unseen = .25 * Math.Exp(-.5 * distance * distance) / (n * n);
                var noise = unseen + ((_products[(g * Width) + h] / n) - (_departure[g] / n * (_departure[h] / n))) / n;
                sum[(g * Width) + h] = k[(g * Width) + h] + noise + (g == h ? 1e-7 : 0); // positions that always decide alike leave the matrix singular
            }
        }

        Cholesky.Factor(sum, Width);
        Cholesky.Solve(sum, Width, weight);
        return [.. Enumerable.Range(0, Width).Select(g => (float)((_promised[g] / n) + TensorPrimitives.Dot(k.AsSpan(g * Width, Width), (ReadOnlySpan<double>)weight)))];
    }
}
