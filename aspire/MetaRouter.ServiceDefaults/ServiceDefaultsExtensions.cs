using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MetaRouter.ServiceDefaults;

/// <summary>
/// What every program of a cluster has, by the names .NET Aspire's templates give it. Service discovery and HTTP retries are left out: no program here finds
/// another by HTTP, and the gateway's upstream calls have rules of their own.
/// </summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Answered with 200 while this program should be sent requests, with 503 otherwise.</summary>
    public const string HealthPath = "/health";

    /// <summary>Answered while the process runs.</summary>
    public const string AlivePath = "/alive";

    private const string Live = "live";

    /// <summary>Telemetry and health.</summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder => builder.ConfigureOpenTelemetry().AddDefaultHealthChecks();

    /// <summary>Telemetry goes somewhere; else nothing should be spent on it.</summary>
    public static bool HasTelemetry(this IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return !string.IsNullOrWhiteSpace(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
    }

    /// <summary>
    /// Traces, metrics and logs over OTLP to where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says; without that nothing is collected. The other <c>OTEL_</c> settings
    /// (protocol, headers, sampling, service name) are read as well.
    /// </summary>
    public static TBuilder ConfigureOpenTelemetry<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (!builder.Configuration.HasTelemetry())
        {
            return builder;
        }

        builder.Logging.AddOpenTelemetry(logs => (logs.IncludeFormattedMessage, logs.IncludeScopes) = (true, true));
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(builder.Environment.ApplicationName).AddEnvironmentVariableDetector())
            .WithMetrics(metrics => metrics.AddMeter("MetaRouter*", "Microsoft.Orleans").AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddRuntimeInstrumentation())
            .WithTracing(traces => traces.AddSource("MetaRouter*", "Microsoft.Orleans.*").AddHttpClientInstrumentation()
                .AddAspNetCoreInstrumentation(http => http.Filter = static context => !IsProbe(context.Request.Path)))
            .UseOtlpExporter();
        return builder;
    }

    /// <summary>A program that answers is alive; what makes it ready is the program's to add.</summary>
    public static TBuilder AddDefaultHealthChecks<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddHealthChecks().AddCheck("self", static () => HealthCheckResult.Healthy(), [Live]);
        return builder;
    }

    /// <summary>
    /// <see cref="HealthPath"/> and <see cref="AlivePath"/>. Aspire's templates map them for development alone; here orchestrators ask in production,
    /// on a port that is not the public one.
    /// </summary>
    public static TRoutes MapDefaultEndpoints<TRoutes>(this TRoutes routes)
        where TRoutes : Microsoft.AspNetCore.Routing.IEndpointRouteBuilder
    {
        routes.MapHealthChecks(HealthPath, new HealthCheckOptions { ResponseWriter = WriteAsync });
        routes.MapHealthChecks(AlivePath, new HealthCheckOptions { Predicate = static check => check.Tags.Contains(Live) });
        return routes;
    }

    private static bool IsProbe(PathString path) => path.StartsWithSegments(HealthPath, StringComparison.Ordinal) || path.StartsWithSegments(AlivePath, StringComparison.Ordinal);

    /// <summary><c>{"status":"Unhealthy","silo":{"status":"Unhealthy","problem":"why", ...what the check tells of itself}}</c></summary>
    private static async Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "application/json";
        var json = new Utf8JsonWriter(context.Response.BodyWriter);
        await using (json.ConfigureAwait(false))
        {
            json.WriteStartObject();
            json.WriteString("status", report.Status.ToString());
            foreach (var (name, entry) in report.Entries)
            {
                json.WriteStartObject(name);
                json.WriteString("status", entry.Status.ToString());
                json.WriteString("problem", entry.Description ?? entry.Exception?.Message ?? "");
                foreach (var (key, value) in entry.Data)
                {
                    json.WritePropertyName(key);
                    JsonSerializer.Serialize(json, value, value.GetType());
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }
    }
}
