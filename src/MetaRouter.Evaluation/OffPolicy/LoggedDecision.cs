namespace MetaRouter.Evaluation.OffPolicy;

/// <summary>One model that could have answered a logged request.</summary>
/// <param name="Quality">Expected score, 0 to 1.</param>
/// <param name="CostUsd">Expected US dollars.</param>
/// <param name="Utility">What the router thought it worth to the user.</param>
/// <param name="Propensity">The exact probability with which it would have been chosen.</param>
public readonly record struct LoggedCandidate(string Model, double Quality, double CostUsd, double Utility, double Propensity);

/// <summary>A decision from the log, and what the user made of the answer.</summary>
/// <param name="Chosen">Its place among the candidates.</param>
/// <param name="Reward">0 to 1; null: the user said nothing of it.</param>
public sealed record LoggedDecision(IReadOnlyList<LoggedCandidate> Candidates, int Chosen, double? Reward);
