using System.Text.Json;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Evaluation.Data;

/// <summary>
/// Reads preference labels, JSON lines: <c>{"id", "query", "model_a", "model_b", "votes": {"a": 2, "b": 1, "tie": 0}}</c>. A bad line is skipped and told of.
/// </summary>
public static class PreferenceReader
{
    /// <summary>Whether a line is meant as a preference label.</summary>
    public static bool IsOne(JsonElement line) =>
        line.ValueKind == JsonValueKind.Object && line.TryGetProperty("model_a", out _) && line.TryGetProperty("model_b", out _) && line.TryGetProperty("votes", out _);

    /// <exception cref="DataFileException">The file cannot be read.</exception>
    public static (IReadOnlyList<PreferencePair> Pairs, BadLines Bad) Read(string path)
    {
        var (pairs, bad) = (new List<PreferencePair>(), new BadLines());
        foreach (var (line, json) in JsonLines.Read(path))
        {
            try
            {
                using var document = JsonDocument.Parse(json);
                pairs.Add(Pair(document.RootElement, line));
            }
            catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
            {
                // Bad UTF-8 or a lone surrogate surfaces as InvalidOperationException when it is read or compared.
                bad.Add(line, e is FormatException ? e.Message : "not valid JSON: " + JsonProblem.Of(e));
            }
        }

        return (pairs, bad);
    }

    private static PreferencePair Pair(JsonElement row, int line)
    {
        if (!IsOne(row) || row.GetProperty("votes") is not { ValueKind: JsonValueKind.Object } votes)
        {
            throw new FormatException("not a preference: it needs 'model_a', 'model_b' and 'votes', an object");
        }

        var (first, second) = (Model(row, "model_a"), Model(row, "model_b"));
        if (first == second)
        {
            throw new FormatException($"'model_a' and 'model_b' are both '{first}'; a preference is between two models");
        }

        var counts = (Count(votes, "a"), Count(votes, "b"), Count(votes, "tie"));
        return counts is (0, 0, 0)
            ? throw new FormatException("'votes' has none; give at least one for 'a', 'b' or 'tie'")
            : new PreferencePair(
                row.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String ? id.GetString()! : line.ToString(System.Globalization.CultureInfo.InvariantCulture),
                Text(row, "query"), first, second, counts);
    }

    private static ModelId Model(JsonElement row, string name)
    {
        var text = Text(row, name);
        try
        {
            return new ModelId(text);
        }
        catch (ArgumentException)
        {
            throw new FormatException($"'{name}' is '{text}', not a model name: 1 to {ModelId.MaxLength} visible ASCII characters");
        }
    }

    private static string Text(JsonElement row, string name) =>
        row.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : throw new FormatException($"'{name}' is missing, empty or not a string");

    private static int Count(JsonElement votes, string name)
    {
        if (!votes.TryGetProperty(name, out var value))
        {
            return 0;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count is >= 0 and < 1_000_000
            ? count
            : throw new FormatException($"'votes' has '{name}' {value.GetRawText()}; it must be a whole number from 0");
    }
}
