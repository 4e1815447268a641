using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Evaluation.Simulation;

/// <summary>
/// When a user may be shown two answers: at most on every third request, and only while what the answer is expected to teach pays for it
/// within <see cref="Horizon"/> later requests.
/// </summary>
/// <remarks>
/// Paid is the second call, w c / tau, and what the better of the pair is worth less than the best model of all; gained is
/// <see cref="ComparisonChoice.Gain"/> on each later request. All are in the unit of utility at the belief's cost share w.
/// As the belief sharpens the gain falls below any price, and the questions end by themselves.
/// </remarks>
public static class ComparisonBudget
{
    /// <summary>Requests from one comparison to the next, at least.</summary>
    public const int Every = 3;

    /// <summary>Later requests that a comparison has to pay off in: a few months of a regular user. Longer than the stories told, so within one the questions look dear.</summary>
    public const int Horizon = 1000;

    /// <param name="predicted">Of the request, one per model of the pool.</param>
    public static bool Allows(PreferenceBelief belief, RoutingPool pool, ReadOnlySpan<Outcome> predicted)
    {
        ArgumentNullException.ThrowIfNull(belief);
        ArgumentNullException.ThrowIfNull(pool);
        if (new ComparisonSelector(belief, pool).Select(predicted) is not { } pair)
        {
            return false;
        }

        var w = belief.CostShare;
        var best = double.NegativeInfinity;
        foreach (var outcome in predicted)
        {
            best = Math.Max(best, Utility(outcome));
        }

        var (first, second) = (predicted[pair.First], predicted[pair.Second]);
        var (shown, extra) = Utility(first) >= Utility(second) ? (first, second) : (second, first);
        return pair.Gain * Horizon > best - Utility(shown) + (w * extra.CostUsd / pool.CostScaleUsd);

        double Utility(in Outcome o) => ((1 - w) * o.Quality) - (w * o.CostUsd / pool.CostScaleUsd);
    }
}
