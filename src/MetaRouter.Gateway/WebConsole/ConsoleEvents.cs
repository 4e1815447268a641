using System.Text.Json;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>Keeps an open console up to date: <c>/v1/console/events</c>, the figures every two seconds and decisions as they come.</summary>
internal sealed class ConsoleEvents(ConsoleRecorder recorder, ConsoleRows rows, ConsoleFigures figures, ApiKeyRing keys, IHostApplicationLifetime lifetime) : IEndpoints
{
    private const int MostStreams = 64, RowsAtOnce = 2, RowsWaiting = 10, TicksToOverview = 10;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(200);

    private int _streams;

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet(ConsoleEndpoints.Root + "/events", EventsAsync).WithMetadata(NeedsScope.Read);

    private async Task EventsAsync(HttpContext context)
    {
        var (tenant, minutes) = (ConsoleEndpoints.Watched(context, recorder), ConsoleEndpoints.Minutes(context));
        if (Interlocked.Increment(ref _streams) > MostStreams)
        {
            Interlocked.Decrement(ref _streams);
            throw new ApiException(
                429, "requests", "too_many_streams",
                $"{MostStreams} consoles are being kept up to date already. Close one, or read {ConsoleEndpoints.Root}/overview now and then.") { RetryAfter = 10 };
        }

        try
        {
            // A stream would hold a stopping gateway up.
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Headers["X-Accel-Buffering"] = "no";
            await StreamAsync(context, tenant, minutes, ends.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Whoever watched has gone, or the gateway stops.
        }
        finally
        {
            Interlocked.Decrement(ref _streams);
        }
    }

    private async Task StreamAsync(HttpContext context, string tenant, int minutes, CancellationToken cancellationToken)
    {
        var to = context.Response.Body;
        var (seen, waiting) = (recorder.Journal.Sequence, new Queue<RowView>());
        using var timer = new PeriodicTimer(Tick);
        for (var tick = 0; ; tick++)
        {
            if (tick % TicksToOverview == 0)
            {
                // This answer has no end of its own, and the key may have been withdrawn.
                if (!keys.StillAdmits(context, Scope.Read))
                {
                    return;
                }

                await EventAsync(to, "overview"u8.ToArray(), JsonSerializer.SerializeToUtf8Bytes(figures.Overview(tenant, minutes), ConsoleJson.Default), cancellationToken).ConfigureAwait(false);
            }

            (var latest, seen) = Since(recorder.Of(tenant).Number, seen);
            for (var i = latest.Count - 1; i >= 0; i--)
            {
                waiting.Enqueue(latest[i]);
            }

            // Several at once follow one another within a second; of more the oldest are left out.
            while (waiting.Count > RowsWaiting)
            {
                waiting.Dequeue();
            }

            for (var i = 0; i < RowsAtOnce && waiting.TryDequeue(out var row); i++)
            {
                await EventAsync(to, "decision"u8.ToArray(), JsonSerializer.SerializeToUtf8Bytes(row, ConsoleJson.Default), cancellationToken).ConfigureAwait(false);
            }

            await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The newest few of what came since, the newest first.</summary>
    private (List<RowView> Rows, long Sequence) Since(int tenant, long seen)
    {
        var (found, last) = (new List<RowView>(), seen);
        foreach (var entry in recorder.Journal.NewestFirst())
        {
            ref readonly var r = ref entry.Record;
            last = Math.Max(last, r.Sequence);
            if (r.Sequence <= seen || found.Count == RowsWaiting)
            {
                break;
            }

            if (r.Tenant == tenant)
            {
                found.Add(rows.Row(entry));
            }
        }

        return (found, last);
    }

    private static async Task EventAsync(Stream to, byte[] name, byte[] json, CancellationToken cancellationToken)
    {
        byte[] text = [.. "event: "u8, .. name, .. "\ndata: "u8, .. json, .. "\n\n"u8];
        await to.WriteAsync(text, cancellationToken).ConfigureAwait(false);
        await to.FlushAsync(cancellationToken).ConfigureAwait(false);
    }
}
