using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary>What a stream has amounted to so far.</summary>
internal sealed class RelayedStream
{
    /// <summary>As the upstream counted it; unknown while it has not.</summary>
    public TokenUsage Usage { get; set; }

    /// <summary>Bytes of answer seen, which is what is counted where the upstream is silent.</summary>
    public long TextBytes { get; set; }

    /// <summary>It came to its end.</summary>
    public bool IsWhole { get; set; }

    /// <summary>It ended before its end, by the upstream's doing.</summary>
    public bool IsBroken { get; set; }
}

/// <summary>
/// Hands an upstream's stream on event by event, as it comes, with the receipt as id and the serving model's name. A stream that breaks off ends in an error
/// event: a client must never take half an answer for a whole one.
/// </summary>
internal sealed class ChatRelay(Upstreams upstreams)
{
    /// <param name="id">Takes the place of the upstream's id; null: that stays.</param>
    /// <param name="hidesUsage">The counts were asked for by this side and are not the client's.</param>
    /// <param name="costOf">What the stream cost, as a comment before its end; null: nothing is known of prices.</param>
    /// <param name="stream">Kept up to date, also when the reader leaves.</param>
    public async Task RunAsync(HttpContext context, UpstreamAnswer answer, string? id, bool hidesUsage, Func<RelayedStream, (double Usd, string Source)?> costOf, RelayedStream stream)
    {
        var cancellationToken = context.RequestAborted;
        var (output, events) = (context.Response.BodyWriter, answer.Events!);
        var (quotedId, quotedModel) = (id is null ? [] : JsonSplice.Quoted(id), JsonSplice.Quoted(answer.Model.Value));
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["x-accel-buffering"] = "no"; // proxies hold streams back else
        var (isFinished, next) = (false, answer.First);
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var patience = TimeSpan.FromSeconds(answer.Endpoint.Options.IdleSeconds);
        string problem;
        try
        {
            while (true)
            {
                var chunk = CompletionPart.Read(next.Span);
                stream.Usage = chunk.Usage.IsUnknown ? stream.Usage : chunk.Usage;
                stream.TextBytes += chunk.TextBytes;
                isFinished |= chunk.IsFinish;
                if (chunk.IsDone || next.IsEmpty)
                {
                    break;
                }

                if (!(hidesUsage && !chunk.HasChoices && !chunk.Usage.IsUnknown))
                {
                    chunk.Write(next.Span, quotedId, quotedModel, output);
                }

                if (chunk.IsError)
                {
                    stream.IsBroken = true;
                    upstreams.Failed(answer, "it reported an error in the middle of its answer");
                    await CutAsync(context).ConfigureAwait(false);
                    return;
                }

                if (!events.HasEvent)
                {
                    await output.FlushAsync(cancellationToken).ConfigureAwait(false);
                    idle.CancelAfter(patience);
                }

                next = await events.ReadAsync(idle.Token).ConfigureAwait(false);
                idle.CancelAfter(Timeout.InfiniteTimeSpan);
            }

            if (!next.IsEmpty || isFinished)
            {
                // The counts are complete: say what they come to, then what every client waits for. An upstream that ends without the word has it said for it.
                stream.IsWhole = true;
                if (costOf(stream) is var (usd, source))
                {
                    Write(string.Create(CultureInfo.InvariantCulture, $": x-router-cost-usd {usd:0.##########} {source}\n\n"));
                }

                if (next.IsEmpty)
                {
                    Write("data: [DONE]\n\n");
                }
                else
                {
                    output.Write(next.Span);
                }

                await output.FlushAsync(cancellationToken).ConfigureAwait(false);
                return;
            }

            problem = "ended in the middle of its answer";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            problem = FormattableString.Invariant($"said nothing for {answer.Endpoint.Options.IdleSeconds} s in the middle of its answer");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException && !cancellationToken.IsCancellationRequested)
        {
            problem = "broke off in the middle of its answer";
        }

        stream.IsBroken = true;
        upstreams.Failed(answer, problem);
        var error = new ErrorAnswer(new ErrorBody($"The upstream of the model '{answer.Model}' {problem}; what came before is incomplete. Ask again.", ErrorCodes.Upstream, null, "upstream_broke_off"));
        Write($"data: {JsonSerializer.Serialize(error, GatewayJson.Default.ErrorAnswer)}\n\n");
        await CutAsync(context).ConfigureAwait(false);

        void Write(string text) => Encoding.UTF8.GetBytes(text, output);
    }

    /// <summary>
    /// Lets the error event leave, then cuts the connection: some clients (OpenAI's for .NET is one) pass over error events, and would take a stream that
    /// ends in order for a whole answer.
    /// </summary>
    private static async Task CutAsync(HttpContext context)
    {
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        await Task.Delay(100, context.RequestAborted).ConfigureAwait(false);
        context.Abort();
    }
}
