using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Router;

/// <summary>What is believed of a user, as the API shows it.</summary>
internal static class BeliefAnswers
{
    public static PreferenceAnswer Preference(RoutingPool of, PreferenceBelief belief) => new(Explanation.Of(of, belief), belief.Signals, Quantiles(belief.Quantile));

    private static LambdaQuantiles Quantiles(Func<double, double> at) => new(Rounded(at(0.05)), Rounded(at(0.25)), Rounded(at(0.5)), Rounded(at(0.75)), Rounded(at(0.95)));

    public static TopicAnswer[] Topics(RoutingPool of, PreferenceBelief belief) =>
        [.. of.TopicsOf(belief).Select(t => new TopicAnswer(t.Topic.Title, t.Topic.Words, Quantiles(t.Belief.Belief.Quantile), Rounded(t.Belief.Offset.Firmer), Rounded(t.Belief.Offset.Freer)))];

    public static LatencyAnswer Latency(LatencyBelief latency) =>
        new(Rounded(latency.Minds), Rounded(latency.Price), Quantiles(latency.Quantile), latency.Price > 0 ? Rounded(0.01 / latency.Price) : null);

    /// <summary>Four significant digits: the rest is noise to a reader.</summary>
    public static double Rounded(double value)
    {
        if (value == 0 || !double.IsFinite(value))
        {
            return 0;
        }

        var scale = Math.Pow(10, 3 - Math.Floor(Math.Log10(Math.Abs(value))));
        return Math.Round(value * scale) / scale;
    }
}
