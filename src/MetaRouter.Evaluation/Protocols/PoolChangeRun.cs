using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// P3 where the pool changes under its users: ten comparisons before, ten after, one split and direction. Costs weigh as before the change, in the same
/// dollars, whatever happens to the pool's dearest model. What was realised is kept by row, so that rows can be resampled.
/// </summary>
internal sealed class PoolChangeRun
{
    public const int ChangedAfter = 10;

    public static IReadOnlyList<int> Reported { get; } = [ChangedAfter, 12, 15, 20];

    /// <summary>In the order of the table; the last two are the yardsticks 0 and 1.</summary>
    public static IReadOnlyList<string> Routers { get; } =
    [
        "metarouter",
        "metarouter, 20 graded answers",
        "retrained in full",
        "retrained, users forgotten",
        "newcomer left out",
        "best-single",
        "random",
        "oracle",
        "static",
        "known",
    ];

    private const int Learners = 5, Forgotten = 3;

    private readonly List<(float[] Quality, float[] Cost)> _realised = [];
    private readonly int[][][] _served; // router x user x reported: which of the realised
    private readonly double[] _lambda;

    private PoolChangeRun(double[] lambda, int[] scored)
    {
        (_lambda, Scored) = (lambda, scored);
        _served = [.. Routers.Select(_ => lambda.Select(_ => new int[Reported.Count]).ToArray())];
    }

    /// <summary>The scoring rows, as numbers of the pool's table.</summary>
    public int[] Scored { get; }

    /// <summary>Both directions of a split.</summary>
    public static PoolChangeRun[] Of(OutcomeTable table, int seed, CancellationToken cancellationToken)
    {
        var (trainRows, testRows) = Split.Halves(table.Ids, seed);
        var (train, test) = (table.Take(trainRows), table.Take(testRows));
        var change = PoolChange.Of(train);
        var (models, priced) = (table.ModelCount, change.Reprices(test));
        var before = RoutingPool.OfSnapshot(Train(OutcomeTables.Of(train, change.Before(models)), seed, cancellationToken));
        var retrained = RoutingPool.OfSnapshot(Train(OutcomeTables.Of(change.Reprices(train), change.After(models)), seed, cancellationToken));
        var after = change.Catalog(before.Catalog, train);
        var without = new RoutingPool(before.Snapshot, new([.. after.Models.SkipLast(1)]));
        var listed = new RoutingPool(before.Snapshot, after);
        var graded = new RoutingPool(change.Grade(before.Snapshot, train, seed), after);
        RoutingPool[] pools = [listed, graded, retrained, retrained, without];
        var (first, second) = Split.Halves(test.Ids, seed + 1000);
        var world = new World(
            before, testRows,
            OutcomeTables.Of(test, change.Before(models)),
            OutcomeTables.Of(priced, change.After(models)),
            OutcomeTables.Of(change.Reprices(train), change.After(models)));
        var predicted = pools.Select(p => Predict(p, test)).ToArray();
        var halves = new[] { (Interact: first, Score: second), (Interact: second, Score: first) };
        return [.. halves.Select((h, half) =>
            Live(world, pools, predicted, Predict(before, test).Predicted, h.Interact, h.Score, half, seed, cancellationToken))];
    }

    /// <summary>Of all users, of each router at each reported number.</summary>
    /// <param name="counts">How often a replicate drew each row and user; null: once.</param>
    public Earnings[] Totals((float[] Rows, float[] Users)? counts)
    {
        var means = _realised.Select(r => (Quality: PreferenceRun.Mean(r.Quality, counts?.Rows), Cost: PreferenceRun.Mean(r.Cost, counts?.Rows))).ToArray();
        var totals = new Earnings[Routers.Count * Reported.Count];
        for (var i = 0; i < totals.Length; i++)
        {
            for (var u = 0; u < _lambda.Length; u++)
            {
                totals[i] += Earnings.Of(Of(i / Reported.Count), Of(Routers.Count - 2), Of(Routers.Count - 1), _lambda[u], counts?.Users[u] ?? 1);

                (double Quality, double Cost) Of(int router) => means[_served[router][u][i % Reported.Count]];
            }
        }

        return totals;
    }

    /// <param name="PoolRows">The test half, as numbers of the pool's table.</param>
    /// <param name="Before">The test half over the old pool.</param>
    /// <param name="After">The test half over the new one, at its prices.</param>
    /// <param name="Train">The training half likewise.</param>
    private sealed record World(RoutingPool Pool, int[] PoolRows, OutcomeTable Before, OutcomeTable After, OutcomeTable Train)
    {
        public double Tau => Pool.CostScaleUsd;
    }

    private static Snapshot Train(OutcomeTable table, int seed, CancellationToken cancellationToken) =>
        SnapshotCodec.Read(SnapshotCodec.Write(SnapshotTrainer.Train(table, new TrainingOptions { Seed = seed + 1 }, null, cancellationToken)));

    /// <returns>What is predicted, and with the quality that the choice of who answers counts.</returns>
    private static (Outcome[] Predicted, Outcome[] Counted) Predict(RoutingPool pool, OutcomeTable test)
    {
        var predictions = MetaRouterModel.Predict(pool, test);
        Outcome[] Of(float[] quality) => [.. quality.Zip(predictions.CostUsd, (q, c) => new Outcome(q, (float)c, 0))];
        return (Of(predictions.Quality), Of(predictions.Counted));
    }

    private static PoolChangeRun Live(
        World world,
        RoutingPool[] pools,
        (Outcome[] Predicted, Outcome[] Counted)[] predicted,
        Outcome[] predictedBefore,
        int[] interact,
        int[] score,
        int half,
        int seed,
        CancellationToken cancellationToken)
    {
        var users = PreferenceRun.Draw(seed);
        var run = new PoolChangeRun([.. users.Select(u => u.Lambda)], [.. score.Select(row => world.PoolRows[row])]);
        var dial = pools.Select((p, i) => run.Dial(world, p, predicted[i].Counted, score)).ToArray();
        var single = Enumerable.Range(0, world.After.ModelCount).Select(k => run.Add(world, score, _ => k)).ToArray();
        run._realised.Add((
            [.. score.Select(r => Enumerable.Range(0, single.Length).Average(k => world.After.Score[(r * single.Length) + k]))],
            [.. score.Select(r => (float)(Enumerable.Range(0, single.Length).Average(k => world.After.CostUsd[(r * single.Length) + k]) / world.Tau))]));
        var random = run._realised.Count - 1;

        // For everybody the sum of (q - lambda c / tau) / (1 + lambda) is ruled by one trade-off.
        var everybody = users.Sum(u => u.Lambda / (1 + u.Lambda)) / users.Sum(u => 1 / (1 + u.Lambda));
        var retrained = pools[Forgotten];
        var scale = retrained.CostScaleUsd / world.Tau;
        var (best, position) = (BestSingle(world, everybody), retrained.Values.Best(Share(everybody * scale)));
        var known = users.Select(u => run.Add(world, score, row => Argmax(predicted[Forgotten].Counted, retrained, row, KnownUser.Lambda(retrained.Values, u.Lambda * scale)))).ToArray();
        var oracle = users.Select(u => run.Add(world, score, row => Oracle(world, row, u.Lambda))).ToArray();
        Parallel.For(0, users.Length, new ParallelOptions { CancellationToken = cancellationToken }, u =>
        {
            var chance = new Random((seed * 1_000_003) + (half * 500_009) + u);
            var met = Compare(world.Before, world.Pool, predictedBefore, world.Tau, UserState.Empty, users[u], interact, 0, ChangedAfter, chance);
            var draw = chance.Next();
            for (var learner = 0; learner < Learners; learner++)
            {
                var (state, next) = (learner == Forgotten ? UserState.Empty : met, new Random(draw));
                for (var t = 0; t < Reported.Count; t++)
                {
                    state = Compare(world.After, pools[learner], predicted[learner].Predicted, world.Tau, state, users[u], interact, t == 0 ? ChangedAfter : Reported[t - 1], Reported[t], next);
                    run._served[learner][u][t] = dial[learner]
                        + pools[learner].Values.Best(PreferenceBelief.From(pools[learner].Snapshot.Prior, pools[learner].Context, state.Signals.AsSpan()).CostShare);
                }
            }

            int[] fixedActs = [single[best], random, oracle[u], dial[Forgotten] + position, known[u]];
            for (var r = Learners; r < Routers.Count; r++)
            {
                run._served[r][u].AsSpan().Fill(fixedActs[r - Learners]);
            }
        });
        return run;
    }

    /// <summary>Comparisons <paramref name="from"/> to <paramref name="to"/> of a user, each the best of the requests looked at.</summary>
    private static UserState Compare(OutcomeTable table, RoutingPool pool, Outcome[] predicted, double tau, UserState state, SimulatedUser user, int[] rows, int from, int to, Random random)
    {
        // The catalog leads: a pool without the newcomer has fewer models than the table has columns, the same ones first.
        var models = pool.Catalog.Count;
        for (var n = from; n < to; n++)
        {
            var selector = new ComparisonSelector(PreferenceBelief.From(pool.Snapshot.Prior, pool.Context, state.Signals.AsSpan()), pool);
            var (row, pair) = (-1, default(ComparisonChoice));
            for (var look = 0; look < P3.Looked; look++)
            {
                var candidate = rows[random.Next(rows.Length)];
                if (selector.Select(predicted.AsSpan(candidate * models, models)) is { } choice && (row < 0 || choice.Score > pair.Score))
                {
                    (row, pair) = (candidate, choice);
                }
            }

            var prefersFirst = user.PrefersFirst(Realised(table, row, pair.First), Realised(table, row, pair.Second), tau, random);
            state = state.Add(SimulatedSignal.Of(FeedbackKind.Comparison, n, prefersFirst, predicted[(row * models) + pair.First], predicted[(row * models) + pair.Second]));
        }

        return state;
    }

    /// <summary>What every position of a pool's dial realises; the number of the first.</summary>
    private int Dial(World world, RoutingPool pool, Outcome[] counted, int[] score)
    {
        var first = _realised.Count;
        foreach (var lambda in PreferenceGrid.Lambda)
        {
            Add(world, score, row => Argmax(counted, pool, row, lambda));
        }

        return first;
    }

    private int Add(World world, int[] score, Func<int, int> serve)
    {
        var cells = score.Select(row => (row * world.After.ModelCount) + serve(row)).ToArray();
        _realised.Add(([.. cells.Select(c => world.After.Score[c])], [.. cells.Select(c => (float)(world.After.CostUsd[c] / world.Tau))]));
        return _realised.Count - 1;
    }

    private static int Argmax(Outcome[] counted, RoutingPool pool, int row, double lambda)
    {
        var of = counted.AsSpan(row * pool.Catalog.Count, pool.Catalog.Count);
        var best = 0;
        for (var k = 1; k < of.Length; k++)
        {
            best = of[k].Quality - (lambda * of[k].CostUsd / pool.CostScaleUsd) > of[best].Quality - (lambda * of[best].CostUsd / pool.CostScaleUsd) ? k : best;
        }

        return best;
    }

    private static int Oracle(World world, int row, double lambda) =>
        Enumerable.Range(0, world.After.ModelCount).MaxBy(k => Realised(world.After, row, k) is var o ? o.Quality - (lambda * o.CostUsd / world.Tau) : 0);

    private static int BestSingle(World world, double lambda) => Enumerable.Range(0, world.Train.ModelCount)
        .MaxBy(k => Enumerable.Range(0, world.Train.Rows).Average(row => Realised(world.Train, row, k) is var o ? o.Quality - (lambda * o.CostUsd / world.Tau) : 0));

    private static double Share(double lambda) => lambda / (1 + lambda);

    private static Outcome Realised(OutcomeTable table, int row, int model) => new(table.Score[(row * table.ModelCount) + model], (float)table.CostUsd[(row * table.ModelCount) + model], 0);
}
