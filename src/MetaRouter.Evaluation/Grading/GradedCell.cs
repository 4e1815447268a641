using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Grading;

/// <summary>A model's graded answer to a request: a line of an outcome file. Figures that are not known are NaN, and are left out of it.</summary>
/// <param name="Score">0 to 1.</param>
/// <param name="Seconds">Until the answer was whole.</param>
public sealed record GradedCell(string Id, string Dataset, string Query, ModelId Model, double Score, double CostUsd, double InputTokens, double OutputTokens, double Seconds)
{
    private static readonly JsonSerializerOptions s_json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Who graded it; null: it was compared with a right answer.</summary>
    public string? Judge { get; init; }

    /// <summary>What the model said; null: not kept.</summary>
    public string? Answer { get; init; }

    /// <summary>What the judge said of it; null: not kept, or nobody judged.</summary>
    public string? Verdict { get; init; }

    /// <summary>The line, without its end.</summary>
    public string ToLine() => JsonSerializer.Serialize(
        new
        {
            id = Id,
            dataset = Dataset,
            query = Query,
            models = new Dictionary<string, object> { [Model.Value] = new { score = Score, cost_usd = Known(CostUsd), @in = Known(InputTokens), @out = Known(OutputTokens), lat_s = Known(Math.Round(Seconds, 3)), judge = Judge, answer = Answer, verdict = Verdict } },
        }, s_json);

    /// <summary>The answers that a file of such lines, or another outcome file, has; lines that are none are passed over.</summary>
    /// <exception cref="DataFileException">The file cannot be read.</exception>
    public static IReadOnlyList<GradedCell> Read(string path)
    {
        var cells = new List<GradedCell>();
        foreach (var (_, json) in JsonLines.Read(path))
        {
            try
            {
                using var document = JsonDocument.Parse(json);
                var row = document.RootElement;
                string Text(string name) => row.GetProperty(name).GetString() ?? "";
                cells.AddRange(row.GetProperty("models").EnumerateObject().Select(m => new GradedCell(
                    Text("id"), Text("dataset"), Text("query"), new ModelId(m.Name), m.Value.GetProperty("score").GetDouble(), Number(m.Value, "cost_usd"), Number(m.Value, "in"), Number(m.Value, "out"), Number(m.Value, "lat_s"))
                {
                    Judge = m.Value.TryGetProperty("judge", out var judge) && judge.ValueKind == JsonValueKind.String ? judge.GetString() : null,
                }).ToArray());
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
            {
                // Whoever trains on the file is told of it.
            }
        }

        return cells;
    }

    private static double? Known(double figure) => double.IsNaN(figure) ? null : figure;

    private static double Number(JsonElement cell, string name) => cell.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : double.NaN;
}
