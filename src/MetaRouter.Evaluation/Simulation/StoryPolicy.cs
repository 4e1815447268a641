namespace MetaRouter.Evaluation.Simulation;

/// <summary>One way of answering the story's requests, and what it came to.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Model">The one model it always uses; null: it chooses.</param>
/// <param name="Quality">Mean score of the answers.</param>
/// <param name="CostUsd">US dollars for all requests together.</param>
/// <param name="Worth">Mean utility to this user, (q - lambda c / tau) / (1 + lambda): the figure to maximise.</param>
public sealed record StoryPolicy(string Name, string? Model, double Quality, float CostUsd, double Worth);
