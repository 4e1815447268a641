using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Training;

/// <summary>P2 with one split, seed 0, for the router that ships alone; and how far its qualities are off.</summary>
public static class HeldOut
{
    /// <exception cref="DataFileException">The pool's file cannot be used or has too few rows.</exception>
    public static HeldOutFigures Measure(string dataFolder, Pool pool, CancellationToken cancellationToken)
    {
        var model = new Metered(new MetaRouterModel());
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
