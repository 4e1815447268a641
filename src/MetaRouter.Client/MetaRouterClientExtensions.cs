using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace MetaRouter.Client;

public static class MetaRouterClientExtensions
{
    /// <summary>Adds <see cref="MetaRouterClient"/>, with its settings from the configuration and the gateway among the health checks.</summary>
    /// <param name="connectionName">Of the connection string with the gateway's address, as an application host sets it.</param>
    /// <exception cref="InvalidOperationException">There is no address, or a setting cannot be used.</exception>
    public static IHostApplicationBuilder AddMetaRouterClient(this IHostApplicationBuilder builder, string connectionName = "metarouter", Action<MetaRouterClientSettings>? configureSettings = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        var settings = new MetaRouterClientSettings();
        builder.Configuration.GetSection(MetaRouterClientSettings.Section).Bind(settings);
        if (builder.Configuration.GetConnectionString(connectionName) is { Length: > 0 } connection)
        {
            settings.Take(connection, connectionName);
        }

        configureSettings?.Invoke(settings);
        if (settings.Endpoint is not { } endpoint)
        {
            throw new InvalidOperationException(
                $"The gateway's address is not configured; set the connection string '{connectionName}' (ConnectionStrings:{connectionName}) or {MetaRouterClientSettings.Section}:Endpoint.");
        }

        if (!MetaRouterClientSettings.IsAddress(endpoint))
        {
            throw new InvalidOperationException($"{MetaRouterClientSettings.Section}:Endpoint is '{endpoint.OriginalString}'; "
                + "it must be an http or https address, such as http://127.0.0.1:8080.");
        }

        if (!(settings.TimeoutSeconds > 0 && settings.TimeoutSeconds < 86_400))
        {
            throw new InvalidOperationException(FormattableString.Invariant(
                $"{MetaRouterClientSettings.Section}:TimeoutSeconds is {settings.TimeoutSeconds}; it must be more than 0 and less than a day."));
        }

        builder.Services.AddHttpClient<MetaRouterClient>(http =>
        {
            http.BaseAddress = new Uri(endpoint.AbsoluteUri.TrimEnd('/') + "/");
            http.Timeout = TimeSpan.FromSeconds(settings.TimeoutSeconds);
            http.DefaultRequestHeaders.Authorization = string.IsNullOrEmpty(settings.ApiKey) ? null : new AuthenticationHeaderValue("Bearer", settings.ApiKey);
        });
        if (!settings.DisableHealthChecks)
        {
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                "metarouter",
                s => new GatewayHealthCheck(s.GetRequiredService<IHttpClientFactory>(), endpoint),
                null, null, TimeSpan.FromSeconds(5)));
        }

        return builder;
    }

    private sealed class GatewayHealthCheck(IHttpClientFactory clients, Uri endpoint) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                using var http = clients.CreateClient();
                using var response = await http.GetAsync(new Uri(endpoint.AbsoluteUri.TrimEnd('/') + "/health"), cancellationToken).ConfigureAwait(false);
                return response.IsSuccessStatusCode
                    ? HealthCheckResult.Healthy()
                    : new HealthCheckResult(context.Registration.FailureStatus, $"The gateway answered its health check with {(int)response.StatusCode}.");
            }
            catch (Exception e) when (e is HttpRequestException or SocketException)
            {
                return new HealthCheckResult(context.Registration.FailureStatus, "The gateway cannot be reached.", e);
            }
        }
    }
}
