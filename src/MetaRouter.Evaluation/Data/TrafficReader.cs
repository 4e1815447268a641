using System.Text.Json;

namespace MetaRouter.Evaluation.Data;

/// <summary>
/// Reads the texts of requests: JSON lines with a <c>query</c>, <c>text</c> or <c>prompt</c> (outcome files have the first), or a plain .txt with one request a
/// line. Outcomes of one text are one request.
/// </summary>
public static class TrafficReader
{
    private static readonly string[] s_names = ["query", "text", "prompt"];

    /// <exception cref="DataFileException">The file cannot be read or holds no request.</exception>
    public static (IReadOnlyList<string> Requests, BadLines BadLines) Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var plain = PlainLine.IsIn(path);
        var (requests, bad) = (new List<string>(), new BadLines());
        var answered = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (line, bytes) in JsonLines.Read(path, bad))
        {
            try
            {
                if (plain)
                {
                    requests.Add(PlainLine.Read(bytes.Span));
                    continue;
                }

                using var document = JsonDocument.Parse(bytes);
                var row = document.RootElement;
                if (TextOf(row) is not { } text)
                {
                    bad.Add(line, $"has none of {string.Join(", ", s_names)}");
                }
                else if (!row.TryGetProperty("models", out _) || answered.Add(text))
                {
                    requests.Add(text);
                }
            }
            catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
            {
                bad.Add(line, e is FormatException ? e.Message : "not a JSON object: " + JsonProblem.Of(e));
            }
        }

        return requests.Count > 0 ? (requests, bad) : throw new DataFileException($"{path}: no request. " + (bad.Count == 0 ? "The file is empty." : $"First problem: {bad.First[0]}."));
    }

    /// <summary>A row's request; null: it has none.</summary>
    internal static string? TextOf(JsonElement row) =>
        s_names.Select(n => row.TryGetProperty(n, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null).FirstOrDefault(t => !string.IsNullOrWhiteSpace(t));
}
