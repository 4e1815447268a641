using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MetaRouter.Gateway.Telemetry;

/// <summary>
/// OpenTelemetry as the settings want it: <c>GET /metrics</c> for Prometheus, and traces, metrics and logs over OTLP. What the framework itself measures comes
/// along. Its own descriptions of requests stay out: they hold paths, and a path may hold a user.
/// </summary>
internal static class TelemetrySetup
{
    public const string MetricsPath = "/metrics";

    private static readonly string[] Frameworks = ["Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime", "Microsoft.Orleans"];

    public static void AddTelemetry(this WebApplicationBuilder builder, TelemetryOptions options)
    {
        if (!options.Metrics && !options.Exports)
        {
            return;
        }

        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(builder.Environment.ApplicationName).AddEnvironmentVariableDetector())
            .WithMetrics(metrics =>
            {
                metrics.AddMeter([SourceNames.Router + "*", .. Frameworks]);
                if (options.Metrics)
                {
                    metrics.AddPrometheusExporter();
                }

                if (options.Exports)
                {
                    metrics.SetExemplarFilter(ExemplarFilterType.TraceBased);
                }
            });
        if (!options.Exports)
        {
            return;
        }

        telemetry.WithTracing(traces =>
        {
            traces.AddSource(SourceNames.Router + "*", SourceNames.AspNetCore, "Microsoft.Orleans.*");
            if (options.SampleShare is { } share)
            {
                traces.SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(share)));
            }
        });
        telemetry.UseOtlpExporter(options.Protocol == TelemetryOptions.Grpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf, new Uri(options.Endpoint));
        builder.Services.AddSingleton(s => ActivatorUtilities.CreateInstance<CollectorWatch>(s, options));
        builder.Services.Configure<OpenTelemetryLoggerOptions>(logs => logs.IncludeFormattedMessage = true);
        builder.Logging.AddFilter<OpenTelemetryLoggerProvider>("Microsoft.AspNetCore", LogLevel.Warning);
    }

    public static void UseTelemetry(this WebApplication app, TelemetryOptions options)
    {
        var (router, gateway) = (app.Services.GetRequiredService<RouterMetrics>(), app.Services.GetRequiredService<GatewayMetrics>());
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            router.Zero();
            gateway.Zero();
        });
        if (options.Exports)
        {
            app.Services.GetRequiredService<CollectorWatch>();
        }

        if (options.Metrics)
        {
            app.MapPrometheusScrapingEndpoint(MetricsPath).WithMetadata(new HttpMethodMetadata(ReadEndpoints.Methods), new NotTraced(), new NeedsScope(Scope.Metrics, Scope.Operator));
        }

        gateway.Observe(app.Services.GetRequiredService<PoolHolder>(), app.Services.GetRequiredService<Upstreams>());
    }
}
