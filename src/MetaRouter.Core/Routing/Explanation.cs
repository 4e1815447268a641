using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Routing;

/// <summary>A decision and a belief in plain words and numbers.</summary>
public static class Explanation
{
    /// <summary>Why this model, and the one it was weighed against: the runner-up, the one shown beside it, or the best when it was tried to learn.</summary>
    /// <param name="judgedByPrice">Models of which the price alone is known (<see cref="RoutingPool.JudgedByPrice"/>); null: nobody asks.</param>
    public static string Of(RouteDecision decision, IReadOnlySet<ModelId>? judgedByPrice = null)
    {
        ArgumentNullException.ThrowIfNull(decision);
        var chosen = decision.Candidates[decision.ChosenIndex];
        var why = decision.Reason switch
        {
            DecisionReason.BestForUser => "worth most at this user's trade-off",
            DecisionReason.BestForDial => "worth most at the trade-off set for this request",
            DecisionReason.Explored => string.Create(CultureInfo.InvariantCulture, $"tried to learn, with probability {chosen.Propensity:0.000}"),
            DecisionReason.Comparison => "one of two answers shown, to learn from the choice",
            _ => "the only model that may answer this request",
        };
        var text = string.Create(CultureInfo.InvariantCulture, $"{chosen.Model}: {why}; "
            + $"expected quality {Quality(chosen)}, {Dollars.Text(chosen.Predicted.CostUsd * 1000)} per 1,000 such requests");
        var others = decision.Candidates.Where((c, i) => i != decision.ChosenIndex && c.Exclusion == ModelExclusion.None).ToArray();
        text += decision.LambdaLatency > 0 && chosen.Predicted.LatencySeconds > 0 ? string.Create(CultureInfo.InvariantCulture, $", about {Seconds(chosen.Predicted.LatencySeconds)}") : "";
        if (others.Length == 0)
        {
            return text + "." + Judged(chosen.Model);
        }

        var (label, other) = decision switch
        {
            { OfferedIndex: { } offered } => ("Beside it", decision.Candidates[offered]),
            { Reason: DecisionReason.Explored } => ("Best as far as is known", others.MaxBy(c => c.Utility)),
            _ => ("Next", others.MaxBy(c => c.Utility)),
        };
        return text + string.Create(CultureInfo.InvariantCulture, $". {label}: {other.Model}, {Quality(other)}, {Dollars.Text(other.Predicted.CostUsd * 1000)}.") + Judged(chosen.Model, other.Model);

        // Of an unfamiliar request what is predicted sets the models further apart than is believed, and it was decided by what is.
        string Quality(RankedModel model)
        {
            var (predicted, counted) = (Percent(model.Predicted.Quality), Percent(model.Counted(decision.Preference, decision.CostScaleUsd).Quality));
            return predicted == counted ? predicted : $"{predicted} (counted as {counted})";
        }

        string Judged(params ModelId[] told) => judgedByPrice is not null && told.Where(judgedByPrice.Contains).ToArray() is { Length: > 0 } strangers
            ? $" Judged by price alone: {string.Join(", ", strangers)}."
            : "";

        static string Percent(float quality) => quality.ToString("P0", CultureInfo.InvariantCulture);
    }

    /// <summary>How long the user waits for one more right answer in 100, once it is likelier than not that waiting is minded at all; else nothing.</summary>
    private static string Waiting(LatencyBelief latency)
    {
        return latency.Minds > 0.5 ? $"; waits up to {Long(0.5)} for it (90 % sure: {Long(0.95)} to {Long(0.05)})" : "";

        string Long(double p) => latency.Quantile(p) is var price && price > 0 ? Seconds(0.01 / price) : "any time";
    }

    private static string Seconds(double seconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{(seconds < 1 ? Math.Round(seconds, 2) : seconds < 10 ? Math.Round(seconds, 1) : Math.Round(seconds)):0.##} s");

    /// <summary>How probable it must be that a user weighs cost differently on a topic before it is said.</summary>
    private const double Sure = 0.8;

    /// <inheritdoc cref="Of(RoutingPool, PreferenceBelief)"/>
    public static string Of(UserModel user)
    {
        ArgumentNullException.ThrowIfNull(user);
        return Of(user.Pool, user.Belief);
    }

    /// <summary>
    /// What is believed of a user: the price of one more right answer, with its 90 % interval, how long one waits for it where waiting is minded, and on which
    /// topics it is surely lower (firmer) or higher (freer). Where all models are free it says so instead of naming prices.
    /// </summary>
    public static string Of(RoutingPool pool, PreferenceBelief belief)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(belief);
        var signals = belief.Signals == 1 ? "1 signal" : $"{belief.Signals} signals";
        if (pool.IsFree)
        {
            return "all models are free, so nothing is weighed against cost" + (belief.Signals == 0
                ? ", and no signal told of the trade-off yet"
                : $"; what {signals} told of it is kept until one has a price") + Waiting(belief.Latency);
        }

        var price = string.Create(
            CultureInfo.InvariantCulture,
            $"pays about {Price(belief.Quantile(0.5))} per 1,000 requests for one more right answer in 100 (90 % sure: {Price(belief.Quantile(0.95))} to {Price(belief.Quantile(0.05))})");
        return (belief.Signals == 0
            ? $"nothing is known of this user yet, since no signal told of the trade-off, so the population's applies: {price}"
            : $"{price}, from {signals}") + Waiting(belief.Latency) + Topics("firmer", t => t.Firmer) + Topics("freer", t => t.Freer);

        string Topics(string how, Func<TopicOffset, double> sure)
        {
            var told = string.Join(", ", pool.TopicsOf(belief).Where(t => sure(t.Belief.Offset) >= Sure).OrderByDescending(t => sure(t.Belief.Offset))
                .Select(t => $"{t.Topic.Title} ({Price(t.Belief.Belief.Quantile(0.5))})"));
            return told.Length > 0 ? $"; {how} on {told}" : "";
        }

        // Utility q - lambda c / tau: one point of quality is worth 0.01 tau / lambda a request.
        string Price(double lambda) => Dollars.Text(10 * pool.CostScaleUsd / lambda);
    }
}
