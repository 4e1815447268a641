using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Text;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Training;

/// <summary>
/// Makes outcomes of preference labels where the same two models are also graded: <see cref="PreferenceDebiasing"/> corrects the gain of the one over the other, and half of it on either
/// side of what grades make expect of their mean gives both a score. Costs and tokens stay unknown. Pairs without grades are left out, since nothing tells how far they can be believed.
/// </summary>
internal static class PreferenceJoin
{
    // More graded rows settle nothing about a judge and cost time.
    private const int MostGraded = 4000;

    /// <param name="graded">Every graded request.</param>
    /// <returns>A table a pair of models, and how many labels had no graded pair.</returns>
    public static (List<OutcomeTable> Tables, List<TrainingPreferences> Report, int LeftOut) Join(
        string file, IReadOnlyList<PreferencePair> labels, OutcomeTable graded, int seed, CancellationToken cancellationToken)
    {
        var (tables, report, leftOut) = (new List<OutcomeTable>(), new List<TrainingPreferences>(), 0);
        var column = graded.Models.Index().ToDictionary(m => m.Item, m => m.Index);
        var rowOf = Enumerable.Range(0, graded.Rows).ToDictionary(row => graded.Queries[row], StringComparer.Ordinal);
        foreach (var pair in labels.Select(Ordered).GroupBy(l => (l.First, l.Second)).OrderBy(g => g.Key.First.Value, StringComparer.Ordinal).ThenBy(g => g.Key.Second.Value, StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (first, second) = (column.GetValueOrDefault(pair.Key.First, -1), column.GetValueOrDefault(pair.Key.Second, -1));
            bool Knows(int row) => first >= 0 && second >= 0 && !float.IsNaN(Score(row, first)) && !float.IsNaN(Score(row, second));
            PreferencePair[] judged = [.. pair.Where(l => !rowOf.TryGetValue(l.Query, out var row) || !Knows(row)).DistinctBy(l => l.Query)];
            int[] gold = [.. Enumerable.Range(0, graded.Rows).Where(Knows)];
            if (gold.Length < PreferenceDebiasing.LeastGold || judged.Length < PreferenceDebiasing.LeastGold)
            {
                leftOut += pair.Count();
                continue;
            }

            gold = gold.Length <= MostGraded ? gold : [.. Split.Draw([.. gold.Select(row => graded.Ids[row])], MostGraded, seed).Drawn.Select(i => gold[i])];
            var (table, shift) = Outcomes(file, pair.Key.First, pair.Key.Second, judged, graded.Take(gold), first, second, seed, cancellationToken);
            tables.Add(table);
            report.Add(new TrainingPreferences(file, pair.Key.First.Value, pair.Key.Second.Value, judged.Length, gold.Length, shift));
        }

        return (tables, report, leftOut);

        float Score(int row, int model) => graded.Score[(row * graded.ModelCount) + model];
    }

    private static PreferencePair Ordered(PreferencePair label) => string.CompareOrdinal(label.First.Value, label.Second.Value) <= 0
        ? label
        : label with { First = label.Second, Second = label.First, Votes = (label.Votes.Second, label.Votes.First, label.Votes.Tie) };

    private static (OutcomeTable Table, float Shift) Outcomes(
        string file,
        ModelId firstModel,
        ModelId secondModel,
        PreferencePair[] judged,
        OutcomeTable gold,
        int first,
        int second,
        int seed,
        CancellationToken cancellationToken)
    {
        const int width = PromptEncoder.Features;
        var n = gold.Rows + judged.Length;
        var (_, x, _) = SnapshotTrainer.LearnEncoder(
            [.. gold.Queries, .. judged.Select(l => l.Query)],
            [.. gold.Groups, .. judged.Select(_ => file)],
            new TrainingOptions { Seed = seed }, cancellationToken);
        var (label, isGold, mean) = (new float[n], new bool[n], new float[gold.Rows]);
        for (var i = 0; i < n; i++)
        {
            isGold[i] = i < gold.Rows;
            if (isGold[i])
            {
                var (a, b) = (gold.Score[(i * gold.ModelCount) + first], gold.Score[(i * gold.ModelCount) + second]);
                (label[i], mean[i]) = (a - b, (a + b) / 2);
            }
            else
            {
                label[i] = judged[i - gold.Rows].Gain;
            }
        }

        var causes = PreferenceDebiasing.CausesOf(x);
        var corrected = PreferenceDebiasing.Correct(x, width, causes, causes.Length / n, label, isGold);
        var expected = new RidgeDesign(x.AsSpan(0, gold.Rows * width), width).Fit(mean);
        var score = new float[judged.Length * 2];
        for (var i = 0; i < judged.Length; i++)
        {
            var level = expected.Predict(x.AsSpan((gold.Rows + i) * width, width));
            var gain = corrected.Label[gold.Rows + i];
            (score[2 * i], score[(2 * i) + 1]) = (Math.Clamp(level + (gain / 2), 0, 1), Math.Clamp(level - (gain / 2), 0, 1));
        }

        float[] unknown = [.. Enumerable.Repeat(float.NaN, score.Length)];
        var table = new OutcomeTable(
            file, [firstModel, secondModel], [.. judged.Select(l => l.Id)],
            [.. judged.Select(l => l.Query)], [.. judged.Select(_ => file)], score,
            [.. Enumerable.Repeat(double.NaN, score.Length)],
            unknown, unknown, unknown);
        return (table, Enumerable.Range(gold.Rows, judged.Length).Average(i => corrected.Shift[i]));
    }
}
