using System.Numerics.Tensors;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>One split, one direction: every user's acts after every number of comparisons, and what each act realised on each scoring row.</summary>
internal sealed class PreferenceRun
{
    public const int MetaRouter = 0, OutcomesSeen = 1, Static = 2, Known = 3, BestSingle = 4, Random = 5, Oracle = 6;

    private readonly double[] _lambda = new double[P3.Users];
    private readonly TopicDial[][][] _act = [new TopicDial[P3.Users][], new TopicDial[P3.Users][]]; // router x user x reported
    private readonly byte[] _topic; // by scoring row: its place in _topics
    private readonly byte[] _topics;
    private readonly (float[] Quality, float[] Cost)[] _dial;
    private readonly (float[] Quality, float[] Cost)[] _known = new (float[], float[])[P3.Users];
    private readonly (float[] Quality, float[] Cost)[] _oracle = new (float[], float[])[P3.Users];
    private (float[] Quality, float[] Cost)[] _single = [];
    private readonly (int Requests, double Lost)[] _taught = new (int, double)[P3.Users];
    private readonly bool[][][]? _inside; // router x user x reported: whether lambda lies in the believed 90 % interval
    private int _static, _bestSingle;

    private PreferenceRun((float[] Quality, float[] Cost)[] dial, int[] scored, byte[] topicOfRow, bool believesLambda)
    {
        (_dial, Scored, _topics) = (dial, scored, [.. topicOfRow.Distinct().Order()]);
        _inside = believesLambda ? [new bool[P3.Users][], new bool[P3.Users][]] : null;
        _topic = [.. topicOfRow.Select(t => (byte)_topics.IndexOf(t))];
    }

    /// <summary>
    /// Of all users together: the requests on which signals were given or waited for, and the utility given up on them against serving the best of the belief: to exploring, or to second
    /// answers.
    /// </summary>
    public (long Requests, double Lost) Taught => (_taught.Sum(e => (long)e.Requests), _taught.Sum(e => e.Lost));

    /// <summary>The scoring rows, as numbers of the pool's table.</summary>
    public int[] Scored { get; }

    /// <summary>How many users' lambda lay in the believed 90 % interval; null: nothing is believed of one lambda.</summary>
    /// <param name="reported">Index of the reported number of signals.</param>
    public int? Covered(int router, int reported) => _inside?.ElementAtOrDefault(router)?.Count(u => u[reported]);

    /// <summary>All routers: the yardsticks, and every user's story with ours.</summary>
    public static PreferenceRun Of(PreferenceSplit split, PreferenceVariant variant, int half, int seed, CancellationToken cancellationToken)
    {
        var (run, world, users) = Begin(split, variant, half, seed, cancellationToken);
        var prior = variant.Teachers > 0 ? TaughtPrior(world, half, seed, cancellationToken) : split.Pool.Snapshot.Prior;
        Parallel.For(0, P3.Users, new ParallelOptions { CancellationToken = cancellationToken }, u =>
        {
            for (var router = 0; router < 2; router++)
            {
                var random = new System.Random((seed * 1_000_003) + (half * 500_009) + u);
                if (!variant.Thumbs)
                {
                    var story = Live(world, half, users[u], prior, router == OutcomesSeen, random);
                    run._act[router][u] = story.Acts;
                    run._inside?[router][u] = story.Inside;
                    run._taught[u] = router == MetaRouter ? (P3.Comparisons, story.Lost) : run._taught[u];
                    continue;
                }

                (run._act[router][u], var requests, var lost) = ThumbLife.Live(world, half, users[u], router == OutcomesSeen, prior, random);
                run._taught[u] = router == MetaRouter ? (requests, lost) : run._taught[u];
            }
        });
        return run;
    }

    /// <summary>What needs no learning: static, known, the best single model, chance and the oracle.</summary>
    public static PreferenceRun Yardsticks(PreferenceSplit split, int half, int seed, CancellationToken cancellationToken) => Begin(split, PreferenceVariant.Plain, half, seed, cancellationToken).Run;

    private static (PreferenceRun Run, UserWorld World, SimulatedUser[] Users) Begin(PreferenceSplit split, PreferenceVariant variant, int half, int seed, CancellationToken cancellationToken)
    {
        var (scoring, world) = (1 - half, new UserWorld(split, variant));
        var run = new PreferenceRun(
            [.. PreferenceGrid.Lambda.ToArray().Select(l => world.Realise(scoring, row => split.Argmax(row, l)))],
            split.PoolRows(scoring),
            [.. split.Half(scoring).ToArray().Select(split.Topic)],
            variant.HasPlainCost && !variant.Thumbs);
        SimulatedUser[] users = [.. Draw(seed).Select((u, i) => variant.Of(u, i))];
        double[] lambdas = [.. users.Select(u => u.Lambda)];
        var aside = variant.HasPlainCost ? [] : world.Dial(half);
        run._static = world.StaticPosition(lambdas, aside);
        run._bestSingle = split.BestSingle(lambdas);
        run._single = [.. Enumerable.Range(0, split.Models).Select(k => world.Realise(scoring, _ => k))];
        Parallel.For(0, P3.Users, new ParallelOptions { CancellationToken = cancellationToken }, u =>
        {
            run._lambda[u] = users[u].Lambda;
            run._known[u] = world.Realise(scoring, world.Known(users[u].Lambda, half, aside));
            run._oracle[u] = world.Realise(scoring, row => world.Oracle(row, users[u].Lambda));
        });
        return (run, world, users);
    }

    /// <summary>The users of a split: the same for every learner.</summary>
    public static SimulatedUser[] Draw(int seed)
    {
        var random = new System.Random((seed * 7919) + 31);
        return [.. Enumerable.Range(0, P3.Users).Select(_ => SimulatedUser.Draw(random))];
    }

    /// <summary>The prior that others teach, each by a story of their own under the one that ships.</summary>
    private static PopulationPrior TaughtPrior(UserWorld world, int half, int seed, CancellationToken cancellationToken)
    {
        var random = new System.Random((seed * 7919) + 97);
        SimulatedUser[] teachers = [.. Enumerable.Range(0, world.Variant.Teachers).Select(i => world.Variant.Of(SimulatedUser.Draw(random), i))];
        var states = new UserState[teachers.Length];
        Parallel.For(0, teachers.Length, new ParallelOptions { CancellationToken = cancellationToken }, u =>
            states[u] = Live(world, half, teachers[u], world.Split.Pool.Snapshot.Prior, outcomesSeen: false, new System.Random((seed * 3_000_017) + (half * 700_001) + u)).State);
        return TaughtBy.Prior(world.Split.Pool, states);
    }

    /// <summary>One user's story.</summary>
    /// <param name="Acts">The dial position served after each reported number of comparisons.</param>
    /// <param name="Inside">Whether lambda lay in the believed 90 % interval then.</param>
    /// <param name="State">What was said in the end.</param>
    /// <param name="Lost">Utility given up to comparing: both answers are paid for and the preferred one is used, where the best of the belief would have been served.</param>
    private readonly record struct Story(TopicDial[] Acts, bool[] Inside, UserState State, double Lost);

    private static Story Live(UserWorld world, int half, SimulatedUser user, PopulationPrior prior, bool outcomesSeen, System.Random random)
    {
        var (split, pool) = (world.Split, world.Split.Pool);
        var rows = split.Half(half);
        var context = outcomesSeen ? pool.Context with { CostSpread = 0 } : pool.Context;
        var state = UserState.Empty;
        var (acts, inside, lost) = (new TopicDial[P3.Reported.Count], new bool[P3.Reported.Count], 0.0);
        for (var (n, reported) = (0, 0); ; n++)
        {
            var belief = PreferenceBelief.From(prior, context, state.Signals.AsSpan());
            var act = new TopicDial(belief, pool.Values);
            if (n == P3.Reported[reported])
            {
                (acts[reported], inside[reported]) = (act, user.Lambda >= belief.Quantile(.05) && user.Lambda <= belief.Quantile(.95));
                if (++reported == acts.Length)
                {
                    return new Story(acts, inside, state, lost);
                }
            }

            var selectors = new Dictionary<byte, ComparisonSelector>();
            var (row, pair) = (-1, default(ComparisonChoice));
            for (var look = 0; look < P3.Looked; look++)
            {
                var candidate = rows[random.Next(rows.Length)];
                if (!selectors.TryGetValue(split.Topic(candidate), out var selector))
                {
                    selectors.Add(split.Topic(candidate), selector = new ComparisonSelector(belief.On(split.Topic(candidate)), pool));
                }

                if (selector.Select(split.Predicted(candidate)) is { } choice && (row < 0 || choice.Score > pair.Score))
                {
                    (row, pair) = (candidate, choice);
                }
            }

            var (first, second) = (split.Realised(row, pair.First), split.Realised(row, pair.Second));
            var prefersFirst = world.PrefersFirst(row, first, second, user, random);
            var served = split.Realised(row, split.Argmax(row, PreferenceGrid.Lambda[act.On(split.Topic(row)).Position]));
            lost += world.Worth(row, served, user.Lambda) - world.WorthOfBoth(row, prefersFirst ? first : second, prefersFirst ? second : first, user.Lambda);
            var (shownFirst, shownSecond) = outcomesSeen ? (first, second) : (split.Predicted(row)[pair.First], split.Predicted(row)[pair.Second]);
            state = state.Add(SimulatedSignal.Of(FeedbackKind.Comparison, n, prefersFirst, shownFirst, shownSecond, split.Topic(row)));
        }
    }

    /// <summary>This run as a replicate drew it: each row and user as often as the counts say, which of rows have a mean of 1; null: once.</summary>
    public Resampled Resample((float[] Rows, float[] Users)? counts) => new(this, counts?.Rows, counts?.Users);

    /// <summary>Means over rows, taken once for all routers and numbers of comparisons.</summary>
    internal sealed class Resampled(PreferenceRun run, float[]? rowCounts, float[]? userCounts)
    {
        private readonly (double Quality, double Cost)[] _dial = [.. run._dial.Select(d => Mean(d, rowCounts))];
        private readonly (double Quality, double Cost)[][] _byTopic = [.. run._dial.Select(d => run.ByTopic(d, rowCounts))];
        private readonly (double Quality, double Cost)[] _single = [.. run._single.Select(d => Mean(d, rowCounts))];
        private readonly (double Quality, double Cost)[] _known = [.. run._known.Select(d => Mean(d, rowCounts))];
        private readonly (double Quality, double Cost)[] _oracle = [.. run._oracle.Select(d => Mean(d, rowCounts))];

        /// <summary>Of all users.</summary>
        /// <param name="reported">Index of the reported number of signals.</param>
        public Earnings Total(int router, int reported)
        {
            var random = (Quality: _single.Average(s => s.Quality), Cost: _single.Average(s => s.Cost));
            var total = default(Earnings);
            for (var u = 0; u < P3.Users; u++)
            {
                var served = router switch
                {
                    Static => _dial[run._static],
                    Known => _known[u],
                    BestSingle => _single[run._bestSingle],
                    Random => random,
                    Oracle => _oracle[u],
                    _ => Served(run._act[router][u][reported]),
                };
                total += Earnings.Of(served, _dial[run._static], _known[u], run._lambda[u], userCounts?[u] ?? 1);
            }

            return total;
        }

        private (double Quality, double Cost) Served(TopicDial act)
        {
            if (act.IsOne)
            {
                return _dial[act.Own.Position];
            }

            var (quality, cost) = (0.0, 0.0);
            for (var t = 0; t < run._topics.Length; t++)
            {
                var (q, c) = _byTopic[act.On(run._topics[t]).Position][t];
                (quality, cost) = (quality + q, cost + c);
            }

            return (quality, cost);
        }
    }

    /// <summary>What each topic's rows add to the mean.</summary>
    private (double Quality, double Cost)[] ByTopic((float[] Quality, float[] Cost) byRow, float[]? counts)
    {
        var sums = new (double Quality, double Cost)[_topics.Length];
        for (var i = 0; i < _topic.Length; i++)
        {
            double times = counts?[i] ?? 1;
            ref var sum = ref sums[_topic[i]];
            sum = (sum.Quality + (times * byRow.Quality[i] / _topic.Length), sum.Cost + (times * byRow.Cost[i] / _topic.Length));
        }

        return sums;
    }

    private static (double Quality, double Cost) Mean((float[] Quality, float[] Cost) byRow, float[]? counts) => (Mean(byRow.Quality, counts), Mean(byRow.Cost, counts));

    /// <param name="counts">How often each row counts; null: once.</param>
    internal static double Mean(float[] byRow, float[]? counts) => (counts is null ? TensorPrimitives.Sum<float>(byRow) : TensorPrimitives.Dot<float>(byRow, counts)) / byRow.Length;
}
