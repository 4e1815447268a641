namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// Training requests with what a predictor not fitted on them expected and what really happened: all that a value table needs,
/// for whichever of the models a catalog lists and at whatever prices. No text. Rows in CSR form, one cell for each model that answered.
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

    /// <summary>The sample with one more model: on every row its kin's cells, weighted.</summary>
    /// <param name="kin">Models and weights that sum to 1; on a row where half of the weight is missing the model has no cell.</param>
    /// <param name="quality">Added to expected quality and to score.</param>
    /// <param name="tokens">Factor of the completion tokens, expected and used.</param>
    internal CalibrationSample WithKin(ushort model, (int Model, double Weight)[] kin, float quality, float tokens)
    {
        var weight = kin.ToDictionary(k => k.Model, k => (float)k.Weight);
        var start = new int[Start.Length];
        var cells = new List<(ushort Model, float Quality, float Score, float Expected, float Output, float Input)>();
        for (var row = 0; row < Rows; row++)
        {
            var (sum, cell) = (0f, (Quality: 0f, Score: 0f, Expected: 0f, Output: 0f, Input: 0f));
            for (var c = Start[row]; c < Start[row + 1]; c++)
            {
                cells.Add((Model[c], Quality[c], Score[c], ExpectedTokens[c], OutputTokens[c], InputTokens[c]));
                if (weight.TryGetValue(Model[c], out var w))
                {
                    sum += w;
                    cell = (
                        cell.Quality + (w * Quality[c]), cell.Score + (w * Score[c]),
                        cell.Expected + (w * ExpectedTokens[c]), cell.Output + (w * OutputTokens[c]),
                        cell.Input + (w * InputTokens[c]));
                }
            }

            if (sum >= .5f)
            {
                cells.Add((
                    model,
                    Math.Clamp((cell.Quality / sum) + quality, 0, 1),
                    Math.Clamp((cell.Score / sum) + quality, 0, 1),
                    tokens * cell.Expected / sum, tokens * cell.Output / sum, cell.Input / sum));
            }

            start[row + 1] = cells.Count;
        }

        return new CalibrationSample(
            start, [.. cells.Select(c => c.Model)], [.. cells.Select(c => c.Quality)],
            [.. cells.Select(c => c.Score)], [.. cells.Select(c => c.Expected)],
            [.. cells.Select(c => c.Output)], [.. cells.Select(c => c.Input)]);
    }

    private static float[] Round(float[] values) => [.. values.Select(v => (float)(Half)v)];
}
