using System.Buffers;
using System.Text;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Messages;

/// <summary>An answer of an upstream that speaks Anthropic's API itself: byte for byte, with the receipt as id and the serving model's name.</summary>
internal sealed class NativeMessagesForm : IAnswerForm
{
    public static NativeMessagesForm Instance { get; } = new();

    public bool CanCompare => false;

    public Task WriteAsync(ChatCall call, UpstreamAnswer answer, string? receipt, Spending? spent)
    {
        call.Context.Response.StatusCode = answer.Status;
        return Answers.WriteJsonAsync(call.Context, spent is { } known ? RouterDetails.Append(answer.Named(receipt), RouterDetails.Of(call, receipt, known)) : IsAnthropics(answer.Body) ? answer.Body : MessagesError.OfRefusal(call, answer));
    }

    public IStreamForm Begin(ChatCall call, UpstreamAnswer answer, string? receipt) => new Stream(call, receipt, JsonSplice.Quoted(answer.Model.Value));

    /// <summary>Whether an error is in Anthropic's shape: some that serve its API refuse in OpenAI's.</summary>
    private static bool IsAnthropics(byte[] error)
    {
        using var document = JsonDocument.Parse(error);
        return LenientJson.Is(LenientJson.Field(document.RootElement, "type"), "error");
    }

    private sealed class Stream(ChatCall call, string? receipt, byte[] quotedModel) : IStreamForm
    {
        private readonly byte[] _quotedId = receipt is null ? [] : JsonSplice.Quoted(receipt);

        public void Part(ReadOnlySpan<byte> text, in AnswerPart part, IBufferWriter<byte> output) => part.Write(text, _quotedId, quotedModel, output);

        public void End(ReadOnlySpan<byte> last, RelayedStream stream, in Spending spent, IBufferWriter<byte> output)
        {
            Encoding.ASCII.GetBytes(ChatHeaders.PriceComment(spent), output);
            var details = RouterDetails.Of(call, receipt, spent);
            if (last.IsEmpty)
            {
                MessagesStream.WriteStop(details, output);
            }
            else if (details is not null && last.Contains((byte)'}'))
            {
                RouterDetails.WriteWith(last, details, output);
            }
            else
            {
                output.Write(last);
            }
        }

        public void Broken(string message, IBufferWriter<byte> output) => MessagesStream.WriteError(message, output);
    }
}
