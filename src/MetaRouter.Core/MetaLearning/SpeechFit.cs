using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// Learns how users are to be heard: how each kind of feedback speaks, how trade-offs differ by topic, and how waiting is minded. These have no sufficient statistic, so they climb ladders
/// of values by the likelihood of a sample of raw windows: coordinate ascent, from what is guessed, a neighbour at a time.
/// </summary>
/// <remarks>
/// A step is <see cref="Evidence"/>, which adds up over any number of places, and then <see cref="Step"/>. On many machines one step a refresh, since each costs a round; in one place as
/// many as pay (<see cref="MetaLearner.Learn"/>). A comparison is the unit of strength: its own stays 1.
/// </remarks>
public static class SpeechFit
{
    /// <summary>The lapses a prior may have; a step goes to a neighbour at most.</summary>
    public static IReadOnlyList<double> Lapses { get; } = [0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2];

    /// <summary>The strengths a kind of feedback may have, likewise; at the lowest it says next to nothing.</summary>
    public static IReadOnlyList<double> Strengths { get; } = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3];

    /// <summary>The shares of users whose trade-off differs by topic, and of those who mind waiting, that a prior may have, likewise.</summary>
    public static IReadOnlyList<double> Shares { get; } = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];

    /// <summary>The widths of topics' offsets, likewise.</summary>
    public static IReadOnlyList<double> TopicWidths { get; } = [0.4, 0.8, 1.2, 1.6, 2];

    /// <summary>The middle prices of a second, likewise.</summary>
    public static IReadOnlyList<double> LatencyPrices { get; } = [0.0025, 0.005, 0.01, 0.02, 0.04, 0.08];

    /// <summary>How much likelier the prior's neighbours make the windows, and how many users' words that rests on.</summary>
    /// <remarks>
    /// Kinds are weighed as if nobody's topics differed or minded waiting; topics as if nobody minded waiting; waiting as if no topics differed. O(windows x signals x 9 x hypotheses).
    /// </remarks>
    /// <returns>Sums over the windows, in the order that <see cref="Step"/> reads: ln P(signals | neighbour), each up to a constant of its kind's own, and users counted.</returns>
    public static double[] Evidence(RoutingPool pool, PopulationPrior prior, IEnumerable<UserState> windows)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(prior);
        ArgumentNullException.ThrowIfNull(windows);
        var neighbours = new SpeechNeighbours(prior);
        var evidence = new double[neighbours.Length];
        foreach (var state in windows)
        {
            neighbours.Add(pool.Context, state.Signals.AsSpan(), evidence);
        }

        return evidence;
    }

    /// <summary>
    /// The prior moved to the likeliest of its neighbours, each kind, topics and waiting by itself, where that is likelier by a nat for each number moved
    /// (fewer users whose topics differ, or who mind waiting: not less likely by as much) and at least <see cref="MetaLearner.SmallestCohort"/> users used the kind, or spoke of topics, or of waiting.
    /// </summary>
    /// <param name="evidence">From <see cref="Evidence"/>, of this very prior, summed over all places.</param>
    /// <exception cref="ArgumentException">It is not: its length differs.</exception>
    public static PopulationPrior Step(PopulationPrior prior, IReadOnlyList<double> evidence)
    {
        ArgumentNullException.ThrowIfNull(prior);
        ArgumentNullException.ThrowIfNull(evidence);
        var neighbours = new SpeechNeighbours(prior);
        if (evidence.Count != neighbours.Length)
        {
            throw new ArgumentException(
                $"There are {evidence.Count} numbers of evidence; this prior has {neighbours.Kinds.Count} neighbours of {SignalSpeech.Kinds} kinds "
                    + $"and {neighbours.Topics.Count} of its topics and {neighbours.Waits.Count} of waiting, {neighbours.Length} numbers in all.",
                nameof(evidence));
        }

        var next = prior;
        foreach (var kind in neighbours.Kinds.Index().GroupBy(n => n.Item.Kind).Where(k => evidence[neighbours.UsersOf(k.Key)] >= MetaLearner.SmallestCohort))
        {
            var now = prior.SpeechOf(kind.Key);
            var best = kind.MaxBy(n => evidence[n.Index] - (n.Item.Speech.Strength != now.Strength ? 1 : 0) - (n.Item.Speech.Lapse != now.Lapse ? 1 : 0));
            next = With(next, kind.Key, best.Item.Speech);
        }

        // Each step up in a share must be worth a nat, whatever is in service: users who do not differ speak against a small share hardly at all.
        static int Rungs(double share) => Shares.Count(s => s < share);

        if (evidence[neighbours.UsersOfTopics] >= MetaLearner.SmallestCohort)
        {
            next = next.With(neighbours.Topics.Index().MaxBy(t => evidence[neighbours.OfTopics + t.Index] - Rungs(t.Item.Share) - (t.Item.Width != prior.Topics.Width ? 1 : 0)).Item);
        }

        if (evidence[neighbours.UsersOfWaiting] >= MetaLearner.SmallestCohort)
        {
            next = next.With(neighbours.Waits.Index().MaxBy(w => evidence[neighbours.OfWaiting + w.Index] - Rungs(w.Item.Spread.Share) - (w.Item.Spread.Price != prior.Latency.Price ? 1 : 0)).Item.Spread);
        }

        return next;
    }

    private static PopulationPrior With(PopulationPrior prior, FeedbackKind kind, SignalSpeech speech) =>
        new(prior.Components, prior.BetaWeights, kind == FeedbackKind.Comparison ? speech.Lapse : prior.Lapse, prior.Speech.SetItem((int)kind, speech), prior.Topics, prior.Latency);
}
