using System.Text.Json;
using static MetaRouter.Gateway.Http.LenientJson;

namespace MetaRouter.Gateway.Upstream;

/// <summary>Reads a completion that is put into another form. It was paid for: what is not as it should be is read past.</summary>
internal static class Completion
{
    /// <summary>What a message, or a piece of it, says: a text, or those of a list of parts.</summary>
    public static string? ContentOf(JsonElement message) => Text(message, "content") ?? InParts(Field(message, "content"), "text");

    /// <summary>What the model thought, where the upstream tells: DeepSeek's and vLLM's spelling, then OpenRouter's, then Mistral's parts.</summary>
    public static string? ReasoningOf(JsonElement message) =>
        Text(message, "reasoning_content") ?? Text(message, "reasoning") ?? string.Concat(List(message, "content").Select(p => InParts(Field(p, "thinking"), "text")));

    private static string? InParts(JsonElement parts, string type) =>
        parts.ValueKind != JsonValueKind.Array ? null : string.Concat(parts.EnumerateArray().Where(p => Is(Field(p, "type"), type)).Select(p => Text(p, "text")));

    /// <summary>Other forms have a place for one.</summary>
    public static JsonElement FirstChoice(JsonElement completion)
    {
        foreach (var choice in List(completion, "choices"))
        {
            return choice;
        }

        return default;
    }

    /// <summary>The number under which a piece of a tool call comes, 0 or more.</summary>
    public static int Index(JsonElement call) => Field(call, "index") is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var at) ? Math.Max(0, at) : 0;

    /// <summary>The tool that a call, or the piece that begins one, names; a tool's own name too.</summary>
    public static string? NameIn(JsonElement call) => Text(Field(call, "function"), "name") ?? Text(Field(call, "custom"), "name");

    /// <summary>What a call, or a piece of it, gives the tool.</summary>
    public static string? ArgumentsOf(JsonElement call) => Arguments(Field(call, "function")) ?? Text(Field(call, "custom"), "input");

    /// <summary>A text of JSON; of some upstreams the object itself.</summary>
    public static string? Arguments(JsonElement function) => Field(function, "arguments") is { ValueKind: JsonValueKind.Object } given ? Raw(given) : Text(function, "arguments");

    /// <summary>What an error says: within a field of its own or, of vLLM before version 0.10.1, without.</summary>
    public static string? ErrorMessageOf(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        if (!JsonDocument.TryParseValue(ref reader, out var document))
        {
            return null;
        }

        using (document)
        {
            return Text(Field(document.RootElement, "error"), "message") ?? Text(document.RootElement, "message");
        }
    }
}
