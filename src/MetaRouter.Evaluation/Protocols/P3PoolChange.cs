using System.Globalization;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>P3 where a model arrives, one leaves and one changes its price in the middle of users' lives: without training, against training again in full.</summary>
public static class P3PoolChange
{
    /// <exception cref="DataFileException">The pool's file cannot be used, or has too few rows or models.</exception>
    public static ProtocolReport<PreferenceRow> Run(string dataFolder, Pool pool, int seeds, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        var file = pool.Read(dataFolder, Split.LeastRows);
        var runs = new PoolChangeRun[seeds * 2];
        ProtocolJobs.Run(seeds, .9, seed =>
        {
            PoolChangeRun.Of(file.Table, seed, cancellationToken).CopyTo(runs, seed * 2);
            return $"{pool.Name}: changing pool, split {seed + 1} of {seeds}";
        }, progress, cancellationToken);
        var change = PoolChange.Of(file.Table.Take(Split.Halves(file.Table.Ids, 0).Train));
        string Name(int model) => file.Table.Models[model].Value;
        var note = string.Create(
            CultureInfo.InvariantCulture,
            $"{P3.Users} users a split, lambda log-uniform in [0.01, 10]. After {PoolChangeRun.ChangedAfter} comparisons {Name(change.Newcomer)} arrives "
                + $"(sibling {Name(change.Sibling)}), {Name(change.Leaver)} leaves and {Name(change.Repriced)} costs half (split 0; each split chooses by its training rows). "
                + $"metarouter knows the newcomer's price and sibling and no answer of it, the next row {PoolChange.Graded} graded answers; "
                + $"neither trains. static and known use the predictor that was trained again.");
        return new ProtocolReport<PreferenceRow>("P3 pool change", pool.Name, seeds, Rows(file.Table.Rows, runs, cancellationToken), note, file.Warnings);
    }

    private static PreferenceRow[] Rows(int poolRows, PoolChangeRun[] runs, CancellationToken cancellationToken)
    {
        var (reported, routers) = (PoolChangeRun.Reported, PoolChangeRun.Routers);
        var bootstrap = new Bootstrap(17);
        var shares = Enumerable.Range(0, routers.Count * reported.Count).Select(_ => new double[bootstrap.Replicates]).ToArray();
        Parallel.For(0, bootstrap.Replicates, new ParallelOptions { CancellationToken = cancellationToken }, b =>
        {
            var drawn = runs.Select((run, i) => run.Totals(RunCounts.Of(bootstrap, b, i, poolRows, run.Scored, P3.Users))).ToArray();
            for (var i = 0; i < shares.Length; i++)
            {
                shares[i][b] = Total(drawn, i).Share;
            }
        });
        var point = runs.Select(r => r.Totals(null)).ToArray();
        return [.. routers.Select((name, router) =>
        {
            int At(int t) => (router * reported.Count) + t;
            Dictionary<string, T> Keyed<T>(Func<int, T> value) => Enumerable.Range(0, reported.Count).ToDictionary(t => reported[t].ToString(CultureInfo.InvariantCulture), t => value(At(t)));
            return new PreferenceRow(
                name, Keyed(i => Total(point, i).Share),
                Keyed(i => P3.IntervalOf(Total(point, i).Share, bootstrap, shares[i])),
                Keyed(i => Total(point, i).MeanUtility), Keyed(i => Total(point, i).MeanQuality),
                Keyed(i => Total(point, i).MeanCost));
        })];

        static Earnings Total(Earnings[][] runs, int i) => runs.Aggregate(default(Earnings), (sum, run) => sum + run[i]);
    }
}
