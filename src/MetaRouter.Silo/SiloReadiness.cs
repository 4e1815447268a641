using MetaRouter.Orleans;
using Microsoft.Extensions.Diagnostics.HealthChecks;

/// <summary>A silo is ready when the cluster counts it in and its prior is fresh.</summary>
internal sealed class SiloReadiness(SiloHealth health) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var report = health.Look();
        var data = new Dictionary<string, object>
        {
            ["membership"] = report.Status,
            ["activeSilos"] = report.ActiveSilos,
            ["priorVersion"] = report.PriorVersion,
            ["stalenessSeconds"] = report.StalenessSeconds,
        };
        return Task.FromResult(report.Ready ? HealthCheckResult.Healthy(data: data) : HealthCheckResult.Unhealthy(report.Problem, data: data));
    }
}
