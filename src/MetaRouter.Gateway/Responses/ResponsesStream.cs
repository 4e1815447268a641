using System.Buffers;
using System.Text;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;
using static MetaRouter.Gateway.Http.LenientJson;
using static MetaRouter.Gateway.Upstream.Completion;

namespace MetaRouter.Gateway.Responses;

/// <summary>Chunks become items: an item is opened by its first piece, and closed by the next item's or by the end. Its whole text is repeated when it closes, and in the last event.</summary>
/// <param name="details">What goes into the last event beside the answer; null: nothing.</param>
/// <param name="limit">The text is therefore held until the end; this is the most characters held.</param>
internal sealed class ResponsesStream(ResponsesAnswer answer, Func<Spending, byte[]?> details, int limit, TimeProvider time) : TranslatedStream
{
    private int _sequence;
    private long _held;
    private string? _finish;
    private ResponsesItem? _open;

    /// <exception cref="InvalidDataException">The answer is longer than the limit.</exception>
    protected override void Chunk(JsonElement chunk, IBufferWriter<byte> output)
    {
        answer.ServiceTier = Text(chunk, "service_tier") ?? answer.ServiceTier;
        Begin(output);
        var choice = FirstChoice(chunk);
        var delta = Field(choice, "delta");
        _finish = Text(choice, "finish_reason") ?? _finish;
        if (ReasoningOf(delta) is { Length: > 0 } thought)
        {
            Say(ItemKind.Reasoning, "response.reasoning_text.delta", thought, default, output);
        }

        if (ContentOf(delta) is { Length: > 0 } said)
        {
            Say(ItemKind.Text, "response.output_text.delta", said, List(Field(choice, "logprobs"), "content"), output);
        }

        if (Text(delta, "refusal") is { Length: > 0 } refused)
        {
            Say(ItemKind.Refusal, "response.refusal.delta", refused, default, output);
        }

        foreach (var citation in Citation.In(delta))
        {
            Cite(citation, output);
        }
    }

    protected override void Finish(in Spending spent, IBufferWriter<byte> output)
    {
        if (_open is null && answer.Output.TrueForAll(i => i.Kind == ItemKind.Reasoning))
        {
            Open(new(ItemKind.Text), output); // an answer with nothing in it is an empty message
        }

        Close(_finish is "length" or "content_filter" ? "incomplete" : "completed", output);
        answer.Router = details(spent);
        answer.End(_finish, spent.Tokens, time.GetUtcNow().ToUnixTimeSeconds());
        Encoding.ASCII.GetBytes(ChatHeaders.PriceComment(spent), output);
        Whole("response." + answer.Status, output);
    }

    /// <summary>As OpenAI does: what went wrong, then the response that failed. Some clients ignore the one, some the other.</summary>
    public override void Broken(string message, IBufferWriter<byte> output)
    {
        Begin(output);
        Event(output, "error", to =>
        {
            to.WriteString("code", Upstreams.BrokeOff);
            to.WriteString("message", message);
            to.WriteNull("param");
            to.WritePropertyName("error"); // where clients look for it, whatever the API reference says
            JsonSerializer.Serialize(to, new ErrorBody(message, ErrorCodes.Upstream, null, Upstreams.BrokeOff), GatewayJson.Readable);
        });
        answer.Fail(message);
        Whole("response.failed", output);
    }

    protected override void Start(IBufferWriter<byte> output)
    {
        Whole("response.created", output);
        Whole("response.in_progress", output);
    }

    private void Whole(string type, IBufferWriter<byte> output) => Event(output, type, to =>
    {
        to.WritePropertyName("response");
        answer.Write(to);
    });

    private void Say(ItemKind kind, string type, string text, JsonElement.ArrayEnumerator logprobs, IBufferWriter<byte> output)
    {
        var item = In(kind, output);
        item.Text.Append(text);
        var known = item.Probabilities.Count;
        Hold(text.Length + item.Probabilities.Add(logprobs));
        InPart(output, type, to =>
        {
            to.WriteString("delta", text);
            if (kind == ItemKind.Text)
            {
                item.Probabilities.Write(to, known);
            }
        });
    }

    /// <summary>Citations may come with the text, or after all of it.</summary>
    private void Cite(Citation citation, IBufferWriter<byte> output)
    {
        if (_open is { HasPart: false })
        {
            return; // a tool is being called
        }

        var item = In(ItemKind.Text, output);
        item.Citations.Add(citation);
        Hold(citation.Title.Length + citation.Url.Length);
        InPart(output, "response.output_text.annotation.added", to =>
        {
            to.WriteNumber("annotation_index", item.Citations.Count - 1);
            to.WritePropertyName("annotation");
            citation.Write(to);
        });
    }

    /// <summary>The open item, if it is of this kind; else a new one.</summary>
    private ResponsesItem In(ItemKind kind, IBufferWriter<byte> output)
    {
        if (_open?.Kind != kind)
        {
            Close("completed", output);
            Open(new(kind), output);
        }

        return _open!;
    }

    /// <param name="characters">How many more characters are held.</param>
    private void Hold(int characters)
    {
        _held += characters;
        if (_held > limit)
        {
            throw new InvalidDataException("The answer is longer than Gateway:UpstreamBodyBytes allows.");
        }
    }

    protected override void Call(JsonElement piece, bool begins, IBufferWriter<byte> output)
    {
        if (begins || _open is null or { HasPart: true })
        {
            Close("completed", output);
            Open(ResponsesForm.ItemOf(piece, answer.Echo), output);
        }

        if (ArgumentsOf(piece) is { Length: > 0 } given)
        {
            Hold(given.Length);
            Give(_open!, given, output);
        }
    }

    private void Give(ResponsesItem call, string given, IBufferWriter<byte> output)
    {
        call.Text.Append(given);
        InItem(output, call.Kind == ItemKind.FunctionCall ? "response.function_call_arguments.delta" : "response.custom_tool_call_input.delta", to => to.WriteString("delta", given));
    }

    private void Open(ResponsesItem item, IBufferWriter<byte> output)
    {
        _open = item;
        Event(output, "response.output_item.added", to =>
        {
            to.WriteNumber("output_index", answer.Output.Count);
            to.WritePropertyName("item");
            item.Write(to, isEmpty: true);
        });
        if (item.HasPart)
        {
            InPart(output, "response.content_part.added", to =>
            {
                to.WritePropertyName("part");
                item.Part(to, isEmpty: true);
            });
        }
    }

    private void Close(string status, IBufferWriter<byte> output)
    {
        if (_open is not { } item)
        {
            return;
        }

        item.Status = status;
        var text = item.Given;
        if (item.Text.Length == 0 && text.Length > 0)
        {
            Give(item, text, output);
        }

        switch (item.Kind)
        {
            case ItemKind.Text:
                InPart(output, "response.output_text.done", to =>
                {
                    to.WriteString("text", text);
                    item.Probabilities.Write(to, 0);
                });
                break;
            case ItemKind.Refusal:
                InPart(output, "response.refusal.done", to => to.WriteString("refusal", text));
                break;
            case ItemKind.Reasoning:
                InPart(output, "response.reasoning_text.done", to => to.WriteString("text", text));
                break;
            case ItemKind.FunctionCall:
                InItem(output, "response.function_call_arguments.done", to =>
                {
                    to.WriteString("name", item.Name);
                    to.WriteString("arguments", text);
                });
                break;
            default:
                InItem(output, "response.custom_tool_call_input.done", to => to.WriteString("input", text));
                break;
        }

        if (item.HasPart)
        {
            InPart(output, "response.content_part.done", to =>
            {
                to.WritePropertyName("part");
                item.Part(to);
            });
        }

        Event(output, "response.output_item.done", to =>
        {
            to.WriteNumber("output_index", answer.Output.Count);
            to.WritePropertyName("item");
            item.Write(to);
        });
        answer.Output.Add(item);
        _open = null;
    }

    private void InPart(IBufferWriter<byte> output, string type, Action<Utf8JsonWriter> fields) => InItem(output, type, to =>
    {
        to.WriteNumber("content_index", 0);
        fields(to);
    });

    private void InItem(IBufferWriter<byte> output, string type, Action<Utf8JsonWriter> fields) => Event(output, type, to =>
    {
        to.WriteString("item_id", _open!.Id);
        to.WriteNumber("output_index", answer.Output.Count);
        fields(to);
    });

    private void Event(IBufferWriter<byte> output, string type, Action<Utf8JsonWriter> fields) => TypedEvents.Write(output, type, to =>
    {
        to.WriteNumber("sequence_number", _sequence++);
        fields(to);
    });
}
