namespace MetaRouter.Evaluation.Simulation;

/// <summary>Whose story is lived, and how much of it.</summary>
/// <param name="UserLambda">The user's true trade-off, lambda_cost; finite, above 0. The router is never told.</param>
/// <param name="Requests">How many requests the user makes; at least 1, at most the rows there are.</param>
/// <param name="Seed">Fixes which requests come, what is drawn, and what the user says.</param>
public sealed record StoryOptions(double UserLambda, int Requests = 30, int Seed = 1);
