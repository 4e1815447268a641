using MetaRouter.Core.Routing;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Stores;
using MetaRouter.Orleans.Client;
using MetaRouter.Orleans.Learning;
using MetaRouter.Orleans.Snapshots;
using MetaRouter.Orleans.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using global::Orleans.Clustering.Redis;
using global::Orleans.Configuration;
using global::Orleans.Persistence;

namespace MetaRouter.Orleans;

/// <summary>Makes an application a silo of the cluster, or a client of it.</summary>
public static class MetaRouterClusterExtensions
{
    /// <summary>
    /// This application becomes a silo: users' grains, the stateless workers, the meta-learner, membership and state in Redis. Settings come from the sections
    /// <c>MetaRouter</c> and <c>MetaRouter:Cluster</c>; every problem of them is reported at once, and the application does not start with any.
    /// </summary>
    /// <param name="configure">Further settings of Orleans: endpoints, dashboards.</param>
    public static IHostApplicationBuilder AddMetaRouterSilo(this IHostApplicationBuilder builder, Action<ISiloBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var cluster = Read(builder);
        builder.UseOrleans(silo =>
        {
            silo.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (cluster.ClusterId, cluster.ServiceId));
            silo.UseRedisClustering(o => Connect(o, cluster));
            if (ClusterTls.Of(cluster) is { } tls)
            {
                silo.UseTls(tls.Apply);
            }

            silo.AddMetaRouter(cluster);
            configure?.Invoke(silo);
        });
        return builder;
    }

    /// <summary>The grains and services of MetaRouter on a silo whose clustering is set up elsewhere.</summary>
    public static ISiloBuilder AddMetaRouter(this ISiloBuilder silo, MetaRouterClusterOptions cluster)
    {
        ArgumentNullException.ThrowIfNull(silo);
        ArgumentNullException.ThrowIfNull(cluster);
        silo.AddRedisGrainStorage(RecordStore.Provider, (RedisStorageOptions o) =>
        {
            (o.ConfigurationOptions, o.CreateMultiplexer) = (RedisAddress.Parse(cluster.Redis), _ => ProviderRedis.OpenAsync(cluster.Redis));
            o.GrainStorageSerializer = new RawBytesSerializer();
            o.DeleteStateOnClear = true;
            o.GetStorageKey = (name, id) => $"{cluster.ServiceId}:{name}:{id.Key}";
        });

        // A silo that died is noticed in about two seconds instead of fifteen; one that is merely slow is given longer.
        silo.Configure<ClusterMembershipOptions>(o =>
        {
            (o.ProbeTimeout, o.MinProbeTimeout, o.MaxProbeTimeout, o.NumMissedProbesLimit) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4), 2);

            // If all silos died at once, nobody probes them: the first to start waits until they have missed three of these, a minute and a half by Orleans' own default.
            o.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
        });
        silo.Configure<GrainCollectionOptions>(o => o.CollectionAge = TimeSpan.FromMinutes(cluster.IdleMinutes));
        silo.AddGrainService<SnapshotService>();
        var services = silo.Services;
        AddShared(services, cluster);
        services.AddDecisionLog();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, DecisionLogStage>();
        services.AddSingleton<RecordStore>();
        services.AddSingleton<SiloSecrets>();
        services.AddSingleton<PriorStore>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, SiloStart>();
        services.AddSingleton<SiloRouter>();
        services.AddSingleton<SiloStopping>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(s => s.GetRequiredService<SiloStopping>());
        services.AddSingleton<ISnapshotPush, SnapshotPush>();
        services.AddSingleton<CohortReporter>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, ReportLoop>();
        services.AddHostedService<SnapshotFollower>();
        services.AddSingleton<LossWatch>();
        services.AddSingleton(s => new SiloHealth(s.GetRequiredService<ISiloStatusOracle>(), s.GetRequiredService<PriorStore>(), s.GetRequiredService<LossWatch>(), cluster));
        return silo;
    }

    /// <summary>This application becomes a client of the cluster: <see cref="IRouter"/> and <see cref="IGrainFactory"/> reach it. The same settings as the silos'.</summary>
    /// <param name="configure">Further settings of Orleans.</param>
    public static IHostApplicationBuilder AddMetaRouterClusterClient(this IHostApplicationBuilder builder, Action<IClientBuilder>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var cluster = Read(builder);
        builder.UseOrleansClient(client =>
        {
            client.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (cluster.ClusterId, cluster.ServiceId));
            client.UseRedisClustering(o => Connect(o, cluster));
            if (ClusterTls.Of(cluster) is { } tls)
            {
                client.UseTls(tls.Apply);
            }

            // By Orleans' own default a client of a replaced cluster would try silos that are gone for a minute.
            client.Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = TimeSpan.FromSeconds(5));

            client.UseConnectionRetryFilter<SiloWait>();
            configure?.Invoke(client);
        });
        builder.Services.AddMetaRouterClusterClient(cluster);
        return builder;
    }

    /// <summary>The router over a client that is set up elsewhere.</summary>
    public static IServiceCollection AddMetaRouterClusterClient(this IServiceCollection services, MetaRouterClusterOptions cluster)
    {
        AddShared(services, cluster);

        // An edge seals the receipt anew when another model than the chosen one answers. It uses the cluster's secrets, not those of a router in this process.
        services.AddSingleton(s => ClusterSecrets.LoadOrCreate(s.GetRequiredService<MetaRouterClusterOptions>()));
        services.TryAddSingleton(s => s.GetRequiredService<MetaRouterOptions>().BuildPolicy(s.GetRequiredService<RouterSecrets>()));
        services.AddSingleton<ClusterRouter>();
        services.AddSingleton<IEdgeRouter>(s => s.GetRequiredService<ClusterRouter>());
        services.AddSingleton<IRouter>(s => s.GetRequiredService<ClusterRouter>());
        services.AddHostedService(s => s.GetRequiredService<ClusterRouter>());
        services.AddSingleton<ILearning, ClusterLearning>();
        return services;
    }

    private static void Connect(RedisClusteringOptions options, MetaRouterClusterOptions cluster) =>
        (options.ConfigurationOptions, options.CreateMultiplexer) = (RedisAddress.Parse(cluster.Redis), _ => ProviderRedis.OpenAsync(cluster.Redis));

    private static void AddShared(IServiceCollection services, MetaRouterClusterOptions cluster)
    {
        services.AddMetaRouterOptions();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(new RouterClock(TimeProvider.System));
        services.TryAddSingleton(cluster);
        services.TryAddSingleton<RouterMetrics>();
        services.TryAddSingleton(s => new PoolHolder(s.GetRequiredService<MetaRouterOptions>().BuildPool()));
    }

    private static MetaRouterClusterOptions Read(IHostApplicationBuilder builder)
    {
        var problems = new List<string>();
        var cluster = SettingsBinder.Bind<MetaRouterClusterOptions>(SettingsBinder.Copy(builder.Configuration), MetaRouterClusterOptions.Section, problems);
        problems.AddRange(cluster.Problems().Select(p => $"{MetaRouterClusterOptions.Section}: {p}"));
        return problems.Count == 0 ? cluster : throw new OptionsValidationException(MetaRouterClusterOptions.Section, typeof(MetaRouterClusterOptions), problems);
    }
}
