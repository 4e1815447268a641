using System.Globalization;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// Preferences: users whose trade-off nobody is told answer comparisons on one part of a pool's test half; by what was learned their requests of the
/// other part are routed; then the parts change places. 0 is the best dial position for all, 1 is knowing every user.
/// </summary>
public static class P3
{
    public const int Users = 240;
    public const int Comparisons = 20;

    /// <summary>Requests looked at for each comparison, to ask about one of them.</summary>
    public const int Looked = 8;

    /// <summary>After how many comparisons shares are reported.</summary>
    public static IReadOnlyList<int> Reported { get; } = [0, 1, 3, 6, 12, 20];

    // In the order of PreferenceRun's constants.
    private static readonly string[] Routers = ["metarouter", "outcomes-seen", "static", "known", "best-single", "random", "oracle"];

    /// <exception cref="DataFileException">The pool's file cannot be used or has too few rows.</exception>
    public static ProtocolReport<PreferenceRow> Run(string dataFolder, Pool pool, int seeds, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken) =>
        Run(dataFolder, pool, [PreferenceVariant.Plain], seeds, progress, cancellationToken).Single();

    /// <summary>A report each of other kinds of users.</summary>
    /// <exception cref="DataFileException">The pool's file cannot be used or has too few rows.</exception>
    public static IReadOnlyList<ProtocolReport<PreferenceRow>> RunVariants(string dataFolder, Pool pool, int seeds, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken) =>
        Run(dataFolder, pool, PreferenceVariant.All, seeds, progress, cancellationToken);

    private static ProtocolReport<PreferenceRow>[] Run(
        string dataFolder,
        Pool pool,
        IReadOnlyList<PreferenceVariant> variants,
        int seeds,
        IProgress<ProtocolProgress>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        var file = pool.Read(dataFolder, Split.LeastRows);
        var runs = variants.Select(_ => new PreferenceRun[seeds * 2]).ToArray();
        ProtocolJobs.Run(seeds, .9, seed =>
        {
            var split = PreferenceSplit.Of(file.Table, seed, cancellationToken);
            for (var job = 0; job < 2 * variants.Count; job++)
            {
                runs[job / 2][(seed * 2) + (job % 2)] = PreferenceRun.Of(split, variants[job / 2], job % 2, seed, cancellationToken);
            }

            return $"{pool.Name}: split {seed + 1} of {seeds}";
        }, progress, cancellationToken);
        progress?.Report(new ProtocolProgress(0.95, $"{pool.Name}: intervals"));
        return [.. variants.Select((variant, v) =>
        {
            var signals = variant.Thumbs
                ? string.Create(CultureInfo.InvariantCulture, $"each giving {variant.Reported[^1]} signals")
                : string.Create(CultureInfo.InvariantCulture, $"each answering {Comparisons} comparisons, {Looked} requests looked at for each");
            var users = variant.Lambdas.Count > 0 ? "" : "lambda log-uniform in [0.01, 10], ";
            var note = string.Create(
                CultureInfo.InvariantCulture,
                $"{Users} users a split, {users}{signals}. {variant.Description}{(variant.Description.Length > 0 ? " " : "")}outcomes-seen "
                    + $"is the same learner told the realised scores and costs.");
            if (!variant.HasPlainCost)
            {
                note += " static and known are chosen on the rows that users interact on.";
            }

            note += Teaching(variant, runs[v]);
            return new ProtocolReport<PreferenceRow>(
                variant.Name.Length > 0 ? "P3 " + variant.Name : "P3",
                pool.Name, seeds,
                Rows(file.Table.Rows, runs[v], variant.Reported, cancellationToken),
                note, file.Warnings);
        })];
    }

    /// <summary>What was given up while users taught, which no share counts, against what it earned.</summary>
    private static string Teaching(PreferenceVariant variant, PreferenceRun[] runs)
    {
        double users = Users * runs.Length;
        var (requests, lost) = (runs.Sum(r => r.Taught.Requests) / users, runs.Sum(r => r.Taught.Lost) / users);
        var last = Total([.. runs.Select(r => r.Resample(null))], PreferenceRun.MetaRouter, variant.Reported.Count - 1);
        var (gained, gap) = (last.Gained / last.Weight, last.Gap / last.Weight);
        var what = variant.Thumbs
            ? string.Create(CultureInfo.InvariantCulture, $"Exploring, on the {requests:0} requests that it took,")
            : string.Create(CultureInfo.InvariantCulture, $"{Comparisons} second answers, both being paid for and the preferred one used,");
        var back = gained <= 0 ? "never paid back" : string.Create(CultureInfo.InvariantCulture, $"paid back after {Math.Max(lost / gained, 0):0} of them");
        var net = Earnings.ShareOf(gained - (lost / ComparisonBudget.Horizon), gap);
        var share = double.IsNaN(net) ? "" : string.Create(CultureInfo.InvariantCulture, $"; net of it, over {ComparisonBudget.Horizon:n0}, the last share is {net:0.00}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $" {what} cost a user {lost:0.000} of utility against serving the best of the belief, which shares leave out; what was learned is worth {gained:0.0000} on each later request: {back}{share}.");
    }

    /// <summary>What has no value has no interval, even where some replicates have one.</summary>
    internal static Interval IntervalOf(double share, Bootstrap bootstrap, ReadOnlySpan<double> replicates) =>
        double.IsNaN(share) ? new Interval(double.NaN, double.NaN) : bootstrap.Percentiles(replicates);

    private static PreferenceRow[] Rows(int poolRows, PreferenceRun[] runs, IReadOnlyList<int> reported, CancellationToken cancellationToken)
    {
        var point = runs.Select(r => r.Resample(null)).ToArray();
        var bootstrap = new Bootstrap(17);
        var shares = new double[Routers.Length * reported.Count][];
        for (var i = 0; i < shares.Length; i++)
        {
            shares[i] = new double[bootstrap.Replicates];
        }

        Parallel.For(0, bootstrap.Replicates, new ParallelOptions { CancellationToken = cancellationToken }, b =>
        {
            var drawn = runs.Select((run, i) => run.Resample(RunCounts.Of(bootstrap, b, i, poolRows, run.Scored, Users))).ToArray();
            for (var i = 0; i < shares.Length; i++)
            {
                shares[i][b] = Total(drawn, i / reported.Count, i % reported.Count).Share;
            }
        });
        return [.. Routers.Select((name, router) =>
        {
            var totals = reported.Select((_, t) => Total(point, router, t)).ToArray();
            Dictionary<string, T> Keyed<T>(Func<int, T> value) => Enumerable.Range(0, reported.Count).ToDictionary(t => reported[t].ToString(CultureInfo.InvariantCulture), value);
            return new PreferenceRow(
                name, Keyed(t => totals[t].Share),
                Keyed(t => IntervalOf(totals[t].Share, bootstrap, shares[(router * reported.Count) + t])),
                Keyed(t => totals[t].MeanUtility), Keyed(t => totals[t].MeanQuality), Keyed(t => totals[t].MeanCost),
                runs[0].Covered(router, 0) is null ? null : Keyed(t => runs.Sum(r => r.Covered(router, t)!.Value) / (double)(Users * runs.Length)));
        })];
    }

    private static Earnings Total(PreferenceRun.Resampled[] runs, int router, int reported) => runs.Aggregate(default(Earnings), (sum, run) => sum + run.Total(router, reported));
}
