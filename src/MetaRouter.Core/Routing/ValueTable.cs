using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Routing;

/// <summary>
/// What each position of the quality-cost dial really earned on requests the predictor was not fitted on: mean quality and mean cost.
/// Serving the position with the best record at a user's trade-off, instead of the position of that trade-off, corrects the predictor's optimism.
/// </summary>
public sealed class ValueTable
{
    // The upper envelope at evenly spaced cost shares; convex and piecewise linear, so interpolation is exact between kinks and close at them.
    private const int EnvelopeSteps = 512;

    private readonly float[] _quality, _cost;
    private readonly double[] _envelope = new double[EnvelopeSteps + 2];

    /// <param name="quality">Mean realised quality of each of <see cref="PreferenceGrid.Length"/> positions.</param>
    /// <param name="relativeCost">Mean realised cost over the cost scale, likewise.</param>
    public ValueTable(ReadOnlySpan<float> quality, ReadOnlySpan<float> relativeCost)
    {
        if (quality.Length != PreferenceGrid.Length || relativeCost.Length != PreferenceGrid.Length)
        {
            throw new ArgumentException($"A value table has {PreferenceGrid.Length} positions; found {quality.Length} qualities and {relativeCost.Length} costs.");
        }

        (_quality, _cost) = (quality.ToArray(), relativeCost.ToArray());
        for (var i = 0; i < _envelope.Length; i++)
        {
            var share = Math.Min(1, (double)i / EnvelopeSteps);
            _envelope[i] = Value(Best(share), share);
        }
    }

    public ReadOnlySpan<float> Quality => _quality;

    /// <summary>Mean cost over the cost scale.</summary>
    public ReadOnlySpan<float> RelativeCost => _cost;

    /// <summary>What position <paramref name="position"/> earns for someone whose cost share lambda / (1 + lambda) is <paramref name="costShare"/>.</summary>
    public double Value(int position, double costShare) => (_quality[position] * (1 - costShare)) - (_cost[position] * costShare);

    /// <summary>The position that earns most at a cost share; the nearest of equals to the position of that trade-off itself.</summary>
    public int Best(double costShare)
    {
        var self = PreferenceGrid.Nearest(costShare / Math.Max(1 - costShare, 1e-9));
        var best = self;
        for (var g = 0; g < _quality.Length; g++)
        {
            var gain = Value(g, costShare) - Value(best, costShare);
            best = gain > 0 || (gain == 0 && Math.Abs(g - self) < Math.Abs(best - self)) ? g : best;
        }

        return best;
    }

    /// <summary>The most that can be earned at a cost share, to within 1e-4 (interpolated); convex in it, so knowing more never earns less.</summary>
    public double BestValue(double costShare)
    {
        var at = Math.Clamp(costShare, 0, 1) * EnvelopeSteps;
        var cell = (int)at;
        return _envelope[cell] + ((at - cell) * (_envelope[cell + 1] - _envelope[cell]));
    }

    /// <summary>What the user loses in expectation because the belief is not certain: E[max over positions] - max over positions of E.</summary>
    public double ExpectedRegret(PreferenceBelief belief)
    {
        var known = 0.0;
        for (var i = 0; i < belief.Marginal.Length; i++)
        {
            known += belief.Marginal[i] * BestValue(PreferenceGrid.CostShare[i]);
        }

        return Math.Max(0, known - BestValue(belief.CostShare));
    }
}
