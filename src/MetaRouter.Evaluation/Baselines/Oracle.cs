using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>Knows the realised outcomes of the test rows. Not a router but the ceiling of all.</summary>
public sealed class Oracle : IOutcomeModel
{
    public string Name => "oracle";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(test);
        return new OutcomePredictions(test.Score, test.CostUsd);
    }
}
