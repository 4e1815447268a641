using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary>
/// Passes an upstream's stream on event by event, as it comes. A stream that breaks off ends in an error event: a client must never take half an answer for a
/// whole one.
/// </summary>
internal sealed class ChatRelay(Upstreams upstreams)
{
    /// <param name="end">Records what became of the stream and returns what it cost; called when the stream has ended, before its reader is told.</param>
    /// <param name="stream">Kept up to date, also when the reader leaves.</param>
    public async Task RunAsync(HttpContext context, UpstreamAnswer answer, IStreamForm form, Func<Task<Spending>> end, RelayedStream stream)
    {
        var cancellationToken = context.RequestAborted;
        var (output, events) = (context.Response.BodyWriter, answer.Events!);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["x-accel-buffering"] = "no"; // else proxies buffer streams
        var next = answer.First;
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var patience = TimeSpan.FromSeconds(answer.Endpoint.Options.IdleSeconds);
        string problem;
        try
        {
            while (true)
            {
                var chunk = answer.Api.Read(next.Span);
                stream.Add(chunk);
                if (chunk.IsDone || next.IsEmpty)
                {
                    break;
                }

                form.Part(next.Span, chunk, output);
                if (chunk.IsError)
                {
                    stream.IsBroken = true;
                    upstreams.Failed(answer, "it reported an error in the middle of its answer");
                    await CutAsync(context, end).ConfigureAwait(false);
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

            if (!next.IsEmpty || stream.HasEnded)
            {
                stream.IsWhole = true;
                Upstreams.Ended(answer);
                var ending = end();
                if (!ending.IsCompleted)
                {
                    await output.FlushAsync(cancellationToken).ConfigureAwait(false); // text is sent before any store is waited for
                }

                var spent = await ending.ConfigureAwait(false);
                form.End(next.Span, stream, spent, output);
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
        form.Broken($"The upstream of the model '{answer.Model}' {problem}; what came before is incomplete. Ask again.", output);
        await CutAsync(context, end).ConfigureAwait(false);
    }

    /// <summary>
    /// Lets the error event leave, then cuts the connection: some clients (OpenAI's for .NET is one) ignore error events, and would take a stream that
    /// ends normally for a whole answer.
    /// </summary>
    private static async Task CutAsync(HttpContext context, Func<Task<Spending>> end)
    {
        await end().ConfigureAwait(false);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        await Task.Delay(100, context.RequestAborted).ConfigureAwait(false);
        context.Abort();
    }
}
