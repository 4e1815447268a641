using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>Expects of every request what each model earned and cost on average: whatever the trade-off, it always chooses the one best model.</summary>
public sealed class BestSingle : IOutcomeModel
{
    public string Name => "best-single";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var (quality, cost) = ColumnMeans.Of(train);
        var (q, c) = (new float[test.Rows * quality.Length], new double[test.Rows * quality.Length]);
        for (var i = 0; i < q.Length; i++)
        {
            (q[i], c[i]) = ((float)quality[i % quality.Length], cost[i % quality.Length]);
        }

        return new OutcomePredictions(q, c);
    }
}
