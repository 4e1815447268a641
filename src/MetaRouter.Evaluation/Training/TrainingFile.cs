namespace MetaRouter.Evaluation.Training;

/// <summary>What one file of outcomes, or one pool of it, gave to the training.</summary>
/// <param name="Name">The file's short name, or the pool's.</param>
/// <param name="Models">Those with at least one priced outcome in it.</param>
/// <param name="Cells">Priced outcomes.</param>
/// <param name="Warning">Bad lines that were skipped; null: none.</param>
public sealed record TrainingFile(string Name, int Rows, int Models, int Cells, string? Warning);
