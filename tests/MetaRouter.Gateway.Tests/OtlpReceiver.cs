using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;

namespace MetaRouter.Gateway.Tests;

/// <summary>A collector: npm/otlp.mjs, another process, and what it understood of what it was sent.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<JsonObject> _received = [];
    private readonly Task _reading;

    private OtlpReceiver(Process process, JsonObject ports)
    {
        (_process, Http, Grpc) = (process, $"http://127.0.0.1:{ports["http"]}", $"http://127.0.0.1:{ports["grpc"]}");
        _reading = ReadAsync();
    }

    /// <summary>Where each transport is taken.</summary>
    public string Http { get; }

    public string Grpc { get; }

    public static async Task<OtlpReceiver> StartAsync()
    {
        var process = await NodeFactAttribute.StartAsync("otlp.mjs");
        return new OtlpReceiver(process, JsonNode.Parse((await process.StandardOutput.ReadLineAsync())!)!.AsObject());
    }

    /// <summary>Waits for it to end, so that nothing is on its way any more.</summary>
    /// <returns>Every message in full.</returns>
    public async Task<Received> EndAsync()
    {
        _process.StandardInput.Close();
        await _reading.WaitAsync(TimeSpan.FromSeconds(10));
        _received.Where(m => m["error"] is not null).Select(m => m.ToJsonString()).ShouldBeEmpty();
        return new Received([.. _received]);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            _received.Enqueue(JsonNode.Parse(line)!.AsObject());
        }
    }
}

/// <summary>What a collector was sent, taken apart.</summary>
internal sealed record Received(IReadOnlyList<JsonObject> Messages)
{
    private static readonly string[] Kinds = ["histogram", "sum", "gauge"];

    public string Text => string.Join('\n', Messages.Select(m => m.ToJsonString()));

    public IEnumerable<string> Transports(string signal) => Messages.Where(m => (string)m["signal"]! == signal).Select(m => (string)m["transport"]!).Distinct();

    public IReadOnlyList<JsonObject> Spans => [.. Each("traces", "resourceSpans", "scopeSpans", "spans")];

    public IReadOnlyList<JsonObject> Metrics => [.. Each("metrics", "resourceMetrics", "scopeMetrics", "metrics")];

    public IReadOnlyList<JsonObject> Logs => [.. Each("logs", "resourceLogs", "scopeLogs", "logRecords")];

    /// <summary>Attributes of a span, a data point or a record; all values as text.</summary>
    public static Dictionary<string, string> AttributesOf(JsonObject one) =>
        one["attributes"]?.AsArray().ToDictionary(a => (string)a!["key"]!, a => a!["value"]!.AsObject().Single().Value!.ToString()) ?? [];

    public static IEnumerable<JsonObject> PointsOf(JsonObject metric) =>
        Kinds.Select(kind => metric[kind]).OfType<JsonObject>().SelectMany(d => d["dataPoints"]!.AsArray()).Select(p => p!.AsObject());

    private IEnumerable<JsonObject> Each(string signal, string resources, string scopes, string items) =>
        Messages.Where(m => (string)m["signal"]! == signal).SelectMany(m => m["message"]![resources]!.AsArray()).SelectMany(r => r![scopes]!.AsArray()).SelectMany(s => s![items]!.AsArray()).Select(i => i!.AsObject());
}
