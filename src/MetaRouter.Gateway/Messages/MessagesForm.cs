using System.Buffers;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;
using static MetaRouter.Gateway.Http.LenientJson;
using static MetaRouter.Gateway.Upstream.Completion;

namespace MetaRouter.Gateway.Messages;

/// <summary>An upstream's completion as a message of Anthropic's: its first choice, text and tool calls, with the receipt as id. An upstream's message is one already.</summary>
internal sealed class MessagesForm : IAnswerForm
{
    public static MessagesForm Instance { get; } = new();

    public bool CanCompare => false;

    public Task WriteAsync(ChatCall call, UpstreamAnswer answer, string? receipt, Spending? spent)
    {
        if (answer.Api == UpstreamApi.Messages)
        {
            return NativeMessagesForm.Instance.WriteAsync(call, answer, receipt, spent);
        }

        var context = call.Context;
        context.Response.StatusCode = answer.Status;
        if (spent is not { } known)
        {
            return Answers.WriteJsonAsync(context, MessagesError.OfRefusal(call, answer));
        }

        using var document = JsonDocument.Parse(answer.Body);
        var choice = FirstChoice(document.RootElement);
        var buffer = new ArrayBufferWriter<byte>(answer.Body.Length + 1024);
        using (var to = new Utf8JsonWriter(buffer, ChatPieces.Readable))
        {
            to.WriteStartObject();
            Head(to, receipt ?? Text(document.RootElement, "id") ?? "", answer);
            to.WriteStartArray("content");
            var calls = Content(to, Field(choice, "message"));
            to.WriteEndArray();
            Stop(to, Text(choice, "finish_reason"), calls, Matched(choice, call));
            Usage(to, known.Tokens);
            to.WriteEndObject();
        }

        return Answers.WriteJsonAsync(context, RouterDetails.Append(buffer.WrittenMemory, RouterDetails.Of(call, receipt, known)));
    }

    public IStreamForm Begin(ChatCall call, UpstreamAnswer answer, string? receipt) =>
        answer.Api == UpstreamApi.Messages ? NativeMessagesForm.Instance.Begin(call, answer, receipt) : new MessagesStream(call, answer, receipt);

    /// <returns>Whether there are tool calls.</returns>
    private static bool Content(Utf8JsonWriter to, JsonElement message)
    {
        if (ContentOrRefusal(message) is { Length: > 0 } text)
        {
            to.WriteStartObject();
            to.WriteString("type", "text");
            to.WriteString("text", text);
            to.WriteEndObject();
        }

        var hasCalls = false;
        foreach (var call in List(message, "tool_calls"))
        {
            hasCalls = true;
            var function = Field(call, "function");
            to.WriteStartObject();
            to.WriteString("type", "tool_use");
            to.WriteString("id", IdOf(Text(call, "id")));
            to.WriteString("name", Text(function, "name") ?? "");
            to.WritePropertyName("input");
            Input(to, Arguments(function) ?? "");
            to.WriteEndObject();
        }

        return hasCalls;
    }

    public static string? ContentOrRefusal(JsonElement message) => ContentOf(message) is { Length: > 0 } said ? said : Text(message, "refusal");

    /// <summary>Results come back by the calls' ids, so a call gets one if the upstream gave none.</summary>
    public static string IdOf(string? given) => string.IsNullOrEmpty(given) ? $"toolu_{Guid.NewGuid():N}" : given;

    /// <summary>A model may write arguments that are not an object; they are wrapped in one, not lost.</summary>
    private static void Input(Utf8JsonWriter to, string arguments)
    {
        try
        {
            using var parsed = JsonDocument.Parse(arguments.Length == 0 ? "{}" : arguments);
            if (parsed.RootElement.ValueKind == JsonValueKind.Object)
            {
                to.WriteRawValue(arguments.Length == 0 ? "{}" : arguments, skipInputValidation: true); // unchanged: it may hold half of a surrogate pair
                return;
            }
        }
        catch (JsonException)
        {
            // As below.
        }

        to.WriteStartObject();
        to.WriteString("unparsed_arguments", arguments);
        to.WriteEndObject();
    }

    public static void Head(Utf8JsonWriter to, string id, UpstreamAnswer answer)
    {
        to.WriteString("id", id);
        to.WriteString("type", "message");
        to.WriteString("role", "assistant");
        to.WriteString("model", answer.Model.Value);
    }

    /// <summary>Anthropic counts cached tokens apart from the input, OpenAI as part of it.</summary>
    public static void Usage(Utf8JsonWriter to, TokenUsage tokens)
    {
        var cached = Math.Min(tokens.Cached, tokens.Prompt);
        var written = Math.Min(tokens.Written, tokens.Prompt - cached);
        to.WriteStartObject("usage");
        to.WriteNumber("input_tokens", tokens.Prompt - cached - written);
        to.WriteNumber("cache_creation_input_tokens", written);
        to.WriteNumber("cache_read_input_tokens", cached);
        to.WriteNumber("output_tokens", tokens.Completion);
        to.WriteEndObject();
    }

    /// <summary>Which of the request's stop sequences ended the answer, in vLLM's spelling and SGLang's; null: none did, or the upstream does not tell.</summary>
    public static string? Matched(JsonElement choice, ChatCall call) =>
        (Text(choice, "stop_reason") ?? Text(choice, "matched_stop")) is { Length: > 0 } told && call.Body.Stops.Contains(told) ? told : null;

    public static void Stop(Utf8JsonWriter to, string? finish, bool calls, string? matched)
    {
        var reason = StopReason(finish, calls);
        var isMatched = reason == "end_turn" && matched is not null;
        to.WriteString("stop_reason", isMatched ? "stop_sequence" : reason);
        to.WriteString("stop_sequence", isMatched ? matched : null);
    }

    /// <summary>Some upstreams end a tool call with stop.</summary>
    private static string StopReason(string? finish, bool calls) => finish switch
    {
        "length" => "max_tokens",
        "content_filter" => "refusal",
        "tool_calls" or "function_call" => "tool_use",
        _ => calls ? "tool_use" : "end_turn",
    };
}
