using System.Numerics.Tensors;
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
        var neighbours = new Neighbours(prior);
        var evidence = new double[neighbours.Length];
        foreach (var state in windows)
        {
            var signals = state.Signals.AsSpan();
            neighbours.AddKinds(pool.Context, signals, evidence);
            neighbours.AddTopics(pool.Context, signals, evidence);
            neighbours.AddWaiting(pool.Context, signals, evidence);
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
        var neighbours = new Neighbours(prior);
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

    /// <summary>The value itself, and the ones below and above it in a ladder.</summary>
    private static IEnumerable<double> Near(IReadOnlyList<double> ladder, double value)
    {
        var at = Enumerable.Range(0, ladder.Count).MinBy(i => Math.Abs(ladder[i] - value));
        return [value, .. ladder.Skip(at - 1).Take(at == 0 ? 2 : 3).Where(v => v != value)];
    }

    /// <param name="Speech">How the kind speaks, a step away from now.</param>
    /// <param name="Prior">The prior with that.</param>
    private readonly record struct KindNeighbour(FeedbackKind Kind, SignalSpeech Speech, PopulationPrior Prior);

    /// <param name="Spread">How users mind waiting, a step away from now.</param>
    /// <param name="Belief">What that says of a user who said nothing of it.</param>
    private readonly record struct WaitNeighbour(LatencySpread Spread, LatencyBelief Belief);

    /// <summary>The priors a step away from one, the prior itself among them, and where the evidence for each stands in one row of numbers, which is how it travels.</summary>
    private sealed class Neighbours
    {
        private readonly PopulationPrior _prior, _plain; // as served, and where nobody's topics differ and nobody minds waiting

        public Neighbours(PopulationPrior prior)
        {
            (_prior, _plain) = (prior, prior.With(TopicSpread.None).With(LatencySpread.None));
            Kinds = [.. Enumerable.Range(0, SignalSpeech.Kinds).Where(k => prior.Speech[k].Strength > 0).SelectMany(k =>
                from strength in k == (int)FeedbackKind.Comparison ? [1] : Near(Strengths, prior.Speech[k].Strength)
                from lapse in Near(Lapses, prior.Speech[k].Lapse)
                let speech = new SignalSpeech(strength, lapse)
                select new KindNeighbour((FeedbackKind)k, speech, With(prior, (FeedbackKind)k, speech)))];
            Topics = prior.Topics.IsNone
                ? [prior.Topics]
                : [.. from share in Near(Shares, prior.Topics.Share) from width in Near(TopicWidths, prior.Topics.Width) select new TopicSpread(share, width)];
            LatencySpread[] waits = prior.Latency.IsNone
                ? [prior.Latency]
                : [.. from share in Near(Shares, prior.Latency.Share) from price in Near(LatencyPrices, prior.Latency.Price) select new LatencySpread(share, price)];
            Waits = [.. waits.Select(w => new WaitNeighbour(w, LatencyBelief.Of(w)))];
        }

        /// <summary>Each kind that speaks, a step up, down or none in strength and in lapse; a kind's together.</summary>
        public IReadOnlyList<KindNeighbour> Kinds { get; }

        /// <summary>A step in how many users' topics differ, and how far. A prior under which none differ stays so.</summary>
        public IReadOnlyList<TopicSpread> Topics { get; }

        /// <summary>A step in how many mind waiting, and how much. A prior under which nobody does stays so.</summary>
        public IReadOnlyList<WaitNeighbour> Waits { get; }

        /// <summary>Where <see cref="Topics"/> begin; before them <see cref="Kinds"/>, then the users of each kind.</summary>
        public int OfTopics => Kinds.Count + SignalSpeech.Kinds;

        /// <summary>Users who spoke of two topics or more.</summary>
        public int UsersOfTopics => OfTopics + Topics.Count;

        /// <summary>Where <see cref="Waits"/> begin.</summary>
        public int OfWaiting => UsersOfTopics + 1;

        /// <summary>Users who set a faster answer against a slower one.</summary>
        public int UsersOfWaiting => OfWaiting + Waits.Count;

        public int Length => UsersOfWaiting + 1;

        /// <summary>Users who used the kind and compared as well: strengths are multiples of a comparison's, and of users who never compare they cannot be told from how sharply those judge.</summary>
        public int UsersOf(FeedbackKind kind) => Kinds.Count + (int)kind;

        public void AddKinds(in ChoiceContext context, ReadOnlySpan<Signal> signals, double[] evidence)
        {
            Span<float> all = stackalloc float[ChoiceModel.Hypotheses];
            Span<float> others = stackalloc float[ChoiceModel.Hypotheses];
            Span<float> log = stackalloc float[ChoiceModel.Hypotheses];
            _plain.LogWeights.CopyTo(all);
            WindowLikelihood.Add(_plain, context, signals, all);
            var (kind, spoke, compared) = (-1, false, false);
            for (var i = 0; i < Kinds.Count; i++)
            {
                if ((int)Kinds[i].Kind != kind)
                {
                    kind = (int)Kinds[i].Kind;
                    log.Clear();
                    spoke = WindowLikelihood.Add(_plain, context, signals, log, Kinds[i].Kind) > 0;
                    compared |= spoke && Kinds[i].Kind == FeedbackKind.Comparison;
                    spoke &= compared;
                    TensorPrimitives.Subtract(all, log, others);
                    evidence[UsersOf(Kinds[i].Kind)] += spoke ? 1 : 0;
                }

                if (spoke)
                {
                    others.CopyTo(log);
                    WindowLikelihood.Add(Kinds[i].Prior, context, signals, log, Kinds[i].Kind);
                    evidence[i] += WindowLikelihood.LogSum(log);
                }
            }
        }

        public void AddTopics(in ChoiceContext context, ReadOnlySpan<Signal> signals, double[] evidence)
        {
            if (TopicEvidence.Of(_prior, context, signals) is not { Topics.Count: > 1 } spoken)
            {
                return;
            }

            Span<float> log = stackalloc float[ChoiceModel.Hypotheses];
            for (var t = 0; t < Topics.Count; t++)
            {
                _plain.LogWeights.CopyTo(log);
                new TopicOffsets(spoken, Topics[t]).AddTo(log);
                evidence[OfTopics + t] += WindowLikelihood.LogSum(log);
            }

            evidence[UsersOfTopics]++;
        }

        public void AddWaiting(in ChoiceContext context, ReadOnlySpan<Signal> signals, double[] evidence)
        {
            if (!WindowLikelihood.SpeaksOfWaiting(_prior, signals))
            {
                return;
            }

            Span<float> log = stackalloc float[ChoiceModel.Hypotheses];
            Span<double> byPrice = stackalloc double[LatencyBelief.Prices.Length];
            for (var g = 0; g < byPrice.Length; g++)
            {
                _plain.LogWeights.CopyTo(log);
                WindowLikelihood.AddAt(_plain, context with { SecondPrice = LatencyBelief.Prices[g] }, signals, log);
                byPrice[g] = WindowLikelihood.LogSum(log);
            }

            for (var w = 0; w < Waits.Count; w++)
            {
                evidence[OfWaiting + w] += Waits[w].Belief.LogEvidence(byPrice);
            }

            evidence[UsersOfWaiting]++;
        }
    }
}
