using System.Diagnostics.Tracing;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting.Telemetry;

/// <summary>
/// Says in the log, at most once a minute, that the collector does not take what is sent. The exporter itself tells only those who trace it: a wrong port, or grpc spoken to a port of
/// HTTP, would look like a program with nothing to send.
/// </summary>
internal sealed partial class CollectorWatch(TelemetryOptions options, TimeProvider time, ILogger<CollectorWatch> logger) : EventListener
{
    /// <summary>The event source whose events carry the called address first and the reason last. Other sources' events carry environment variables, which may be secrets.</summary>
    private const string Exporter = "OpenTelemetry-Exporter-OpenTelemetryProtocol";

    private const int MostReason = 200;

    private readonly string _authority = new Uri(options.Endpoint).Authority;
    private readonly OnceEvery _logged = new(TimeSpan.FromMinutes(1), time);

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Exporter)
        {
            EnableEvents(eventSource, EventLevel.Warning);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.Payload is not [string called, ..] || !Uri.TryCreate(called, UriKind.Absolute, out var address) || address.Authority != _authority)
        {
            return;
        }

        if (_logged.IsDue())
        {
            var reason = eventData.Payload.Skip(1).OfType<string>().LastOrDefault(p => p.Length > 0)?.ReplaceLineEndings("\n").Split('\n')[0] ?? eventData.EventName ?? "";
            LogLost(options.Endpoint, options.Protocol, reason[..Math.Min(reason.Length, MostReason)]);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The collector at {Endpoint} did not accept what was sent by {Protocol}: {Reason} Until it does, traces, metrics and logs are lost. "
            + "Check that it runs there and speaks that protocol (usually grpc on port 4317, http/protobuf on 4318). Not told again within a minute.")]
    private partial void LogLost(string endpoint, string protocol, string reason);
}
