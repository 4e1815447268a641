using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Routing;

/// <summary>
/// What an outcome is worth to a user: <c>u = (q - lambda_cost * c / tau - lambda_latency * l) / (1 + lambda_cost)</c>.
/// Dividing by 1 + lambda_cost makes users comparable: everyone's utility spans about one unit, so one sharpness of choice fits all.
/// </summary>
public static class Utility
{
    /// <param name="costScaleUsd">tau in US dollars, above 0: the mean cost of the pool's dearest model, at its prices today.</param>
    public static double Of(in Outcome outcome, in Preference preference, double costScaleUsd) =>
        (outcome.Quality - (preference.LambdaCost * outcome.CostUsd / costScaleUsd) - (preference.LambdaLatency * outcome.LatencySeconds)) / (1 + preference.LambdaCost);
}
