namespace MetaRouter.Evaluation.Training;

/// <summary>What a snapshot was trained on, and what the same training is worth on requests it has not seen.</summary>
/// <param name="Version">The snapshot's, in hexadecimal.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Rows">Different requests.</param>
/// <param name="Merged">Rows of the files whose text an earlier row has; they are one request.</param>
/// <param name="Cells">Priced outcomes.</param>
/// <param name="Preferences">What labels of preference added, corrected by the grades.</param>
/// <param name="Words">Null: no text, the shipped vectors served.</param>
/// <param name="Sources">What the rows fall into by which models answered them: one, or benchmarks of different models that were joined.</param>
/// <param name="HeldOut">Of each pool that the data has enough rows of: trained on half of that pool.</param>
/// <param name="HeldOutTogether">The same pools: trained on every grade but those of their test halves. Null where that would be the same training.</param>
/// <param name="Notes">What was wrong or missing but did not stop the training.</param>
public sealed record TrainingReport(
    string Version,
    int Bytes,
    int Seed,
    int Rows,
    int Merged,
    int Cells,
    IReadOnlyList<TrainingFile> Files,
    IReadOnlyList<TrainingPreferences> Preferences,
    IReadOnlyList<SkippedFile> Skipped,
    TrainingWords? Words,
    IReadOnlyList<TrainedModel> Models,
    IReadOnlyList<TrainingSource> Sources,
    IReadOnlyList<HeldOutFigures> HeldOut,
    IReadOnlyList<HeldOutFigures>? HeldOutTogether,
    IReadOnlyList<string> Notes);
