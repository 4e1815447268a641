using System.Text.Json;

namespace MetaRouter.Evaluation.Data;

/// <summary>Reads unlabelled text, one <c>{"source","text"}</c> a line, plain or gzip.</summary>
public static class TextDocumentReader
{
    /// <exception cref="DataFileException">The file cannot be read or has no usable line.</exception>
    public static (IReadOnlyList<TextDocument> Documents, BadLines BadLines) Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var (documents, bad) = (new List<TextDocument>(), new BadLines());
        foreach (var (line, json) in JsonLines.Read(path))
        {
            try
            {
                using var document = JsonDocument.Parse(json);
                var row = document.RootElement;
                if (row.ValueKind != JsonValueKind.Object || !row.TryGetProperty("text", out var text) || text.ValueKind != JsonValueKind.String)
                {
                    bad.Add(line, "'text' is missing or not a string");
                    continue;
                }

                var source = row.TryGetProperty("source", out var s) && s.ValueKind == JsonValueKind.String ? s.GetString()! : "";
                documents.Add(new TextDocument(source, text.GetString()!));
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                bad.Add(line, "not valid JSON: " + JsonProblem.Of(e));
            }
        }

        return documents.Count > 0
            ? (documents, bad)
            : throw new DataFileException($"{path}: no usable line. " + (bad.Count == 0 ? "The file is empty." : $"First problem: {bad.First[0]}."));
    }
}
