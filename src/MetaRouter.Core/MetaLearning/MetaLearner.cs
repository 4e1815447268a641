using System.Numerics.Tensors;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// Learns the population's prior from users' evidence: EM for a mixture of Gaussians over ln lambda whose members are seen only through likelihoods.
/// </summary>
/// <remarks>
/// E-step: <see cref="Cohort.Expect"/>, each user's posterior on the grid under the current prior; M-step: <see cref="PriorFit"/>. Every user counts once,
/// whatever the number of signals, and can rule out no hypothesis altogether, which bounds what anyone can move.
/// A fit starts from <see cref="PopulationPrior.Default"/>, never from its own last result, whose imaginary users would be given up one by one.
/// How each kind of feedback speaks, its strength and its lapse, and how trade-offs differ by topic have no sufficient statistic: they are chosen on a sample of raw windows, by <see cref="SpeechEvidence"/>.
/// </remarks>
public static class MetaLearner
{
    /// <summary>Below this many users nothing is published: a small cohort would show its members.</summary>
    public const int SmallestCohort = 20;

    /// <summary>What the starting prior weighs.</summary>
    public const double PseudoUsers = 10;

    private const int MostSpeechSteps = 12; // more than any ladder is long from where it starts

    /// <summary>The lapses a prior may have; a step goes to a neighbour at most.</summary>
    public static IReadOnlyList<double> Lapses { get; } = [0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2];

    /// <summary>The strengths a kind of feedback may have, likewise; at the lowest it says next to nothing.</summary>
    public static IReadOnlyList<double> Strengths { get; } = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3];

    /// <summary>The shares of users whose trade-off differs by topic that a prior may have, likewise.</summary>
    public static IReadOnlyList<double> TopicShares { get; } = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];

    /// <summary>The widths of their topics' offsets, likewise.</summary>
    public static IReadOnlyList<double> TopicWidths { get; } = [0.4, 0.8, 1.2, 1.6, 2];

    /// <summary>The shares of users who mind waiting that a prior may have, likewise.</summary>
    public static IReadOnlyList<double> LatencyShares { get; } = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];

    /// <summary>Their middle prices of a second, likewise.</summary>
    public static IReadOnlyList<double> LatencyPrices { get; } = [0.0025, 0.005, 0.01, 0.02, 0.04, 0.08];

    /// <summary>The prior after up to <paramref name="iterations"/> steps; the starting prior itself when fewer than <see cref="SmallestCohort"/> users have spoken.</summary>
    /// <param name="expect">The users' expectation under a prior, such as <see cref="Cohort.Expect"/>.</param>
    public static PopulationPrior Fit(PopulationPrior start, Func<PopulationPrior, Expectation> expect, int iterations = PriorFit.MostSteps)
    {
        ArgumentNullException.ThrowIfNull(expect);
        var fit = new PriorFit(start, iterations);
        while (!fit.IsDone)
        {
            fit.Advance(expect(fit.Prior));
        }

        return fit.Prior;
    }

    /// <summary>
    /// What a refresh in one place learns: the prior of <see cref="Fit"/>, then how kinds speak, how topics differ and how users mind waiting, a step of <see cref="WithSpeech"/> at a time until none is worth it.
    /// It starts from what is guessed, so that it depends on those who are there alone and somebody erased leaves no trace; <see cref="PopulationPrior.Default"/> when fewer than <see cref="SmallestCohort"/> have spoken.
    /// </summary>
    /// <param name="expect">The users' expectation under a prior, such as <see cref="Cohort.Expect"/>.</param>
    /// <param name="windows">A sample of their windows.</param>
    public static PopulationPrior Learn(RoutingPool pool, Func<PopulationPrior, Expectation> expect, IReadOnlyCollection<UserState> windows)
    {
        var prior = Fit(PopulationPrior.Default, expect);
        for (var step = 0; step < MostSpeechSteps && !ReferenceEquals(prior, PopulationPrior.Default); step++)
        {
            var next = WithSpeech(prior, SpeechEvidence(pool, prior, windows));
            if (next.IsHeardAs(prior))
            {
                break;
            }

            prior = next;
        }

        return prior;
    }

    /// <summary>What <see cref="SpeechEvidence"/> weighs: each kind that speaks, a step up, down or none in strength and in lapse. A comparison is the unit: its strength stays.</summary>
    public static IReadOnlyList<(FeedbackKind Kind, SignalSpeech Speech)> Neighbours(PopulationPrior prior)
    {
        ArgumentNullException.ThrowIfNull(prior);
        return [.. Enumerable.Range(0, SignalSpeech.Kinds).Where(k => prior.Speech[k].Strength > 0).SelectMany(k =>
            from strength in k == (int)FeedbackKind.Comparison ? [1] : Near(Strengths, prior.Speech[k].Strength)
            from lapse in Near(Lapses, prior.Speech[k].Lapse)
            select ((FeedbackKind)k, new SignalSpeech(strength, lapse)))];
    }

    /// <summary>What <see cref="SpeechEvidence"/> weighs beside: a step up, down or none in how many users' topics differ, and how far. A prior under which none differ stays so.</summary>
    public static IReadOnlyList<TopicSpread> TopicNeighbours(PopulationPrior prior)
    {
        ArgumentNullException.ThrowIfNull(prior);
        return prior.Topics.IsNone ? [prior.Topics] : [.. from share in Near(TopicShares, prior.Topics.Share) from width in Near(TopicWidths, prior.Topics.Width) select new TopicSpread(share, width)];
    }

    /// <summary>And of how many mind waiting, and how much. A prior under which nobody does stays so.</summary>
    public static IReadOnlyList<LatencySpread> LatencyNeighbours(PopulationPrior prior)
    {
        ArgumentNullException.ThrowIfNull(prior);
        return prior.Latency.IsNone ? [prior.Latency] : [.. from share in Near(LatencyShares, prior.Latency.Share) from price in Near(LatencyPrices, prior.Latency.Price) select new LatencySpread(share, price)];
    }

    /// <summary>
    /// Of each of <see cref="Neighbours"/>, the sum over the windows of ln P(signals | prior with that kind so), each up to a constant of the kind's own; then of each
    /// kind the users who used it and compared as well; then the same of <see cref="TopicNeighbours"/>, and the users who spoke of two topics or more; then the same of <see cref="LatencyNeighbours"/>, and the users who set a faster answer against a slower one. Kinds are weighed as if nobody's topics differed or minded waiting, the latter as if no topics differed. Adds up over any number of places. O(windows x signals x 9 x hypotheses).
    /// </summary>
    public static double[] SpeechEvidence(RoutingPool pool, PopulationPrior prior, IEnumerable<UserState> windows)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(windows);
        var neighbours = Neighbours(prior);
        var candidates = neighbours.Select(n => With(prior, n.Kind, n.Speech)).ToArray();
        var spreads = TopicNeighbours(prior);
        var serving = prior;
        var waits = LatencyNeighbours(prior).Select(LatencyBelief.Of).ToArray();
        prior = prior.With(TopicSpread.None).With(LatencySpread.None);
        var evidence = new double[neighbours.Count + SignalSpeech.Kinds + spreads.Count + 1 + waits.Length + 1];
        var ofTopics = neighbours.Count + SignalSpeech.Kinds + spreads.Count;
        var byPrice = new double[LatencyBelief.Prices.Length];
        Span<float> all = stackalloc float[ChoiceModel.Hypotheses];
        Span<float> others = stackalloc float[ChoiceModel.Hypotheses];
        Span<float> log = stackalloc float[ChoiceModel.Hypotheses];
        foreach (var state in windows)
        {
            var signals = state.Signals.AsSpan();
            prior.LogWeights.CopyTo(all);
            WindowLikelihood.Add(prior, pool.Context, signals, all);
            var (kind, spoke, compared) = (-1, false, false);
            for (var i = 0; i < neighbours.Count; i++)
            {
                if ((int)neighbours[i].Kind != kind)
                {
                    kind = (int)neighbours[i].Kind;
                    log.Clear();
                    spoke = WindowLikelihood.Add(prior, pool.Context, signals, log, neighbours[i].Kind) > 0;
                    compared |= spoke && neighbours[i].Kind == FeedbackKind.Comparison;
                    spoke &= compared; // strengths are multiples of a comparison's: from users who never compare they cannot be told from how sharply those judge
                    TensorPrimitives.Subtract(all, log, others);
                    evidence[neighbours.Count + kind] += spoke ? 1 : 0;
                }

                if (spoke)
                {
                    others.CopyTo(log);
                    WindowLikelihood.Add(candidates[i], pool.Context, signals, log, neighbours[i].Kind);
                    evidence[i] += WindowLikelihood.LogSum(log);
                }
            }

            if (TopicOffsets.Of(serving, pool.Context, signals) is { Topics: > 1 } offsets)
            {
                for (var s = 0; s < spreads.Count; s++)
                {
                    prior.LogWeights.CopyTo(log);
                    offsets.With(spreads[s]).AddTo(log);
                    evidence[neighbours.Count + SignalSpeech.Kinds + s] += WindowLikelihood.LogSum(log);
                }

                evidence[ofTopics]++;
            }

            if (WindowLikelihood.SpeaksOfWaiting(serving, signals))
            {
                for (var g = 0; g < byPrice.Length; g++)
                {
                    prior.LogWeights.CopyTo(log);
                    WindowLikelihood.AddAt(prior, pool.Context with { SecondPrice = LatencyBelief.Prices[g] }, signals, log);
                    byPrice[g] = WindowLikelihood.LogSum(log);
                }

                for (var w = 0; w < waits.Length; w++)
                {
                    evidence[ofTopics + 1 + w] += waits[w].LogEvidence(byPrice);
                }

                evidence[^1]++;
            }
        }

        return evidence;
    }

    /// <summary>
    /// The prior with how trade-offs differ by topic, how users mind waiting, and each kind's speech, moved to the likeliest of its neighbours, where that is likelier by a nat for each number moved
    /// (fewer users whose topics differ, or who mind waiting: not less likely by as much) and at least <see cref="SmallestCohort"/> users used the kind, or spoke of topics, or of waiting.
    /// On many machines one step a refresh, since each costs a round; in one place as many as pay (<see cref="Learn"/>).
    /// </summary>
    /// <param name="evidence">From <see cref="SpeechEvidence"/>, of this very prior, summed over all places.</param>
    /// <exception cref="ArgumentException">It is not: its length differs.</exception>
    public static PopulationPrior WithSpeech(PopulationPrior prior, IReadOnlyList<double> evidence)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        var neighbours = Neighbours(prior);
        var spreads = TopicNeighbours(prior);
        var waits = LatencyNeighbours(prior);
        var ofTopics = neighbours.Count + SignalSpeech.Kinds + spreads.Count;
        if (evidence.Count != ofTopics + 1 + waits.Count + 1)
        {
            throw new ArgumentException($"There are {evidence.Count} numbers of evidence; this prior has {neighbours.Count} neighbours of {SignalSpeech.Kinds} kinds and {spreads.Count} of its topics and {waits.Count} of waiting.", nameof(evidence));
        }

        var next = prior;
        foreach (var kind in neighbours.Select((n, i) => (n.Kind, n.Speech, Evidence: evidence[i])).GroupBy(n => n.Kind))
        {
            var now = prior.SpeechOf(kind.Key);
            double Worth((FeedbackKind Kind, SignalSpeech Speech, double Evidence) n) => n.Evidence - (n.Speech.Strength != now.Strength ? 1 : 0) - (n.Speech.Lapse != now.Lapse ? 1 : 0);
            next = evidence[neighbours.Count + (int)kind.Key] >= SmallestCohort ? With(next, kind.Key, kind.MaxBy(Worth).Speech) : next;
        }

        if (evidence[ofTopics] >= SmallestCohort)
        {
            // Each step up in the share must be worth a nat, whatever is in service: users who do not differ speak against a small share hardly at all.
            double Worth(int i) => evidence[neighbours.Count + SignalSpeech.Kinds + i] - TopicShares.Count(s => s < spreads[i].Share) - (spreads[i].Width != prior.Topics.Width ? 1 : 0);
            next = next.With(spreads[Enumerable.Range(0, spreads.Count).MaxBy(Worth)]);
        }

        if (evidence[^1] >= SmallestCohort)
        {
            double Worth(int i) => evidence[ofTopics + 1 + i] - LatencyShares.Count(s => s < waits[i].Share) - (waits[i].Price != prior.Latency.Price ? 1 : 0);
            next = next.With(waits[Enumerable.Range(0, waits.Count).MaxBy(Worth)]);
        }

        return next;
    }

    private static PopulationPrior With(PopulationPrior prior, FeedbackKind kind, SignalSpeech speech) =>
        new(prior.Components, prior.BetaWeights, kind == FeedbackKind.Comparison ? speech.Lapse : prior.Lapse, prior.Speech.SetItem((int)kind, speech), prior.Topics, prior.Latency);

    /// <summary>The value itself, and the ones below and above it in a ladder.</summary>
    private static IEnumerable<double> Near(IReadOnlyList<double> ladder, double value)
    {
        var at = Enumerable.Range(0, ladder.Count).MinBy(i => Math.Abs(ladder[i] - value));
        return [value, .. ladder.Skip(at - 1).Take(at == 0 ? 2 : 3).Where(v => v != value)];
    }
}
