using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Text;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// Gold and preference labels: of 2,000 requests 100 are graded and the others judged by someone who leans to the strong model, more so on long prompts and in some categories.
/// Every way of joining the two teaches the same regression of the strong model's gain over the weak one; its ranking of other requests is what is scored.
/// </summary>
/// <remarks>
/// Half of the benchmark, by a hash of the id, is drawn from and the other half tested on, the same for every draw; the encoder learns from the first half's texts and categories and sees
/// no label. One ridge regression on its features stands for the router in all rows: they differ by labels, and corrected ones, the mean-shifted too, by the weight of gold that comes
/// with them (<see cref="PreferenceDebiasing.GoldWeight"/>), which one row has by itself.
/// </remarks>
public static class P5
{
    public const int Labels = 2000;
    public const int Gold = 100;

    private const int Replicates = 1000;
    private const string Benchmark = "routellm-mmlu";

    private static readonly string[] Routers = ["gold only", "preference only", "pooled", "pooled, gold threefold", "mean-shifted", "DR-corrected", "R-corrected", "all gold"];
    private const int GoldOnly = 0, Pooled = 2, AllGold = 7;

    private static readonly ModelId s_weak = new("mixtral-8x7b-instruct"), s_strong = new("gpt-4-1106-preview");

    /// <param name="draws">The seeds of the table: draws of the labelled requests, of the graded among them, and of the judge's errors.</param>
    /// <exception cref="DataFileException">The data cannot be used.</exception>
    public static ProtocolReport<LabelRow> Run(string dataFolder, int draws, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(draws, 1);
        var file = OutcomeReader.Read(DataFolder.Find(dataFolder, Benchmark), new OutcomeReadOptions { Models = [s_weak, s_strong], CompleteRowsOnly = true, RowFilter = r => !r.Contaminated });
        var rows = Rows(file.Table, draws, progress, cancellationToken);
        var note = string.Create(
            CultureInfo.InvariantCulture,
            $"{Benchmark}: {Gold} graded and {Labels - Gold} judged requests a draw, {draws} draws. The judge prefers the strong "
                + $"model wrongly with probability .1, +.3 for a prompt in the longer half, +.2 where its category's hash is even.");
        return new ProtocolReport<LabelRow>("P5", null, draws, rows, note, file.Warnings);
    }

    /// <param name="table">Two models: the weak, the strong.</param>
    internal static LabelRow[] Rows(OutcomeTable table, int draws, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken)
    {
        var (drawnFrom, testedOn) = Split.Halves(table.Ids, seed: 0);
        if (drawnFrom.Length < Labels)
        {
            throw new DataFileException($"{table.Name} has {table.Rows} usable rows, of which {drawnFrom.Length} can be labelled; P5 draws {Labels}.");
        }

        var (source, test) = (table.Take(drawnFrom), table.Take(testedOn));
        var (encoder, x, _) = SnapshotTrainer.LearnEncoder(source.Queries, source.Groups, new TrainingOptions(), cancellationToken);
        var (tested, _) = SnapshotTrainer.Encode(encoder, test.Queries);
        float[] gain = Gain(source), gained = Gain(test);
        var error = ErrorRates(source);
        progress?.Report(new ProtocolProgress(.1, "encoded"));

        var orders = Routers.Select(_ => new int[draws][]).ToArray();
        ProtocolJobs.Run(draws, .9, draw =>
        {
            var fitted = Fit(source, x, gain, error, draw);
            for (var r = 0; r < Routers.Length; r++)
            {
                var model = fitted[r];
                float[] score = [.. Enumerable.Range(0, test.Rows).Select(i => model.Predict(tested.AsSpan(i * PromptEncoder.Features, PromptEncoder.Features)))];
                int[] order = [.. Enumerable.Range(0, test.Rows)];
                Array.Sort(score, order);
                orders[r][draw] = order;
            }

            return $"P5: draw {draw + 1} of {draws}";
        }, progress, cancellationToken);
        return Summarise(orders, gained);
    }

    /// <summary>How probable it is that the judge prefers the strong model where it is not the better one.</summary>
    private static double[] ErrorRates(OutcomeTable table)
    {
        var middle = table.Queries.Select(q => q.Length).Order().ElementAt(table.Rows / 2);
        return [.. Enumerable.Range(0, table.Rows).Select(i => .1 + (table.Queries[i].Length > middle ? .3 : 0) + (Split.Hash(table.Groups[i], 0) % 2 == 0 ? .2 : 0))];
    }

    private static float[] Gain(OutcomeTable table) => [.. Enumerable.Range(0, table.Rows).Select(i => table.Score[(2 * i) + 1] - table.Score[2 * i])];

    /// <summary>A regression by each of <see cref="Routers"/>.</summary>
    private static RidgeRegression[] Fit(OutcomeTable source, float[] x, float[] gain, double[] error, int draw)
    {
        const int width = PromptEncoder.Features;
        var (drawn, _) = Split.Draw(source.Ids, Labels, draw);
        var (graded, judged) = Split.Draw([.. drawn.Select(row => source.Ids[row])], Gold, draw + 1_000_000);
        var random = new Random((draw * 7919) + 5);
        var (features, label, truth, isGold) = (new float[Labels * width], new float[Labels], new float[Labels], new bool[Labels]);
        for (var i = 0; i < Labels; i++)
        {
            x.AsSpan(drawn[i] * width, width).CopyTo(features.AsSpan(i * width));
            truth[i] = gain[drawn[i]];
            label[i] = random.NextDouble() < error[drawn[i]] ? Math.Max(truth[i], 1) : truth[i];
        }

        foreach (var i in graded)
        {
            (label[i], isGold[i]) = (truth[i], true);
        }

        var causes = PreferenceDebiasing.CausesOf(features);
        var all = new RidgeDesign(features, width);
        RidgeRegression Corrected(DebiasingLearner learner)
        {
            var corrected = PreferenceDebiasing.Correct(features, width, causes, causes.Length / Labels, label, isGold, new DebiasingOptions { Learner = learner, IsRandomised = true });
            return new RidgeDesign(features, width, corrected.Weight).Fit(corrected.Label);
        }

        return
        [
            Only(graded),
            Only(judged),
            all.Fit(label),
            new RidgeDesign(features, width, [.. isGold.Select(gold => gold ? (float)PreferenceDebiasing.GoldWeight : 1)]).Fit(label),
            Corrected(DebiasingLearner.MeanShift),
            Corrected(DebiasingLearner.DoublyRobust),
            Corrected(DebiasingLearner.Residual),
            all.Fit(truth),
        ];

        RidgeRegression Only(int[] rows) => new RidgeDesign([.. rows.SelectMany(i => features[(i * width)..((i + 1) * width)])], width).Fit([.. rows.Select(i => label[i])]);
    }

    private static LabelRow[] Summarise(int[][][] orders, float[] gain)
    {
        var draws = orders[0].Length;
        var bootstrap = new Bootstrap(5, Replicates);
        var point = Means([.. Enumerable.Repeat(1f, gain.Length)], [.. Enumerable.Repeat(1f, draws)]);
        var replicates = new double[Replicates][];
        Parallel.For(0, Replicates, b =>
        {
            var (rows, drawn) = (new float[gain.Length], new float[draws]);
            bootstrap.Counts(b, rows);
            bootstrap.Counts(b, drawn, axis: 1);
            replicates[b] = Means(rows, drawn);
        });
        return [.. Routers.Select((router, r) =>
        {
            (double, Interval) Figure(Func<double[], double> of) => (of(point), bootstrap.Percentiles([.. replicates.Select(of)]));
            var (apgr, pooled, gold, below) = (Figure(m => m[r]), Figure(m => m[r] - m[Pooled]), Figure(m => m[r] - m[GoldOnly]), Figure(m => m[AllGold] - m[r]));
            return new LabelRow(router, apgr.Item1, apgr.Item2, pooled.Item1, pooled.Item2, gold.Item1, gold.Item2, below.Item1, below.Item2);
        })];

        double[] Means(float[] rows, float[] drawn) =>
            [.. orders.Select(byDraw => Enumerable.Range(0, draws).Where(d => drawn[d] > 0).Sum(d => drawn[d] * DeferralCurve.Apgr(byDraw[d], gain, rows)) / drawn.Sum())];
    }
}
