using System.Globalization;
using MetaRouter.Evaluation.Baselines.Personal;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// P3 with every learner: the users, requests and predictions of <see cref="P3"/>, and beside what ships the personal bandits, the paper's own form and the policies that are
/// given the trade-off. Differences to what ships are paired: same users, same requests looked at, same replicates.
/// </summary>
public static class LearnerContest
{
    private const int Replicates = 1000;

    /// <summary>The pools' reports, and one of their mean.</summary>
    /// <exception cref="DataFileException">A pool's file cannot be used or has too few rows.</exception>
    public static IReadOnlyList<ProtocolReport<LearnerRow>> Run(string dataFolder, IReadOnlyList<Pool> pools, int seeds, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pools);
        return Run(dataFolder, pools, seeds, PreferenceLearners.Factories, progress, cancellationToken);
    }

    internal static IReadOnlyList<ProtocolReport<LearnerRow>> Run(
        string dataFolder,
        IReadOnlyList<Pool> pools,
        int seeds,
        IReadOnlyList<Func<IPreferenceLearner>> factories,
        IProgress<ProtocolProgress>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        IPreferenceLearner[] learners = [.. factories.Select(f => f())];
        var files = pools.Select(p => p.Read(dataFolder, Split.LeastRows)).ToArray();
        var bootstrap = new Bootstrap(17, Replicates);
        var shares = pools.Select(_ => new Shares[seeds * 2]).ToArray();
        ProtocolJobs.Run(pools.Count * seeds, .98, job =>
        {
            var (pool, seed) = (job / seeds, job % seeds);
            var split = PreferenceSplit.Of(files[pool].Table, seed, cancellationToken);
            var fitted = learners.Select(l => (l.Fit(split, seed, cancellationToken), l.IsPooled)).ToArray();
            for (var half = 0; half < 2; half++)
            {
                shares[pool][(seed * 2) + half] = Shares.Of(files[pool].Table.Rows, split, half, seed, fitted, bootstrap, cancellationToken);
            }

            return $"{pools[pool].Name}: learners, split {seed + 1} of {seeds}";
        }, progress, cancellationToken);

        var note = string.Create(
            CultureInfo.InvariantCulture,
            $"{P3.Users} users a split, {P3.Comparisons} comparisons each. behind: {learners[0].Name}'s share less the row's, paired; above zero, the row is behind.");
        var totals = shares.Select(Shares.Total).ToArray();
        return
        [
            .. pools.Select((pool, p) => new ProtocolReport<LearnerRow>("P3 learners", pool.Name, seeds, Rows(learners, [totals[p]], bootstrap, shares[p]), note, files[p].Warnings)),
            .. pools.Count > 1 ? [new ProtocolReport<LearnerRow>(
                "P3 learners",
                string.Create(CultureInfo.InvariantCulture, $"mean of {pools.Count} pools"),
                seeds, Rows(learners, totals, bootstrap, null),
                note + " Shares are means over the pools, which counts every pool alike.")] : (IEnumerable<ProtocolReport<LearnerRow>>)[],
        ];
    }

    /// <param name="totals">By pool: learner x reported x replicate, shares of the gap.</param>
    private static LearnerRow[] Rows(IPreferenceLearner[] learners, double[][][][] totals, Bootstrap bootstrap, Shares[]? runs)
    {
        var random = Array.FindIndex(learners, l => l is BeliefLearner { AsksAtRandom: true });
        return [.. learners.Select((learner, l) =>
        {
            double[] Share(int router, int t) => [.. Enumerable.Range(0, Replicates + 1).Select(b => totals.Average(pool => pool[router][t][b]))];
            double[] Behind(int leader, int t) => [.. Share(leader, t).Zip(Share(l, t), (ours, other) => ours - other)];
            var users = (double)P3.Users * (runs?.Length ?? 1);
            return new LearnerRow(
                learner.Name,
                ByReported(t => Share(l, t)[^1]),
                ByReported(t => P3.IntervalOf(Share(l, t)[^1], bootstrap, Share(l, t).AsSpan(0, Replicates))),
                ByReported(t => Behind(0, t)[^1]),
                ByReported(t => P3.IntervalOf(Behind(0, t)[^1], bootstrap, Behind(0, t).AsSpan(0, Replicates))),
                random < 0 ? null : ByReported(t => Behind(random, t)[^1]),
                random < 0 ? null : ByReported(t => P3.IntervalOf(Behind(random, t)[^1], bootstrap, Behind(random, t).AsSpan(0, Replicates))),
                runs is null ? null : ByReported(t => runs.Sum(r => r.Runs[l].Quality[t]) / users),
                runs is null ? null : ByReported(t => runs.Sum(r => r.Runs[l].Cost[t]) / users),
                runs?[0].Runs[l].Covered is null ? null : ByReported(t => runs.Sum(r => r.Runs[l].Covered![t]) / users));
        })];
    }

    private static Dictionary<string, T> ByReported<T>(Func<int, T> value) => Enumerable.Range(0, P3.Reported.Count).ToDictionary(t => P3.Reported[t].ToString(CultureInfo.InvariantCulture), value);

    /// <summary>One split and direction: what static and known earned, and what each learner did, by replicate.</summary>
    private sealed record Shares(double[] Static, double[] Gap, LearnerRun[] Runs)
    {
        public static Shares Of(
            int poolRows,
            PreferenceSplit split,
            int half,
            int seed,
            (Func<double, Random, IUserLearner> Start, bool IsPooled)[] learners,
            Bootstrap bootstrap,
            CancellationToken cancellationToken)
        {
            var yardsticks = PreferenceRun.Yardsticks(split, half, seed, cancellationToken);
            var counts = new (float[] Rows, float[] Users)[Replicates + 1];
            var (still, gap) = (new double[Replicates + 1], new double[Replicates + 1]);
            Parallel.For(0, counts.Length, b =>
            {
                counts[b] = RunCounts.Of(bootstrap, b, (seed * 2) + half, poolRows, yardsticks.Scored, P3.Users);
                var drawn = yardsticks.Resample(counts[b]);
                still[b] = drawn.Total(PreferenceRun.Static, 0).Utility;
                gap[b] = drawn.Total(PreferenceRun.Known, 0).Gap;
            });
            return new Shares(still, gap, [.. learners.Select(l => LearnerRun.Of(l.Start, l.IsPooled, split, half, seed, PreferenceRun.Draw(seed), counts, cancellationToken))]);
        }

        /// <summary>Learner x reported x replicate.</summary>
        public static double[][][] Total(Shares[] runs) =>
            [.. runs[0].Runs.Select((_, l) => P3.Reported.Select((_, t) =>
                Enumerable.Range(0, Replicates + 1)
                    .Select(b => Earnings.ShareOf(runs.Average(r => r.Runs[l].Utility[t][b] - r.Static[b]) / P3.Users, runs.Average(r => r.Gap[b]) / P3.Users))
                    .ToArray()).ToArray())];
    }
}
