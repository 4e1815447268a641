using Microsoft.Extensions.Configuration;

namespace MetaRouter.Hosting.Telemetry;

/// <summary>
/// What a program sends about itself, and where: for a gateway section <c>Telemetry</c> of the configuration, for a silo OpenTelemetry's own settings.
/// docs/telemetry.md has the names.
/// </summary>
internal sealed class TelemetryOptions
{
    public const string Section = "Telemetry", EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT", ProtocolVariable = "OTEL_EXPORTER_OTLP_PROTOCOL";
    public const string Grpc = "grpc", HttpProtobuf = "http/protobuf";

    /// <value>Where traces, metrics and logs go by OTLP, such as <c>http://collector:4317</c>; empty, the default: where OTEL_EXPORTER_OTLP_ENDPOINT says, else nowhere.</value>
    public string Endpoint { get; set; } = "";

    /// <value><c>grpc</c> or <c>http/protobuf</c>; empty, the default: what OTEL_EXPORTER_OTLP_PROTOCOL says, else grpc.</value>
    public string Protocol { get; set; } = "";

    /// <value>The share of requests that are traced unless their caller's trace says otherwise, 0 to 1; null, the default: what OTEL_TRACES_SAMPLER says, else
    /// all. Matters only with an endpoint.</value>
    public double? SampleShare { get; set; }

    /// <value><c>GET /metrics</c> answers. Default true.</value>
    public bool Metrics { get; set; } = true;

    /// <summary>Something is sent by OTLP.</summary>
    internal bool Exports => Endpoint.Length > 0;

    private string _endpointName = $"{Section}:{nameof(Endpoint)}", _protocolName = $"{Section}:{nameof(Protocol)}";

    /// <summary>What was left empty is taken from OpenTelemetry's own settings.</summary>
    public TelemetryOptions WithVariables(IConfiguration configuration)
    {
        (Endpoint, _endpointName) = Endpoint.Length > 0 ? (Endpoint, _endpointName) : (configuration[EndpointVariable] ?? "", EndpointVariable);
        (Protocol, _protocolName) = Protocol.Length > 0 ? (Protocol, _protocolName) : (configuration[ProtocolVariable] is { Length: > 0 } protocol ? protocol : Grpc, ProtocolVariable);
        return this;
    }

    public IEnumerable<string> Problems()
    {
        if (Endpoint.Length > 0 && !(Uri.TryCreate(Endpoint, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)))
        {
            yield return $"{_endpointName} is '{Endpoint}'; it must be the http or https address of a collector, such as http://collector:4317";
        }

        if (Protocol is not (Grpc or HttpProtobuf))
        {
            yield return $"{_protocolName} is '{Protocol}'; it must be {Grpc} or {HttpProtobuf}";
        }

        if (SampleShare is { } share && !(share is >= 0 and <= 1))
        {
            yield return FormattableString.Invariant($"{Section}:{nameof(SampleShare)} is {share}; it must be from 0 to 1");
        }
    }
}
