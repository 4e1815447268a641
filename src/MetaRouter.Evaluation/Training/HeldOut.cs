using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Training;

/// <summary>P2 with one split, seed 0, of the router that ships; and how far its qualities are off.</summary>
public static class HeldOut
{
    private const int Seed = 0;

    /// <summary>Trained on one half of the pool alone.</summary>
    /// <exception cref="DataFileException">The pool's file cannot be used or has too few rows.</exception>
    public static HeldOutFigures Measure(string dataFolder, Pool pool, WordVectors? vectors, CancellationToken cancellationToken) =>
        Measure(dataFolder, pool, new MetaRouterModel(vectors: vectors), cancellationToken);

    /// <summary>One snapshot trained on all data but the test halves of all these pools: what a shipped file was like before it saw them.</summary>
    public static IReadOnlyList<HeldOutFigures> MeasureTogether(
        string dataFolder,
        OutcomeTable data,
        IReadOnlyList<Pool> pools,
        int trainingSeed,
        WordVectors? vectors,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(pools);
        var tested = new HashSet<string>(StringComparer.Ordinal);
        foreach (var table in pools.Select(p => p.Read(dataFolder).Table))
        {
            tested.UnionWith(Split.Halves(table.Ids, Seed).Test.Select(row => table.Queries[row]));
        }

        var rest = data.Take([.. Enumerable.Range(0, data.Rows).Where(row => !tested.Contains(data.Queries[row]))]);
        // Calibration changes no prediction.
        var snapshot = SnapshotTrainer.Train(rest, new TrainingOptions { Seed = trainingSeed, CalibrationFolds = 0, Vectors = vectors }, null, cancellationToken);
        var profiles = snapshot.Models.ToDictionary(m => m.Id);
        return [.. pools.Select(pool => Measure(
            dataFolder, pool,
            new TrainedPool("metarouter", new RoutingPool(snapshot, new ModelCatalog(pool.Models.Select(m => profiles[m])))), cancellationToken))];
    }

    private static HeldOutFigures Measure(string dataFolder, Pool pool, IOutcomeModel router, CancellationToken cancellationToken)
    {
        var model = new Metered(router);
        var report = P2.Run(dataFolder, pool, [() => model], 1, null, cancellationToken);
        var row = report.Rows.Single(r => r.Router == model.Name);
        return new HeldOutFigures(report.Pool!, pool.Models.Count, model.Rows, row.GainMean, row.GainMeanCi, model.Brier, model.ConstantBrier);
    }

    private sealed class Metered(IOutcomeModel model) : IOutcomeModel
    {
        public string Name => model.Name;

        public int Rows { get; private set; }

        public double Brier { get; private set; }

        public double ConstantBrier { get; private set; }

        public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
        {
            var predictions = model.FitPredict(train, test, seed, cancellationToken);
            Rows = test.Rows;
            Brier = SquaredError(predictions, test);
            ConstantBrier = SquaredError(new BestSingle().FitPredict(train, test, seed, cancellationToken), test);
            return predictions;
        }

        private static double SquaredError(OutcomePredictions predictions, OutcomeTable test) =>
            Enumerable.Range(0, test.Score.Length).Average(i => Math.Pow(predictions.Quality[i] - (double)test.Score[i], 2));
    }
}
