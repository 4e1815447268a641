using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Routing;

/// <summary>
/// What each position of the quality-cost dial really earned on requests the predictor was not fitted on: mean quality and mean cost.
/// Serving the position with the best record at a user's trade-off, instead of the position of that trade-off, corrects the predictor's optimism.
/// </summary>
public sealed class ValueTable
{
    private readonly float[] _quality, _cost;

    /// <param name="quality">Mean realised quality of each of <see cref="PreferenceGrid.Length"/> positions.</param>
    /// <param name="relativeCost">Mean realised cost over the cost scale, likewise.</param>
    public ValueTable(ReadOnlySpan<float> quality, ReadOnlySpan<float> relativeCost)
    {
        if (quality.Length != PreferenceGrid.Length || relativeCost.Length != PreferenceGrid.Length)
        {
            throw new ArgumentException($"A value table has {PreferenceGrid.Length} positions; found {quality.Length} qualities and {relativeCost.Length} costs.");
        }

        (_quality, _cost) = (quality.ToArray(), relativeCost.ToArray());
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

    /// <summary>The most that can be earned at a cost share: convex in it, so knowing more never earns less.</summary>
    public double BestValue(double costShare) => Value(Best(costShare), costShare);

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
