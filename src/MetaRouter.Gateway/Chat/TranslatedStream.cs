using System.Buffers;
using System.Text.Json;
using MetaRouter.Gateway.Upstream;
using static MetaRouter.Gateway.Http.LenientJson;
using static MetaRouter.Gateway.Upstream.Completion;

namespace MetaRouter.Gateway.Chat;

/// <summary>An upstream's stream on its way into another API's format: chunks are read here, and tool calls handed on one after the other; subclasses write them.</summary>
internal abstract class TranslatedStream : IStreamForm
{
    private readonly ToolCallSequencer _calls = new();
    private bool _hasBegun;

    public void Part(ReadOnlySpan<byte> text, in AnswerPart part, IBufferWriter<byte> output)
    {
        if (part.IsError)
        {
            Broken(ErrorMessageOf(part.JsonOf(text)) ?? "The upstream reported an error in the middle of its answer.", output);
            return;
        }

        if (!part.HasContent)
        {
            return;
        }

        var reader = new Utf8JsonReader(part.JsonOf(text));
        using var document = JsonDocument.ParseValue(ref reader);
        Chunk(document.RootElement, output);
        foreach (var (piece, begins) in _calls.In(Field(FirstChoice(document.RootElement), "delta")))
        {
            Call(piece, begins, output);
        }
    }

    public void End(ReadOnlySpan<byte> last, RelayedStream stream, in Spending spent, IBufferWriter<byte> output)
    {
        Begin(output);
        foreach (var (piece, begins) in _calls.Rest())
        {
            Call(piece, begins, output);
        }

        Finish(spent, output);
    }

    public abstract void Broken(string message, IBufferWriter<byte> output);

    /// <summary>Makes sure that the stream's beginning has been written.</summary>
    protected void Begin(IBufferWriter<byte> output)
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            Start(output);
        }
    }

    /// <summary>Writes the stream's beginning.</summary>
    protected abstract void Start(IBufferWriter<byte> output);

    /// <summary>A chunk of the answer, without the tool calls in it.</summary>
    protected abstract void Chunk(JsonElement chunk, IBufferWriter<byte> output);

    /// <param name="begins">Another call than that of the piece before.</param>
    protected abstract void Call(JsonElement piece, bool begins, IBufferWriter<byte> output);

    /// <summary>The stream is whole, and everything but its end is written.</summary>
    protected abstract void Finish(in Spending spent, IBufferWriter<byte> output);
}
