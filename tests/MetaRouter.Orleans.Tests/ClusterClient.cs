using MetaRouter.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Tests;

/// <summary>A client of silos in other processes.</summary>
internal static class ClusterClient
{
    public static async Task<IHost> ConnectAsync(MetaRouterClusterOptions options, CancellationToken cancellationToken = default)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration["MetaRouter:Cluster:Redis"] = options.Redis;
        builder.Configuration["MetaRouter:Cluster:ServiceId"] = options.ServiceId;
        builder.Configuration["MetaRouter:Cluster:ClusterId"] = options.ClusterId;
        builder.Configuration["MetaRouter:Cluster:Certificate"] = options.Certificate;
        builder.Configuration["MetaRouter:Cluster:CertificateKey"] = options.CertificateKey;
        builder.Configuration["MetaRouter:Cluster:CertificateAuthority"] = options.CertificateAuthority;
        builder.Services.AddSingleton(new PoolHolder(ClusterFixture.Pool));
        builder.AddMetaRouterClusterClient();
        var host = builder.Build();
        await host.StartAsync(cancellationToken);
        return host;
    }
}
