using System.Globalization;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// P2 on kinds of request that nobody trained on: each data set or category of a pool in turn is left out of the training rows, but for a few graded
/// requests of it, and half of it is decided. What a router earns on somebody else's requests, and how many of one's own it takes to do better.
/// </summary>
public static class NewKinds
{
    /// <summary>Graded requests of the kind that join the training rows; one report each.</summary>
    public static IReadOnlyList<int> Graded { get; } = [0, 20, 100];

    /// <summary>A kind's rows at least: half of them are decided, from the other half come those that are graded.</summary>
    private const int LeastRows = 250;

    private const string Own = "best-single of the kind";

    /// <param name="routers">What is compared, ours first; each is trained anew for every kind.</param>
    /// <param name="seeds">Halvings of every kind, seeds 0 to this - 1.</param>
    /// <returns>A report for each of <see cref="Graded"/>, over the kinds alike however many rows they have.</returns>
    /// <exception cref="DataFileException">The pool's file cannot be used or has fewer than two kinds of 250 rows.</exception>
    public static IReadOnlyList<ProtocolReport<DialRow>> Run(
        string dataFolder, Pool pool, IReadOnlyList<Func<IOutcomeModel>> routers, int seeds, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(routers);
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        var file = pool.Read(dataFolder);
        var table = file.Table;
        var kinds = table.Groups.CountBy(g => g).Where(g => g.Value >= LeastRows).Select(g => g.Key).Order(StringComparer.Ordinal).ToArray();
        if (kinds.Length < 2)
        {
            throw new DataFileException(
                $"Pool '{pool.Name}': kinds of request ('dataset' or 'category') with {LeastRows} complete and priced rows: {(kinds is [var only] ? only : "none")}. "
                    + "This protocol leaves each kind out in turn and needs two at least.");
        }

        IOutcomeModel[] models = [.. routers.Select(create => create()), new BestSingle(), new Oracle()];
        return [.. Graded.Select((graded, part) =>
        {
            KindSplit[] splits = [.. Enumerable.Range(0, seeds).SelectMany(seed => kinds.Select(kind => KindSplit.Of(table, kind, graded, seed)))];
            var runs = models.Select(_ => new DialRun[splits.Length]).ToArray();
            ProtocolJobs.Run(models.Length * splits.Length, .95, job =>
            {
                var (model, s) = (job / splits.Length, job % splits.Length);
                runs[model][s] = DialRun.Of(splits[s].Dial, models[model].FitPredict(splits[s].Dial.Train, splits[s].Dial.Test, s / kinds.Length, cancellationToken));
                return string.Create(CultureInfo.InvariantCulture, $"{pool.Name}, {graded} of a kind: {models[model].Name}, {kinds[s % kinds.Length]}");
            }, progress is null ? null : ProgressPart.Of(progress, part, Graded.Count), cancellationToken);
            DialRun[] own = graded == 0 ? [] : [.. splits.Select(s => DialRun.Of(s.Dial, new BestSingle().FitPredict(s.OfKind, s.Dial.Test, 0, cancellationToken)))];
            (string, DialRun[])[] rows =
            [
                .. models.Select((m, i) => (m.Name, runs[i])).SkipLast(1),
                .. own.Length > 0 ? [(Own, own)] : ((string, DialRun[])[])[],
                (models[^1].Name, runs[^1]),
            ];
            var singles = graded > 0 ? string.Create(CultureInfo.InvariantCulture, $"; {Own}: by its {graded} requests alone") : "";
            var caution = kinds.Length < 6 ? "of so few kinds they say little" : "another kind may lie outside";
            var note = string.Create(
                CultureInfo.InvariantCulture,
                $"{kinds.Length} kinds, each left out of training but for {graded} graded requests of it, and half of it decided; a mean over kinds. ")
                + $"Gains are over the single model that the same training rows show best{singles}. Intervals are over kinds and rows: {caution}.";
            var summary = DialSummary.Of(table.Rows, [.. splits.Select(s => s.Dial)], rows, cancellationToken, kinds.Length);
            return new ProtocolReport<DialRow>(string.Create(CultureInfo.InvariantCulture, $"kinds, {graded} graded"), pool.Name, seeds, summary, note, file.Warnings);
        })];
    }

    /// <param name="OfKind">The graded rows of the kind.</param>
    private sealed record KindSplit(DialSplit Dial, OutcomeTable OfKind)
    {
        public static KindSplit Of(OutcomeTable table, string kind, int graded, int seed)
        {
            var side = Split.Folds(table.Ids, 2, seed);
            int[] rows = [.. Enumerable.Range(0, table.Rows)], others = [.. rows.Where(i => table.Groups[i] != kind)];
            int[] decided = [.. rows.Where(i => table.Groups[i] == kind && side[i] == 1)];
            int[] taught = [.. rows.Where(i => table.Groups[i] == kind && side[i] == 0).OrderBy(i => Split.Hash(table.Ids[i], seed)).Take(graded)];
            // Costs are told in one unit however many rows are graded.
            var dearest = ColumnMeans.Of(table.Take(others)).CostUsd.Max();
            return new KindSplit(new DialSplit(table.Take([.. others, .. taught]), table.Take(decided), decided, dearest > 0 ? dearest : 1), table.Take(taught));
        }
    }
}
