using System.Buffers;
using System.Text;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Upstream;
using static MetaRouter.Gateway.Http.LenientJson;
using static MetaRouter.Gateway.Upstream.Completion;

namespace MetaRouter.Gateway.Messages;

/// <summary>Chunks become blocks: a block is opened by its first piece and closed by the next block's, or by the end.</summary>
internal sealed class MessagesStream(ChatCall call, UpstreamAnswer answer, string? receipt) : TranslatedStream
{
    private const string Prose = "text", ToolUse = "tool_use";

    private bool _hasCalls;
    private int _blocks;
    private string? _finish, _matched, _open;

    protected override void Chunk(JsonElement chunk, IBufferWriter<byte> output)
    {
        Begin(output);
        var choice = FirstChoice(chunk);
        var delta = Field(choice, "delta");
        _finish = Text(choice, "finish_reason") ?? _finish;
        _matched = MessagesForm.Matched(choice, call) ?? _matched;
        if (MessagesForm.ContentOrRefusal(delta) is { Length: > 0 } prose)
        {
            if (_open != Prose)
            {
                Open(Prose, output, static to => to.WriteString("text", ""));
            }

            Delta(output, "text_delta", "text", prose);
        }

        if (ReasoningOf(delta) is { Length: > 0 })
        {
            TypedEvents.Write(output, "ping", static _ => { }); // reasoning is not passed on here, and proxies cut a stream that is silent for long
        }
    }

    protected override void Call(JsonElement piece, bool begins, IBufferWriter<byte> output)
    {
        var function = Field(piece, "function");
        if (begins || _open != ToolUse)
        {
            _hasCalls = true;
            Open(ToolUse, output, to =>
            {
                to.WriteString("id", MessagesForm.IdOf(Text(piece, "id")));
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

    protected override void Finish(in Spending spent, IBufferWriter<byte> output)
    {
        Close(output);
        Encoding.ASCII.GetBytes(ChatHeaders.PriceComment(spent), output);
        var tokens = spent.Tokens;
        TypedEvents.Write(output, "message_delta", to =>
        {
            to.WriteStartObject("delta");
            MessagesForm.Stop(to, _finish, _hasCalls, _matched);
            to.WriteEndObject();
            MessagesForm.Usage(to, tokens);
        });
        WriteStop(RouterDetails.Of(call, receipt, spent), output);
    }

    public override void Broken(string message, IBufferWriter<byte> output) => WriteError(message, output);

    /// <param name="details">Null: none are wanted.</param>
    public static void WriteStop(byte[]? details, IBufferWriter<byte> output) => TypedEvents.Write(output, "message_stop", to =>
    {
        if (details is not null)
        {
            to.WritePropertyName("router");
            to.WriteRawValue(details, skipInputValidation: true);
        }
    });

    public static void WriteError(string message, IBufferWriter<byte> output) => TypedEvents.Write(output, "error", to =>
    {
        to.WriteStartObject("error");
        to.WriteString("type", MessagesError.TypeOf(StatusCodes.Status502BadGateway));
        to.WriteString("message", message);
        to.WriteString("code", Upstreams.BrokeOff);
        to.WriteEndObject();
    });

    protected override void Start(IBufferWriter<byte> output) => TypedEvents.Write(output, "message_start", to =>
    {
        to.WriteStartObject("message");
        MessagesForm.Head(to, receipt ?? "msg_" + call.Context.TraceIdentifier, answer);
        to.WriteStartArray("content");
        to.WriteEndArray();
        to.WriteNull("stop_reason");
        to.WriteNull("stop_sequence");
        MessagesForm.Usage(to, new TokenUsage(call.PromptTokens, 0, 0)); // estimated: the upstream counts at the end, and message_delta carries that count
        to.WriteEndObject();
    });

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
}
