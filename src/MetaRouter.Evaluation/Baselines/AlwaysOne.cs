using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>One model for every request and every trade-off: the one of the least mean cost, or of the greatest mean score, on the training rows.</summary>
/// <param name="strongest">The strongest, not the cheapest.</param>
public sealed class AlwaysOne(bool strongest) : IOutcomeModel
{
    public string Name => strongest ? "always strongest" : "always cheapest";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        var means = new BestSingle().FitPredict(train, test, seed, cancellationToken);
        var (quality, cost) = ColumnMeans.Of(train);
        return new Predictions(means.Quality, means.CostUsd, strongest ? Array.IndexOf(quality, quality.Max()) : Array.IndexOf(cost, cost.Min()));
    }

    private sealed record Predictions(float[] Quality, double[] CostUsd, int Model) : OutcomePredictions(Quality, CostUsd)
    {
        public override bool ClaimsQuality => false;

        public override void Worth(int row, double price, Span<double> worth)
        {
            worth.Clear();
            worth[Model] = 1;
        }
    }
}
