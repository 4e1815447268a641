namespace MetaRouter.Evaluation.Metrics;

/// <summary>What a router earns at one dial position.</summary>
/// <param name="Cost">Mean cost over tau, the pool's dearest mean cost; 1 is always the dearest model.</param>
/// <param name="Quality">Mean score, 0 to 1.</param>
public readonly record struct CostQuality(double Cost, double Quality);
