namespace MetaRouter.Evaluation.Training;

/// <summary>What the preference labels of one pair of models gave to the training.</summary>
/// <param name="File">Its short name.</param>
/// <param name="Judged">Requests with a preference label and without grades of both.</param>
/// <param name="Graded">Requests on which both models are graded: what the judge's bias was learned from.</param>
/// <param name="Shift">Mean of what was added to the first model's preferred gain over the second; below 0: the judge leans to the first.</param>
public sealed record TrainingPreferences(string File, string First, string Second, int Judged, int Graded, float Shift);
