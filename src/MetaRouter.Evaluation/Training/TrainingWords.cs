namespace MetaRouter.Evaluation.Training;

/// <summary>The unlabelled text that word vectors were learned from.</summary>
/// <param name="File">Its name in the data folder.</param>
/// <param name="Words">How many words have a vector.</param>
public sealed record TrainingWords(string File, int Documents, int Words);
