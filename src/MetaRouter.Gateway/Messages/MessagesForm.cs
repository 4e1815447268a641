using System.Buffers;
using System.Text;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;
using static MetaRouter.Gateway.Upstream.Completion;

namespace MetaRouter.Gateway.Messages;

/// <summary>An upstream's answer as a message of Anthropic's: its first choice, text and tool calls, with the receipt as id.</summary>
internal sealed class MessagesForm : IAnswerForm
{
    public static MessagesForm Instance { get; } = new();

    public bool CanCompare => false;

    public Task WriteAsync(ChatCall call, UpstreamAnswer answer, string? receipt, Spending? spent)
    {
        var context = call.Context;
        context.Response.StatusCode = answer.Status;
        if (spent is not { } known)
        {
            return Answers.WriteJsonAsync(context, MessagesError.Write(answer.Status, Refusal(answer.Body) ?? $"The upstream of the model '{answer.Model}' refused the request.", "upstream_refused", context.TraceIdentifier));
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

        return Answers.WriteJsonAsync(context, buffer.WrittenMemory);
    }

    public IStreamForm Begin(ChatCall call, UpstreamAnswer answer, string? receipt) => new Stream(call, answer, receipt ?? "msg_" + call.Context.TraceIdentifier);

    /// <summary>What an upstream has against a request; that it is too long in Anthropic's words, by which clients know to make a conversation shorter.</summary>
    private static string? Refusal(ReadOnlySpan<byte> error) => MessageOf(error) is not { } message ? null : TooLong.Is(error, message) ? $"{TooLong.Anthropics}: {message}" : message;

    /// <returns>Whether there are tool calls.</returns>
    private static bool Content(Utf8JsonWriter to, JsonElement message)
    {
        if (SaidOrRefused(message) is { Length: > 0 } text)
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

    private static string? SaidOrRefused(JsonElement message) => Said(message) is { Length: > 0 } said ? said : Text(message, "refusal");

    /// <summary>Some upstreams give calls no ids, and their results come back by them.</summary>
    private static string IdOf(string? given) => string.IsNullOrEmpty(given) ? $"toolu_{Guid.NewGuid():N}" : given;

    /// <summary>A model may write arguments that are no object; they are shown and not lost.</summary>
    private static void Input(Utf8JsonWriter to, string arguments)
    {
        try
        {
            using var parsed = JsonDocument.Parse(arguments.Length == 0 ? "{}" : arguments);
            if (parsed.RootElement.ValueKind == JsonValueKind.Object)
            {
                to.WriteRawValue(arguments.Length == 0 ? "{}" : arguments, skipInputValidation: true); // as it is: it may hold half of a surrogate pair
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

    private static void Head(Utf8JsonWriter to, string id, UpstreamAnswer answer)
    {
        to.WriteString("id", id);
        to.WriteString("type", "message");
        to.WriteString("role", "assistant");
        to.WriteString("model", answer.Model.Value);
    }

    /// <summary>Anthropic counts cached tokens beside the input, OpenAI among it.</summary>
    private static void Usage(Utf8JsonWriter to, TokenUsage tokens)
    {
        var cached = Math.Min(tokens.Cached, tokens.Prompt);
        to.WriteStartObject("usage");
        to.WriteNumber("input_tokens", tokens.Prompt - cached);
        to.WriteNumber("cache_creation_input_tokens", 0);
        to.WriteNumber("cache_read_input_tokens", cached);
        to.WriteNumber("output_tokens", tokens.Completion);
        to.WriteEndObject();
    }

    /// <summary>Which of the request's stop sequences ended the answer, in vLLM's spelling and SGLang's; null: none did, or the upstream does not tell.</summary>
    private static string? Matched(JsonElement choice, ChatCall call) => (Text(choice, "stop_reason") ?? Text(choice, "matched_stop")) is { Length: > 0 } told && call.Body.Stops.Contains(told) ? told : null;

    private static void Stop(Utf8JsonWriter to, string? finish, bool calls, string? matched)
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

    /// <summary>Chunks become blocks: a block is opened by its first piece and closed by the next block's, or by the end.</summary>
    private sealed class Stream(ChatCall call, UpstreamAnswer answer, string id) : IStreamForm
    {
        private const string Prose = "text", ToolUse = "tool_use";

        private readonly CallsInTurn _calls = new();
        private bool _hasBegun, _hasCalls;
        private int _blocks;
        private string? _finish, _matched, _open;

        public void Part(ReadOnlySpan<byte> text, in CompletionPart part, IBufferWriter<byte> output)
        {
            if (part.IsError)
            {
                Error(MessageOf(part.JsonOf(text)) ?? "The upstream reported an error in the middle of its answer.", output);
                return;
            }

            if (!part.HasChoices)
            {
                return;
            }

            Begin(output);
            var reader = new Utf8JsonReader(part.JsonOf(text));
            using var document = JsonDocument.ParseValue(ref reader);
            var choice = FirstChoice(document.RootElement);
            var delta = Field(choice, "delta");
            _finish = Text(choice, "finish_reason") ?? _finish;
            _matched = Matched(choice, call) ?? _matched;
            if (SaidOrRefused(delta) is { Length: > 0 } prose)
            {
                if (_open != Prose)
                {
                    Open(Prose, output, static to => to.WriteString("text", ""));
                }

                Delta(output, "text_delta", "text", prose);
            }

            if (Thought(delta) is { Length: > 0 })
            {
                TypedEvents.Write(output, "ping", static _ => { }); // thoughts have no place in it, and proxies cut a stream that is silent for long
            }

            foreach (var (piece, begins) in _calls.In(delta))
            {
                Call(piece, begins, output);
            }
        }

        private void Call(JsonElement piece, bool begins, IBufferWriter<byte> output)
        {
            var function = Field(piece, "function");
            if (begins || _open != ToolUse)
            {
                _hasCalls = true;
                Open(ToolUse, output, to =>
                {
                    to.WriteString("id", IdOf(Text(piece, "id")));
                    to.WriteString("name", Text(function, "name") ?? "");
                    to.WriteStartObject("input");
                    to.WriteEndObject();
                });
            }

            if (Arguments(function) is { Length: > 0 } arguments)
            {
                Delta(output, "input_json_delta", "partial_json", arguments);
            }
        }

        public void End(ReadOnlySpan<byte> last, RelayedStream stream, in Spending spent, IBufferWriter<byte> output)
        {
            Begin(output);
            foreach (var (piece, begins) in _calls.Rest())
            {
                Call(piece, begins, output);
            }

            Close(output);
            Encoding.ASCII.GetBytes(ChatHeaders.PriceComment(spent), output);
            var tokens = spent.Tokens;
            TypedEvents.Write(output, "message_delta", to =>
            {
                to.WriteStartObject("delta");
                Stop(to, _finish, _hasCalls, _matched);
                to.WriteEndObject();
                Usage(to, tokens);
            });
            TypedEvents.Write(output, "message_stop", static _ => { });
        }

        public void Broken(string message, IBufferWriter<byte> output) => Error(message, output);

        private void Begin(IBufferWriter<byte> output)
        {
            if (_hasBegun)
            {
                return;
            }

            _hasBegun = true;
            TypedEvents.Write(output, "message_start", to =>
            {
                to.WriteStartObject("message");
                Head(to, id, answer);
                to.WriteStartArray("content");
                to.WriteEndArray();
                to.WriteNull("stop_reason");
                to.WriteNull("stop_sequence");
                Usage(to, new TokenUsage(call.PromptTokens, 0, 0)); // estimated: the upstream counts at the end, and message_delta says it
                to.WriteEndObject();
            });
        }

        private void Open(string type, IBufferWriter<byte> output, Action<Utf8JsonWriter> fields)
        {
            Close(output);
            _open = type;
            TypedEvents.Write(output, "content_block_start", to =>
            {
                to.WriteNumber("index", _blocks);
                to.WriteStartObject("content_block");
                to.WriteString("type", type);
                fields(to);
                to.WriteEndObject();
            });
        }

        private void Close(IBufferWriter<byte> output)
        {
            if (_open is null)
            {
                return;
            }

            TypedEvents.Write(output, "content_block_stop", to => to.WriteNumber("index", _blocks));
            (_open, _blocks) = (null, _blocks + 1);
        }

        private void Delta(IBufferWriter<byte> output, string type, string field, string text) => TypedEvents.Write(output, "content_block_delta", to =>
        {
            to.WriteNumber("index", _blocks);
            to.WriteStartObject("delta");
            to.WriteString("type", type);
            to.WriteString(field, text);
            to.WriteEndObject();
        });

        private static void Error(string message, IBufferWriter<byte> output) => TypedEvents.Write(output, "error", to =>
        {
            to.WriteStartObject("error");
            to.WriteString("type", MessagesError.TypeOf(StatusCodes.Status502BadGateway));
            to.WriteString("message", message);
            to.WriteString("code", Upstreams.BrokeOff);
            to.WriteEndObject();
        });
    }
}
