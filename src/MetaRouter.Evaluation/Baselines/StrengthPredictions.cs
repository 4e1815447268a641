using MetaRouter.Core.Numerics;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>Of routers that only rank models: a deferral threshold is set against the strengths themselves, and a trade-off against the scores they were calibrated to.</summary>
/// <param name="Strength">Rows x models; a battle's odds are the sigmoid of a difference.</param>
public sealed record StrengthPredictions(float[] Quality, double[] CostUsd, double[] Strength) : OutcomePredictions(Quality, CostUsd)
{
    public override double Lead(int row, int models, int strong, int weak) => Strength[(row * models) + strong] - Strength[(row * models) + weak];

    public override double WinChance(int row, int models, int strong, int weak) => Logistic.Sigmoid(Lead(row, models, strong, weak));
}
