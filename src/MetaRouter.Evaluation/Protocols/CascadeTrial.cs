using System.Globalization;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// A cheap model whose answer is served where it is expected to be right, else the strong one; the threshold by <see cref="LearnThenTest"/> on a fifth of the training half that the
/// predictor did not see, and the promise held against the test half.
/// </summary>
/// <remarks>
/// The confidence is the expected score of the request, known before the cheap model is called: it never looks at the cheap answer. Both papers' do: by the agreement of several sampled
/// answers (arXiv:2502.11021), or by tests of the answer's knowledge and confidence (arXiv:2512.20012). Outcome files hold one graded answer a model, no second sample and no probabilities,
/// so nothing of that kind can be tested here. The promise holds for any confidence (<see cref="LearnThenTest"/>); one that saw the answer should let more requests stay cheap.
/// </remarks>
public static class CascadeTrial
{
    public static IReadOnlyList<double> Deltas { get; } = [.02, .05, .1, .15, .2];

    /// <summary>The chance of a broken promise that is allowed for.</summary>
    public const double Alpha = .1;

    // An answer that earns less than half of the score is a bad one.
    private const double Good = .5;

    // Trained on four fifths of a half.
    private const int LeastRows = Data.Split.LeastRows * 5 / 4;

    /// <exception cref="DataFileException">The pool's file cannot be used or has too few rows.</exception>
    public static ProtocolReport<CascadeRow> Run(string dataFolder, Pool pool, int seeds, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        var file = pool.Read(dataFolder, LeastRows);
        var (rows, names) = (new CascadeRow[seeds][], new string[seeds]);
        ProtocolJobs.Run(seeds, 1, seed =>
        {
            (rows[seed], names[seed]) = Split(file.Table, seed, cancellationToken);
            return $"{pool.Name}: cascade, split {seed + 1} of {seeds}";
        }, progress, cancellationToken);
        CascadeRow[] means = [.. Deltas.Select((delta, d) =>
        {
            double Mean(Func<CascadeRow, double> of) => rows.Average(r => of(r[d]));
            return new CascadeRow(delta, Mean(r => r.Bad), Mean(r => r.Broken), Mean(r => r.CheapShare), Mean(r => r.Quality), Mean(r => r.Cost), Mean(r => r.CostBefore));
        })];
        var note = string.Create(
            CultureInfo.InvariantCulture,
            $"{string.Join("; ", names.Distinct())}. The confidence is the expected score of the request and does not look at the cheap answer; the papers' do, but the data has no second samples. Each promise may be broken in {100 * Alpha:0} % of samples; on a finite test half, one that is just kept looks broken half of the time.");
        return new ProtocolReport<CascadeRow>("cascade", pool.Name, seeds, means, note, file.Warnings);
    }

    private static (CascadeRow[] Rows, string Pair) Split(OutcomeTable table, int seed, CancellationToken cancellationToken)
    {
        var split = DialSplit.Of(table, seed);
        var k = table.ModelCount;
        var (fit, validate) = ValidationFifth.Of(split.Train.Ids, seed);
        // Who is in the pair, too, the tested rows must have no say in.
        var (quality, cost) = ColumnMeans.Of(split.Train.Take(fit));
        var strong = Enumerable.Range(0, k).MaxBy(m => quality[m]);
        var cheap = Enumerable.Range(0, k).Where(m => m != strong).MaxBy(m => quality[m] - (cost[m] / split.Tau));
        var routing = RoutingPool.OfSnapshot(SnapshotTrainer.Train(split.Train.Take(fit), new TrainingOptions { Seed = seed + 1, CalibrationFolds = 0 }, null, cancellationToken));
        var held = split.Train.Take(validate);
        var confidence = Column(MetaRouterModel.Predict(routing, held).Quality, k, cheap);
        var tested = Column(MetaRouterModel.Predict(routing, split.Test).Quality, k, cheap);
        bool[] isBad = [.. Column(held.Score, k, cheap).Select(s => s < Good)];
        var strongCost = Enumerable.Range(0, split.Test.Rows).Average(i => split.Test.CostUsd[(i * k) + strong]);
        return ([.. Deltas.Select(delta =>
        {
            var threshold = LearnThenTest.Threshold(confidence, isBad, delta, Alpha);
            var (bad, served, score, first, before) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for (var i = 0; i < tested.Length; i++)
            {
                var (c, s) = ((i * k) + cheap, (i * k) + strong);
                var stays = tested[i] >= threshold;
                (bad, served) = (bad + (stays && split.Test.Score[c] < Good ? 1 : 0), served + (stays ? 1 : 0));
                score += split.Test.Score[stays ? c : s];
                before += split.Test.CostUsd[stays ? c : s];
                first += split.Test.CostUsd[c] + (stays ? 0 : split.Test.CostUsd[s]);
            }

            var n = (double)tested.Length;
            return new CascadeRow(delta, bad / n, bad / n > delta ? 1 : 0, served / n, score / n, first / n / strongCost, before / n / strongCost);
        })], $"{table.Models[cheap]}, then {table.Models[strong]}");
    }

    private static double[] Column(float[] values, int models, int model) => [.. Enumerable.Range(0, values.Length / models).Select(row => (double)values[(row * models) + model])];
}
