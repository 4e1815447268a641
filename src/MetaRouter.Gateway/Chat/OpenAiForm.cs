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
        return Answers.WriteJsonAsync(call.Context, answer.Status == StatusCodes.Status200OK ? RouterDetails.Append(answer.Named(receipt), spent is { } known ? RouterDetails.Of(call, receipt, known) : null) : answer.Body);
    }

    /// <summary>Token counts that only the gateway asked for are not passed to the client.</summary>
    public IStreamForm Begin(ChatCall call, UpstreamAnswer answer, string? receipt) =>
        new Stream(call, answer, receipt);

    private sealed class Stream(ChatCall call, UpstreamAnswer answer, string? receipt) : IStreamForm
    {
        private readonly byte[] _quotedId = receipt is null ? [] : JsonSplice.Quoted(receipt), _quotedModel = JsonSplice.Quoted(answer.Model.Value);
        private readonly bool _hidesUsage = answer.Endpoint.Options.AskUsage && call.Body.Forwarded.Usual.Options?.AskUsage != true;

        /// <summary>A chunk that may be the last, for the details to go into; empty: there is none. Text never waits: such a chunk ends a choice, or counts.</summary>
        private readonly ArrayBufferWriter<byte> _held = new();

        public void Part(ReadOnlySpan<byte> text, in AnswerPart part, IBufferWriter<byte> output)
        {
            if (_hidesUsage && !part.HasContent && !part.Usage.IsUnknown)
            {
                return;
            }

            var mayBeLast = call.WantsDetails && part.IsObject && !part.IsError && part.BearsNames && (part.Ended != 0 || !part.HasContent);
            if (mayBeLast || part.IsError || part.HasContent)
            {
                Release(output);
            }

            part.Write(text, _quotedId, _quotedModel, mayBeLast ? _held : output);
        }

        /// <summary>The counts are complete: writes the cost, then the end that every client waits for, also when the upstream did not send it.</summary>
        public void End(ReadOnlySpan<byte> last, RelayedStream stream, in Spending spent, IBufferWriter<byte> output)
        {
            if (RouterDetails.Of(call, receipt, spent) is { } details)
            {
                if (_held.WrittenCount == 0)
                {
                    WriteLast(_held); // the upstream stopped without saying so
                }

                RouterDetails.WriteWith(_held.WrittenSpan, details, output);
            }

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

        public void Broken(string message, IBufferWriter<byte> output)
        {
            Release(output);
            Write($"data: {JsonSerializer.Serialize(new ErrorAnswer(new ErrorBody(message, ErrorCodes.Upstream, null, Upstreams.BrokeOff)), GatewayJson.Readable)}\n\n", output);
        }

        private void Release(IBufferWriter<byte> output)
        {
            output.Write(_held.WrittenSpan);
            _held.ResetWrittenCount();
        }

        private void WriteLast(IBufferWriter<byte> output)
        {
            output.Write("data: {\"id\":"u8);
            output.Write(_quotedId.Length == 0 ? "\"\""u8 : _quotedId);
            output.Write(",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":"u8);
            output.Write(_quotedModel);
            output.Write(",\"choices\":[]}\n\n"u8);
        }

        private static void Write(string text, IBufferWriter<byte> output) => Encoding.UTF8.GetBytes(text, output);
    }
}
