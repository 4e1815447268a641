namespace MetaRouter.Evaluation.Baselines;

/// <summary>What a model expects of each request; row-major n x K like the outcome table's matrices.</summary>
/// <param name="Quality">Expected score; 0 to 1 where the model keeps to it, finite always.</param>
/// <param name="CostUsd">Expected US dollars of the call, 0 or more.</param>
public sealed record OutcomePredictions(float[] Quality, double[] CostUsd);
