using System.Globalization;
using System.Text.Json;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Grading;

/// <summary>
/// Reads requests to ask: JSON lines with <c>query</c> (or <c>text</c>, <c>prompt</c>), or with OpenAI's <c>messages</c>, of which the user's last text is the query; <c>id</c>,
/// <c>dataset</c> and <c>answer</c> (a text, a number, or a list of them) where they are known. Or a table with such columns, a plain .txt with one request a line, or an outcome file, whose answers are passed over.
/// Lines of one text are one request, as in outcome files: the first stands.
/// </summary>
public static class GradingPromptReader
{
    /// <exception cref="DataFileException">The file cannot be read or holds no request.</exception>
    public static (IReadOnlyList<GradingPrompt> Prompts, BadLines BadLines) Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var isPlain = PlainLine.IsIn(path);
        var dataset = isPlain ? Path.GetFileNameWithoutExtension(path) : DataFolder.NameOf(path);
        var (prompts, bad) = (new List<GradingPrompt>(), new BadLines());
        var (texts, ids) = (new Dictionary<string, int>(StringComparer.Ordinal), new Dictionary<string, int>(StringComparer.Ordinal));
        foreach (var (line, bytes) in JsonLines.Read(path, bad, areOutcomes: false))
        {
            try
            {
                var (prompt, isOutcome) = isPlain ? (Of(line, PlainLine.Read(bytes.Span), dataset), false) : Parse(line, bytes, dataset);
                if (texts.TryGetValue(prompt.Query, out var earlier))
                {
                    if (!isOutcome)
                    {
                        bad.Add(line, string.Create(CultureInfo.InvariantCulture, $"the request of line {earlier} again"));
                    }
                }
                else if (!ids.TryAdd(prompt.Id, line))
                {
                    bad.Add(line, string.Create(CultureInfo.InvariantCulture, $"id '{prompt.Id}' has another request on line {ids[prompt.Id]}"));
                }
                else
                {
                    texts.Add(prompt.Query, line);
                    prompts.Add(prompt);
                }
            }
            catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
            {
                // Bad UTF-8 or a lone surrogate surfaces as InvalidOperationException when it is read.
                bad.Add(line, e is FormatException ? e.Message : "not a JSON object: " + JsonProblem.Of(e));
            }
        }

        return prompts.Count > 0 ? (prompts, bad) : throw new DataFileException($"{path}: no request. " + (bad.Count == 0 ? "The file is empty." : $"First problem: {bad.First[0]}."));
    }

    private static (GradingPrompt Prompt, bool IsOutcome) Parse(int line, ReadOnlyMemory<byte> json, string dataset)
    {
        using var document = JsonDocument.Parse(json);
        var row = document.RootElement;
        var text = TrafficReader.TextOf(row);
        var messages = row.TryGetProperty("messages", out var given) && given.ValueKind == JsonValueKind.Array ? given : default;
        text ??= messages.ValueKind == JsonValueKind.Array ? Asked(messages) : null;
        if (text is null)
        {
            throw new FormatException("has no query, text or prompt, nor messages with a user's text");
        }

        var prompt = Of(line, text, row.TryGetProperty("dataset", out var kind) && kind.ValueKind == JsonValueKind.String && kind.GetString() is { Length: > 0 } named ? named : dataset);
        return (prompt with
        {
            Id = row.TryGetProperty("id", out var id) && Text(id) is { Length: > 0 } own ? own : prompt.Id,
            Messages = messages.ValueKind == JsonValueKind.Array ? messages.GetRawText() : prompt.Messages,
            References = row.TryGetProperty("answer", out var answer) ? References(answer) : [],
        }, row.TryGetProperty("models", out _));
    }

    private static GradingPrompt Of(int line, string query, string dataset) =>
        new(line, Split.Hash(query, 0).ToString("x16", CultureInfo.InvariantCulture), dataset, query, JsonSerializer.Serialize(new[] { new { role = "user", content = query } }), []);

    /// <summary>The text of the user's last message that has one.</summary>
    private static string? Asked(JsonElement messages) => messages.EnumerateArray()
        .Where(m => m.TryGetProperty("role", out var role) && role.ValueEquals("user"))
        .Select(m => m.TryGetProperty("content", out var content) ? content.ValueKind == JsonValueKind.Array
            ? string.Join('\n', content.EnumerateArray().Select(p => p.TryGetProperty("text", out var part) ? Text(part) : null).Where(t => t is not null))
            : Text(content) : null)
        .LastOrDefault(t => !string.IsNullOrWhiteSpace(t));

    private static IReadOnlyList<string> References(JsonElement answer) => answer.ValueKind switch
    {
        JsonValueKind.Null => [],
        JsonValueKind.Array => [.. answer.EnumerateArray().SelectMany(References)],
        _ => Text(answer) is { } text && !string.IsNullOrWhiteSpace(text) ? [text] : throw new FormatException("'answer' is neither a text, a number nor a list of them, or is empty"),
    };

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        _ => null,
    };
}
