using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>Scores a benchmark's requests with every router over several draws, and sums up. Figures are means over the draws; intervals resample rows and draws.</summary>
internal static class DeferralTrial
{
    private const int Replicates = 2000;

    /// <param name="table">Two models: the weak, the strong.</param>
    /// <param name="from">Where this trial's progress begins.</param>
    /// <param name="share">How much of the whole it is.</param>
    public static IReadOnlyList<DeferralRow> Run(
        string benchmark,
        OutcomeTable table,
        IReadOnlyList<DeferralDraw> draws,
        IReadOnlyList<Func<IOutcomeModel>> routers,
        IProgress<ProtocolProgress>? progress,
        double from,
        double share,
        CancellationToken cancellationToken)
    {
        IOutcomeModel[] models = [.. routers.Select(create => create()), new Oracle()];
        (int Draw, int Part)[] parts = [.. draws.SelectMany((d, i) => d.Parts.Select((_, p) => (i, p)))];
        string[] names = [.. models.Select(m => m.Name)];
        var scores = models.Select(_ => draws.Select(_ => Unscored(table.Rows)).ToArray()).ToArray();
        // One table for all routers, which may share what they make of its texts.
        var tests = draws.Select(d => d.Parts.Select(p => table.Take(p.Test)).ToArray()).ToArray();
        var shifted = progress is null ? null : new ProgressPart(progress, from, share);
        ProtocolJobs.Run(models.Length * parts.Length, .9, job =>
        {
            var (model, (draw, part)) = (models[job / parts.Length], parts[job % parts.Length]);
            var (train, test) = draws[draw].Parts[part];
            var predicted = model.FitPredict(train, tests[draw][part], draws[draw].Seed, cancellationToken);
            for (var i = 0; i < test.Length; i++)
            {
                scores[job / parts.Length][draw][test[i]] = (float)predicted.Lead(i, 2, strong: 1, weak: 0);
            }

            return $"{benchmark}: {model.Name}, draw {draw + 1} of {draws.Count}";
        }, shifted, cancellationToken);

        var random = draws.Select((d, i) => Random(scores[0][i], d.Seed)).ToArray();
        var rows = new List<DeferralRow>();
        Apgrs? ours = null;
        foreach (var (name, byDraw) in names.Zip(scores).SkipLast(1).Append(("random", random)).Append((names[^1], scores[^1])))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (row, apgrs) = Summarise(benchmark, name, table, byDraw, ours);
            rows.Add(row);
            ours ??= apgrs;
            shifted?.Report(new ProtocolProgress(.9 + (.1 * rows.Count / (names.Length + 1)), $"{benchmark}: intervals of {name}"));
        }

        return rows;
    }

    /// <param name="first">The first router's; null: this is the first.</param>
    private static (DeferralRow Row, Apgrs Apgrs) Summarise(string benchmark, string name, OutcomeTable table, float[][] scores, Apgrs? first)
    {
        // Sorted by score once; a replicate then only repeats and skips.
        var sorted = scores.Select(s => Enumerable.Range(0, s.Length).Where(i => !float.IsNaN(s[i])).OrderBy(i => s[i]).ToArray()).ToArray();
        var once = Enumerable.Repeat(1f, table.Rows).ToArray();
        var estimate = Mean(Enumerable.Repeat(1f, scores.Length).ToArray(), d => Metrics(table, scores[d], sorted[d], once));

        var bootstrap = new Bootstrap(0, Replicates);
        var replicates = new (double Apgr, double Cpt50, double Cpt80)[Replicates];
        Parallel.For(0, Replicates, b =>
        {
            var (rows, draws) = (new float[table.Rows], new float[scores.Length]);
            bootstrap.Counts(b, rows);
            bootstrap.Counts(b, draws, axis: 1);
            replicates[b] = Mean(draws, d => Metrics(table, scores[d], sorted[d], rows));
        });
        var apgrs = new Apgrs(estimate.Apgr, [.. replicates.Select(r => r.Apgr)]);
        return (new DeferralRow(
            name,
            benchmark,
            null,
            estimate.Apgr,
            bootstrap.Percentiles(apgrs.Replicates),
            estimate.Cpt50,
            bootstrap.Percentiles([.. replicates.Select(r => r.Cpt50)]),
            estimate.Cpt80,
            bootstrap.Percentiles([.. replicates.Select(r => r.Cpt80)]),
            first is null ? null : new DeferralLead(first.Estimate - apgrs.Estimate, bootstrap.Percentiles([.. first.Replicates.Zip(apgrs.Replicates, (ahead, behind) => ahead - behind)]))), apgrs);
    }

    private static (double Apgr, double Cpt50, double Cpt80) Metrics(OutcomeTable table, float[] scores, int[] sorted, float[] counts)
    {
        var (score, weak, strong) = (new List<float>(sorted.Length), new List<float>(sorted.Length), new List<float>(sorted.Length));
        foreach (var row in sorted)
        {
            for (var copies = counts[row]; copies > 0; copies--)
            {
                score.Add(scores[row]);
                weak.Add(table.Score[2 * row]);
                strong.Add(table.Score[(2 * row) + 1]);
            }
        }

        if (score.Count == 0)
        {
            return (double.NaN, double.NaN, double.NaN);
        }

        var curve = DeferralCurve.Of([.. score], [.. weak], [.. strong]);
        return (curve.Apgr(), 100 * curve.Cpt(.5), 100 * curve.Cpt(.8));
    }

    private static (double Apgr, double Cpt50, double Cpt80) Mean(float[] draws, Func<int, (double Apgr, double Cpt50, double Cpt80)> metrics)
    {
        var (apgr, cpt50, cpt80, total) = (0.0, 0.0, 0.0, 0.0);
        for (var d = 0; d < draws.Length; d++)
        {
            if (draws[d] > 0)
            {
                var m = metrics(d);
                (apgr, cpt50, cpt80, total) = (apgr + (draws[d] * m.Apgr), cpt50 + (draws[d] * m.Cpt50), cpt80 + (draws[d] * m.Cpt80), total + draws[d]);
            }
        }

        return (apgr / total, cpt50 / total, cpt80 / total);
    }

    private static float[] Unscored(int rows)
    {
        var scores = new float[rows];
        Array.Fill(scores, float.NaN);
        return scores;
    }

    /// <summary>Scores by chance, of the rows that have one.</summary>
    private static float[] Random(float[] like, int seed)
    {
        var random = new Random(seed);
        return [.. like.Select(s => random.NextSingle() is var chance && float.IsNaN(s) ? float.NaN : chance)];
    }

    /// <summary>One router's APGR, and by replicate.</summary>
    private sealed record Apgrs(double Estimate, double[] Replicates);
}
