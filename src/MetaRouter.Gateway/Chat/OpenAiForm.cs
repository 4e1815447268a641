using System.Buffers;
using System.Text;
using System.Text.Json;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary>As the upstream answers, byte for byte, with the receipt as id and the serving model's name.</summary>
internal sealed class OpenAiForm : IAnswerForm
{
    public static OpenAiForm Instance { get; } = new();

    public bool CanCompare => true;

    public Task WriteAsync(ChatCall call, UpstreamAnswer answer, string? receipt, Spending? spent)
    {
        call.Context.Response.StatusCode = answer.Status;
        return Answers.WriteJsonAsync(call.Context, answer.Status == StatusCodes.Status200OK ? answer.Named(receipt) : answer.Body);
    }

    /// <summary>Token counts that only the gateway asked for are not passed to the client.</summary>
    public IStreamForm Begin(ChatCall call, UpstreamAnswer answer, string? receipt) =>
        new Stream(receipt is null ? [] : JsonSplice.Quoted(receipt), JsonSplice.Quoted(answer.Model.Value), answer.Endpoint.Options.AskUsage && call.Body.Forwarded.Usual.Options?.AskUsage != true);

    private sealed class Stream(byte[] quotedId, byte[] quotedModel, bool hidesUsage) : IStreamForm
    {
        public void Part(ReadOnlySpan<byte> text, in AnswerPart part, IBufferWriter<byte> output)
        {
            if (!(hidesUsage && !part.HasContent && !part.Usage.IsUnknown))
            {
                part.Write(text, quotedId, quotedModel, output);
            }
        }

        /// <summary>The counts are complete: writes the cost, then the end that every client waits for, also when the upstream did not send it.</summary>
        public void End(ReadOnlySpan<byte> last, RelayedStream stream, in Spending spent, IBufferWriter<byte> output)
        {
            Write(ChatHeaders.PriceComment(spent), output);
            if (last.IsEmpty)
            {
                Write("data: [DONE]\n\n", output);
            }
            else
            {
                output.Write(last);
            }
        }

        public void Broken(string message, IBufferWriter<byte> output) =>
            Write($"data: {JsonSerializer.Serialize(new ErrorAnswer(new ErrorBody(message, ErrorCodes.Upstream, null, Upstreams.BrokeOff)), GatewayJson.Readable)}\n\n", output);

        private static void Write(string text, IBufferWriter<byte> output) => Encoding.UTF8.GetBytes(text, output);
    }
}
