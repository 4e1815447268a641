namespace MetaRouter.Evaluation.Training;

/// <summary>A model that a snapshot knows.</summary>
/// <param name="InputUsd">US dollars per million prompt tokens, fitted to what the calls cost.</param>
/// <param name="OutputUsd">US dollars per million completion tokens.</param>
/// <param name="Outcomes">Priced outcomes it was learned from.</param>
/// <param name="Timed">Outcomes whose latency is known.</param>
/// <param name="Note">What to know of its prices; null: nothing.</param>
public sealed record TrainedModel(string Id, double InputUsd, double OutputUsd, int Outcomes, int Timed, string? Note);
