using System.Globalization;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// Pools: half of the rows train, half test, by a hash of the id. A router serves, for a lambda, the model of the greatest predicted q - lambda c / tau,
/// and is judged by what that earned; tau is the dearest model's mean cost on the training rows.
/// </summary>
public static class P2
{
    /// <summary>Where gains are told. The mean gain is over those up to 1.</summary>
    public static IReadOnlyList<double> Lambdas { get; } = [0, .02, .05, .1, .2, .5, 1, 2];

    /// <summary>The positions that make a router's front: 48 of them evenly in log lambda, and lambda 0.</summary>
    public static IReadOnlyList<double> Dial { get; } = [0, .. Enumerable.Range(0, 48).Select(i => Math.Pow(10, -2.2 + (3.4 * i / 47)))];

    /// <exception cref="DataFileException">The pool's file cannot be used or has too few rows.</exception>
    public static ProtocolReport<DialRow> Run(
        string dataFolder,
        Pool pool,
        IReadOnlyList<Func<IOutcomeModel>> routers,
        int seeds,
        IProgress<ProtocolProgress>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(routers);
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        var file = pool.Read(dataFolder, Split.LeastRows);
        var table = file.Table;
        DialSplit[] splits = [.. Enumerable.Range(0, seeds).Select(seed => DialSplit.Of(table, seed))];
        IOutcomeModel[] models = [.. routers.Select(create => create()), new BestSingle(), new AlwaysOne(strongest: false), new AlwaysOne(strongest: true), new Oracle()];
        var runs = models.Select(_ => new DialRun[seeds]).ToArray();
        var reliability = models.Select(_ => new Reliability?[seeds]).ToArray();
        ProtocolJobs.Run(models.Length * seeds, .9, job =>
        {
            var (model, seed) = (job / seeds, job % seeds);
            var split = splits[seed];
            var predictions = models[model].FitPredict(split.Train, split.Test, seed, cancellationToken);
            runs[model][seed] = DialRun.Of(split, predictions);
            reliability[model][seed] = predictions.ClaimsQuality ? Reliability.Of(predictions.Quality, split.Test.Score) : null;
            return $"{pool.Name}: {models[model].Name}, split {seed + 1} of {seeds}";
        }, progress, cancellationToken);

        DialRun[] mix = [.. splits.Select((s, i) => DialRun.MixMatching(s, runs[0][i]))];
        DialRun[] random = [.. splits.Select(DialRun.Random)];
        (string Name, DialRun[] Runs)[] rows =
        [
            .. models.SkipLast(1).Select((m, i) => (m.Name, runs[i])),
            ("random-mix", mix),
            ("random", random),
            (models[^1].Name, runs[^1]),
        ];
        var summary = DialSummary.Of(table.Rows, splits, rows, cancellationToken).ToArray();
        for (var i = 0; i < models.Length - 1; i++)
        {
            if (reliability[i][0] is not null)
            {
                var sum = Reliability.Sum(reliability[i]!);
                summary[i] = summary[i] with { Reliability = sum, CalibrationError = sum.Error };
            }
        }

        progress?.Report(new ProtocolProgress(1, $"{pool.Name}: intervals"));
        var note = string.Create(
            CultureInfo.InvariantCulture,
            $"{table.Rows} rows x {table.ModelCount} models, halved by a hash of the id. random-mix spends at each position what {models[0].Name} spends there.");
        return new ProtocolReport<DialRow>("P2", pool.Name, seeds, summary, note, file.Warnings);
    }
}
