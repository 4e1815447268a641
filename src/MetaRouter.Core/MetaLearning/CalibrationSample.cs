namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// Training requests with what a predictor not fitted on them expected and what really happened: all that a value table needs,
/// for whichever of the models a catalog lists and at whatever prices. No text. Rows in CSR form, one cell a model that answered.
/// </summary>
/// <param name="Start">Row i holds cells <c>Start[i]..Start[i + 1]</c>.</param>
/// <param name="Model">The snapshot's model number of each cell.</param>
/// <param name="Quality">Expected quality, 0 to 1.</param>
/// <param name="Score">Realised score, 0 to 1.</param>
/// <param name="ExpectedTokens">Completion tokens expected.</param>
/// <param name="OutputTokens">Completion tokens used.</param>
/// <param name="InputTokens">Prompt tokens used.</param>
public sealed record CalibrationSample(int[] Start, ushort[] Model, float[] Quality, float[] Score, float[] ExpectedTokens, float[] OutputTokens, float[] InputTokens)
{
    public int Rows => Start.Length - 1;

    /// <summary>Rounds qualities and scores to half precision, as a snapshot stores them, so that a fresh snapshot and one read back are equal.</summary>
    internal CalibrationSample Rounded() => this with { Quality = Round(Quality), Score = Round(Score) };

    private static float[] Round(float[] values) => [.. values.Select(v => (float)(Half)v)];
}
