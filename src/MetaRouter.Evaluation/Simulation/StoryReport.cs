namespace MetaRouter.Evaluation.Simulation;

/// <summary>A lived story.</summary>
public sealed record StoryReport(string Data, IReadOnlyList<string> Models, int Seed, StorySummary Summary, IReadOnlyList<StoryStep> Steps);
