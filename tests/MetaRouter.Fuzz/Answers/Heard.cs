using System.Net.ServerSentEvents;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using static MetaRouter.Fuzz.FuzzTarget;

namespace MetaRouter.Fuzz.Answers;

/// <summary>What a client takes an answer for, that reads its form as strictly as any does.</summary>
/// <param name="IsWhole">It was told that nothing is missing.</param>
/// <param name="IsBroken">It was told that something is.</param>
/// <param name="Calls">As <see cref="RealAnswer.Calls"/>.</param>
internal readonly record struct Heard(bool IsWhole, bool IsBroken, string Text, string Calls)
{
    private const int Deepest = 5_000;

    /// <summary>Events of chat completions. What an upstream sends that is no JSON is handed on as it came, and says nothing.</summary>
    public static Heard ChatStream(ReadOnlyMemory<byte> bytes)
    {
        var (isWhole, isBroken, text, calls) = (false, false, new StringBuilder(), new SortedDictionary<int, (string Name, StringBuilder Given)>());
        foreach (var (_, data) in Events(bytes))
        {
            Promise(!isWhole, "Something follows the end.");
            if (data == "[DONE]")
            {
                isWhole = true;
                continue;
            }

            try
            {
                using var chunk = JsonDocument.Parse(data);
                isBroken |= HasError(chunk.RootElement);
                if (First(chunk.RootElement) is { } choice)
                {
                    Hear(Field(choice, "delta"), text, calls);
                }
            }
            catch (JsonException)
            {
                // As it came.
            }
        }

        return new(isWhole, isBroken, text.ToString(), Joined(calls.Values.Select(c => (c.Name, c.Given.ToString()))));
    }

    public static Heard ChatWhole(JsonElement root)
    {
        var (text, calls) = (new StringBuilder(), new SortedDictionary<int, (string Name, StringBuilder Given)>());
        if (First(root) is { } choice)
        {
            Hear(Field(choice, "message"), text, calls);
        }

        return new(true, false, text.ToString(), Joined(calls.Values.Select(c => (c.Name, c.Given.ToString()))));
    }

    /// <summary>Events of Anthropic's messages.</summary>
    public static Heard MessagesStream(ReadOnlyMemory<byte> bytes)
    {
        var (hasBegun, hasStopped, isWhole, isBroken, blocks, open) = (false, false, false, false, 0, default(string));
        var (text, calls) = (new StringBuilder(), new List<(string Name, StringBuilder Given)>());
        foreach (var (type, data) in Typed(bytes))
        {
            Promise(!isWhole && !isBroken, $"{type} follows the end.");
            Promise(hasBegun || type is "message_start" or "ping" or "error", $"{type} before the beginning.");
            switch (type)
            {
                case "message_start":
                    Promise(!hasBegun, "A second beginning.");
                    hasBegun = true;
                    CheckMessage(data.GetProperty("message"));
                    break;
                case "content_block_start":
                    Promise(open is null && !hasStopped && data.GetProperty("index").GetInt32() == blocks, "A block in a block, or misnumbered.");
                    open = data.GetProperty("content_block").GetProperty("type").GetString();
                    Promise(open is "text" or "tool_use", $"A block of type {open}.");
                    if (open == "tool_use")
                    {
                        Promise(data.GetProperty("content_block").GetProperty("id").GetString() is { Length: > 0 }, "A call without an id.");
                        calls.Add((data.GetProperty("content_block").GetProperty("name").GetString()!, new StringBuilder()));
                    }

                    break;
                case "content_block_delta":
                    Promise(open is not null && data.GetProperty("index").GetInt32() == blocks, "A piece of no block.");
                    var delta = data.GetProperty("delta");
                    Promise(delta.GetProperty("type").GetString() == (open == "text" ? "text_delta" : "input_json_delta"), "A piece of another kind than its block.");
                    (open == "text" ? text : calls[^1].Given).Append(delta.GetProperty(open == "text" ? "text" : "partial_json").GetString());
                    break;
                case "content_block_stop":
                    Promise(open is not null && data.GetProperty("index").GetInt32() == blocks++, "The end of no block.");
                    open = null;
                    break;
                case "message_delta":
                    Promise(open is null && !hasStopped, "The end with a block open, or twice.");
                    hasStopped = true;
                    Promise(data.GetProperty("delta").GetProperty("stop_reason").GetString() is { Length: > 0 }, "No reason to stop.");
                    CheckCounts(data.GetProperty("usage"), "input_tokens", "output_tokens", "cache_read_input_tokens");
                    break;
                case "message_stop":
                    Promise(hasStopped, "Stopped without a reason.");
                    isWhole = true;
                    break;
                case "error":
                    Promise(data.GetProperty("error").GetProperty("message").ValueKind == JsonValueKind.String, "An error that does not say why.");
                    isBroken = true;
                    break;
                default:
                    Promise(type == "ping", $"An event of type {type}.");
                    break;
            }
        }

        return new(isWhole, isBroken, text.ToString(), Joined(calls.Select(c => (c.Name, c.Given.ToString()))));
    }

    public static Heard MessagesWhole(JsonElement root)
    {
        CheckMessage(root);
        Promise(root.GetProperty("stop_reason").GetString() is { Length: > 0 }, "No reason to stop.");
        var (text, calls) = (new StringBuilder(), new List<(string, string)>());
        foreach (var block in root.GetProperty("content").EnumerateArray())
        {
            if (block.GetProperty("type").GetString() == "text")
            {
                text.Append(block.GetProperty("text").GetString());
            }
            else
            {
                Promise(block.GetProperty("type").GetString() == "tool_use" && block.GetProperty("input").ValueKind == JsonValueKind.Object && block.GetProperty("id").GetString() is { Length: > 0 }, "A call that is none.");
                calls.Add((block.GetProperty("name").GetString()!, block.GetProperty("input").GetRawText()));
            }
        }

        return new(true, false, text.ToString(), Joined(calls));
    }

    /// <summary>Events of OpenAI's responses.</summary>
    public static Heard ResponsesStream(ReadOnlyMemory<byte> bytes)
    {
        var (number, items, open, hasPart, isWhole, hasFailed, isBroken) = (0, 0, default(string), false, false, false, false);
        var (told, heard) = (new StringBuilder(), default(Heard));
        foreach (var (type, data) in Typed(bytes))
        {
            Promise(!isWhole && !isBroken, $"{type} follows the end.");
            Promise(!hasFailed || type == "response.failed", $"{type} follows an error.");
            Promise(data.GetProperty("sequence_number").GetInt32() == number, "Misnumbered events.");
            Promise(number++ switch { 0 => type == "response.created", 1 => type == "response.in_progress", _ => true }, $"{type} in the place of the beginning.");
            switch (type)
            {
                case "response.created" or "response.in_progress":
                    Promise(number <= 2, "A second beginning.");
                    break;
                case "response.output_item.added":
                    Promise(open is null && data.GetProperty("output_index").GetInt32() == items, "An item in an item, or misnumbered.");
                    open = data.GetProperty("item").GetProperty("id").GetString();
                    told.Clear();
                    break;
                case "response.output_item.done":
                    Promise(open == data.GetProperty("item").GetProperty("id").GetString() && !hasPart && data.GetProperty("output_index").GetInt32() == items++, "The end of another item.");
                    Promise(Said(data.GetProperty("item")) == told.ToString(), "An item is not the sum of its pieces.");
                    open = null;
                    break;
                case "response.completed" or "response.incomplete":
                    Promise(open is null && "response." + data.GetProperty("response").GetProperty("status").GetString() == type, "Ends with an item open, or as another.");
                    heard = ResponsesWhole(data.GetProperty("response"));
                    Promise(data.GetProperty("response").GetProperty("output").GetArrayLength() == items, "Not all items are in the response.");
                    isWhole = true;
                    break;
                case "error":
                    Promise(data.GetProperty("message").GetString() is not null, "An error that does not say why.");
                    hasFailed = true;
                    break;
                case "response.failed":
                    Promise(hasFailed, "A failure without its error.");
                    isBroken = true;
                    break;
                default:
                    Promise(open is not null && data.GetProperty("item_id").GetString() == open && data.GetProperty("output_index").GetInt32() == items, $"{type} of no item.");
                    hasPart = type switch { "response.content_part.added" => true, "response.content_part.done" => false, _ => hasPart };
                    told.Append(type.EndsWith(".delta", StringComparison.Ordinal) ? data.GetProperty("delta").GetString() : "");
                    if (type is "response.output_text.done" or "response.reasoning_text.done")
                    {
                        Promise(data.GetProperty("text").GetString() == told.ToString(), "A text is not the sum of its pieces.");
                    }

                    break;
            }
        }

        return heard with { IsWhole = isWhole, IsBroken = isBroken };
    }

    public static Heard ResponsesWhole(JsonElement root)
    {
        Promise(root.GetProperty("object").GetString() == "response" && root.GetProperty("id").GetString() is { Length: > 0 } && root.GetProperty("status").GetString() is "completed" or "incomplete", "No response.");
        CheckCounts(root.GetProperty("usage"), "input_tokens", "output_tokens", "total_tokens");
        var (text, calls) = (new StringBuilder(), new List<(string, string)>());
        foreach (var item in root.GetProperty("output").EnumerateArray())
        {
            switch (item.GetProperty("type").GetString())
            {
                case "message" when item.GetProperty("content")[0].GetProperty("type").GetString() == "output_text":
                    text.Append(Said(item));
                    break;
                case "function_call" or "custom_tool_call":
                    Promise(item.GetProperty("call_id").GetString() is { Length: > 0 }, "A call without an id.");
                    calls.Add((item.GetProperty("name").GetString()!, Said(item)));
                    break;
                default:
                    Said(item);
                    break;
            }
        }

        Promise(root.GetProperty("output").GetArrayLength() > 0, "A response with nothing in it.");
        return new(true, false, text.ToString(), Joined(calls));
    }

    private static string Said(JsonElement item) => item.GetProperty("type").GetString() switch
    {
        "function_call" => item.GetProperty("arguments").GetString()!,
        "custom_tool_call" => item.GetProperty("input").GetString()!,
        _ => string.Concat(item.GetProperty("content").EnumerateArray().Select(p => p.GetProperty(p.GetProperty("type").GetString() == "refusal" ? "refusal" : "text").GetString())),
    };

    private static void CheckMessage(JsonElement message)
    {
        Promise(message.GetProperty("type").GetString() == "message" && message.GetProperty("role").GetString() == "assistant" && message.GetProperty("content").ValueKind == JsonValueKind.Array, "No message.");
        CheckCounts(message.GetProperty("usage"), "input_tokens", "output_tokens", "cache_read_input_tokens");
    }

    private static void CheckCounts(JsonElement usage, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            Promise(usage.GetProperty(name).GetInt64() >= 0, $"{name} below 0.");
        }
    }

    private static IEnumerable<(string Type, string Data)> Events(ReadOnlyMemory<byte> bytes)
    {
        using var stream = new MemoryStream(bytes.ToArray());
        foreach (var item in SseParser.Create(stream).Enumerate())
        {
            yield return (item.EventType, item.Data);
        }
    }

    /// <summary>Of a form that the gateway writes itself: each is JSON, and says its type twice.</summary>
    private static IEnumerable<(string Type, JsonElement Data)> Typed(ReadOnlyMemory<byte> bytes)
    {
        Promise(Utf8.IsValid(bytes.Span), "Bytes that are no text.");
        foreach (var (type, data) in Events(bytes))
        {
            using var document = JsonDocument.Parse(data, new JsonDocumentOptions { MaxDepth = Deepest });
            Promise(document.RootElement.GetProperty("type").GetString() == type, "An event of two types.");
            yield return (type, document.RootElement);
        }
    }

    private static JsonElement Field(JsonElement of, string name)
    {
        try
        {
            return of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var value) ? value : default;
        }
        catch (InvalidOperationException)
        {
            return default; // half of a surrogate pair in a name
        }
    }

    /// <summary>Of an answer that its upstream wrote, but for this: other names in it may be no text, which cannot be looked up in.</summary>
    public static string? ModelOf(JsonElement root) => root.EnumerateObject().Where(f => IsNamed(f, "model")).Select(f => f.Value.GetString()).LastOrDefault();

    private static bool HasError(JsonElement root) =>
        root.ValueKind == JsonValueKind.Object && root.EnumerateObject().Any(f => f.Value.ValueKind != JsonValueKind.Null && IsNamed(f, "error"));

    private static bool IsNamed(JsonProperty field, string name)
    {
        try
        {
            return field.NameEquals(name);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static JsonElement? First(JsonElement root) =>
        Field(root, "choices") is { ValueKind: JsonValueKind.Array } choices && choices.EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } first && Number(Field(first, "index")) == 0 ? first : null;

    private static void Hear(JsonElement message, StringBuilder text, SortedDictionary<int, (string Name, StringBuilder Given)> calls)
    {
        var content = Field(message, "content");
        text.Append(TextOf(content));
        foreach (var part in content.ValueKind == JsonValueKind.Array ? content.EnumerateArray() : default)
        {
            text.Append(TextOf(Field(part, "type")) == "text" ? TextOf(Field(part, "text")) : "");
        }

        var at = 0;
        foreach (var call in Field(message, "tool_calls") is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : default)
        {
            var index = Field(call, "index").ValueKind == JsonValueKind.Number ? Number(Field(call, "index")) : at;
            var of = Field(call, "function").ValueKind == JsonValueKind.Object ? Field(call, "function") : Field(call, "custom");
            var known = calls.GetValueOrDefault(index, ("", new StringBuilder()));
            var given = Field(of, "arguments").ValueKind == JsonValueKind.Undefined ? Field(of, "input") : Field(of, "arguments");
            known.Item2.Append(given.ValueKind == JsonValueKind.Object ? Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(given)) : TextOf(given));
            calls[index] = (known.Item1 + TextOf(Field(of, "name")), known.Item2);
            at++;
        }
    }

    private static string TextOf(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        }
        catch (InvalidOperationException)
        {
            return "";
        }
    }

    private static int Number(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : 0;

    private static string Joined(IEnumerable<(string Name, string Given)> calls) => string.Concat(calls.Select(c => $"{c.Name}({c.Given})"));
}
