namespace MetaRouter.Evaluation.Simulation;

/// <summary>One model's answer to one request: what was predicted of it and what it was.</summary>
/// <param name="Model">Which model.</param>
/// <param name="PredictedQuality">0 to 1, before the call.</param>
/// <param name="PredictedCostUsd">US dollars, before the call.</param>
/// <param name="Score">What the answer really scored, 0 to 1.</param>
/// <param name="CostUsd">What the call really cost, in US dollars.</param>
public sealed record StoryAnswer(string Model, float PredictedQuality, float PredictedCostUsd, float Score, float CostUsd);
