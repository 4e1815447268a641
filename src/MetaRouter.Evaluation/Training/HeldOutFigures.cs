using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Training;

/// <summary>What the same training on one half of a pool's rows is worth on the other half.</summary>
/// <param name="Rows">Test rows.</param>
/// <param name="Gain">P2's mean gain over the best single model, lambda 0 to 1; in quality, 0 to 1.</param>
/// <param name="Brier">Mean squared error of the predicted quality.</param>
/// <param name="ConstantBrier">The same of each model's mean on the training half.</param>
public sealed record HeldOutFigures(string Pool, int Models, int Rows, double Gain, Interval GainCi, double Brier, double ConstantBrier);
