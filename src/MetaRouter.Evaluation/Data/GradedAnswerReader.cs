using System.Globalization;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Data;

/// <summary>
/// Reads one model's graded answers: JSON lines <c>{"query": text, "score": 0..1, "out"?: completion tokens}</c>, or an outcome file, of which the model's cells
/// are taken and need no price here. A line without the model is passed over, one that breaks the format is skipped and reported.
/// </summary>
public static class GradedAnswerReader
{
    /// <exception cref="DataFileException">The file cannot be read or holds no graded answer of the model.</exception>
    public static (IReadOnlyList<GradedAnswer> Answers, BadLines BadLines) Read(string path, ModelId model)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var (answers, bad) = (new List<GradedAnswer>(), new BadLines());
        foreach (var (line, bytes) in JsonLines.Read(path, bad))
        {
            try
            {
                using var document = JsonDocument.Parse(bytes);
                var row = document.RootElement;
                var cell = row;
                if (row.TryGetProperty("models", out var models) && !models.TryGetProperty(model.Value, out cell))
                {
                    continue;
                }

                if (!row.TryGetProperty("query", out var query) || query.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(query.GetString()))
                {
                    bad.Add(line, "'query' is missing, empty or not a string");
                    continue;
                }

                var score = Number(cell, "score", 1) ?? throw new FormatException($"'{model}' has no score; it must be a number from 0 to 1");
                answers.Add(new GradedAnswer(query.GetString()!, (float)score, (float)(Number(cell, "out", OutcomeReader.MostTokens) ?? double.NaN)));
            }
            catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
            {
                bad.Add(line, e is FormatException ? e.Message : "not a JSON object: " + JsonProblem.Of(e));
            }
        }

        return answers.Count > 0 ? (answers, bad) : throw new DataFileException($"{path}: no graded answer of '{model}'. "
            + (bad.Count > 0 ? $"First problem: {bad.First[0]}." : "A line is {\"query\",\"score\",\"out\"?}, or an outcome row with the model in it."));
    }

    private static double? Number(JsonElement cell, string name, double max)
    {
        if (!cell.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= 0 && number <= max
            ? number
            : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{name} is {value.GetRawText()}; it must be a number from 0 to {max}"));
    }
}
