using System.Numerics.Tensors;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>One split, one direction: every user's acts after every number of comparisons, and what each act realised on each scoring row.</summary>
internal sealed class PreferenceRun
{
    public const int MetaRouter = 0, OutcomesSeen = 1, Static = 2, Known = 3;

    private readonly double[] _lambda = new double[P3.Users];
    private readonly int[][][] _act = [new int[P3.Users][], new int[P3.Users][]]; // router x user x comparisons: dial position
    private readonly (float[] Quality, float[] Cost)[] _dial;
    private readonly (float[] Quality, float[] Cost)[] _known = new (float[], float[])[P3.Users];
    private int _static;

    private PreferenceRun((float[] Quality, float[] Cost)[] dial) => _dial = dial;

    public int Rows => _dial[0].Quality.Length;

    public static PreferenceRun Of(PreferenceSplit split, int half, int seed, CancellationToken cancellationToken)
    {
        var scoring = 1 - half;
        var run = new PreferenceRun([.. PreferenceGrid.Lambda.ToArray().Select(l => split.Realise(scoring, l))]);
        var random = new Random((seed * 7919) + 31);
        var users = Enumerable.Range(0, P3.Users).Select(_ => SimulatedUser.Draw(random)).ToArray();
        run._static = split.StaticPosition([.. users.Select(u => u.Lambda)]);
        Parallel.For(0, P3.Users, new ParallelOptions { CancellationToken = cancellationToken }, u =>
        {
            run._lambda[u] = users[u].Lambda;
            run._known[u] = split.Realise(scoring, split.KnownLambda(users[u].Lambda));
            for (var router = 0; router < 2; router++)
            {
                run._act[router][u] = Live(split, half, users[u], router == OutcomesSeen, new Random((seed * 1_000_003) + (half * 500_009) + u));
            }
        });
        return run;
    }

    /// <summary>One user's story: the dial position served after 0, 1, ... comparisons.</summary>
    private static int[] Live(PreferenceSplit split, int half, SimulatedUser user, bool outcomesSeen, Random random)
    {
        var pool = split.Pool;
        var rows = split.Half(half);
        var prior = pool.Snapshot.Prior;
        var state = UserState.Empty;
        var acts = new int[P3.Comparisons + 1];
        for (var n = 0; ; n++)
        {
            var belief = PreferenceBelief.From(prior, pool.Context, state.Signals.AsSpan());
            acts[n] = pool.Values.Best(belief.CostShare);
            if (n == P3.Comparisons)
            {
                return acts;
            }

            var selector = new ComparisonSelector(belief, pool);
            var (row, pair) = (-1, default(ComparisonChoice));
            for (var look = 0; look < P3.Looked; look++)
            {
                var candidate = rows[random.Next(rows.Length)];
                if (selector.Select(split.Predicted(candidate)) is { } choice && (row < 0 || choice.Score > pair.Score))
                {
                    (row, pair) = (candidate, choice);
                }
            }

            var (first, second) = (split.Realised(row, pair.First), split.Realised(row, pair.Second));
            var prefersFirst = user.PrefersFirst(first, second, pool.CostScaleUsd, random);
            var (shownFirst, shownSecond) = outcomesSeen ? (first, second) : (split.Predicted(row)[pair.First], split.Predicted(row)[pair.Second]);
            state = state.Add(new Signal(new SignalKey(n * 60_000L, 0, FeedbackKind.Comparison), n * 60_000L, prefersFirst ? (byte)1 : (byte)0, false, shownFirst, shownSecond));
        }
    }

    /// <summary>Sums over users (and the mean over rows), weighted by how often a replicate drew each.</summary>
    public (double Gained, double Gap, double Utility, double Quality, double Cost, double Weight) Total(int router, int comparisons, float[]? rowCounts, float[]? userCounts)
    {
        var means = _dial.Select(d => Mean(d, rowCounts)).ToArray();
        double gained = 0, gap = 0, utility = 0, quality = 0, cost = 0, weight = 0;
        for (var u = 0; u < P3.Users; u++)
        {
            double times = userCounts?[u] ?? 1;
            if (times == 0)
            {
                continue;
            }

            var known = Mean(_known[u], rowCounts);
            var served = router switch
            {
                Static => means[_static],
                Known => known,
                _ => means[_act[router][u][comparisons]],
            };
            var lambda = _lambda[u];
            var baseline = Utility(means[_static], lambda);
            gained += times * (Utility(served, lambda) - baseline);
            gap += times * (Utility(known, lambda) - baseline);
            utility += times * Utility(served, lambda);
            quality += times * served.Quality;
            cost += times * served.Cost;
            weight += times;
        }

        return (gained, gap, utility, quality, cost, weight);
    }

    private static double Utility((double Quality, double Cost) mean, double lambda) => (mean.Quality - (lambda * mean.Cost)) / (1 + lambda);

    private static (double Quality, double Cost) Mean((float[] Quality, float[] Cost) byRow, float[]? counts) => counts is null
        ? (TensorPrimitives.Sum<float>(byRow.Quality) / byRow.Quality.Length, TensorPrimitives.Sum<float>(byRow.Cost) / byRow.Cost.Length)
        : (TensorPrimitives.Dot<float>(byRow.Quality, counts) / byRow.Quality.Length, TensorPrimitives.Dot<float>(byRow.Cost, counts) / byRow.Cost.Length);
}
