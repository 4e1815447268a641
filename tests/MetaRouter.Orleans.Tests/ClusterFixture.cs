using System.Collections.Concurrent;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Hosting;
using MetaRouter.Orleans.Client;
using MetaRouter.Orleans.Storage;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using Orleans.TestingHost;

namespace MetaRouter.Orleans.Tests;

/// <summary>
/// Clusters over one Redis. A second router is a second cluster over the same state, so that a user is active twice, as can happen while membership changes.
/// </summary>
internal sealed class ClusterFixture(RedisServer redis, short silos, TimeProvider time) : IRouterFixture
{
    public static readonly RoutingPool Pool = RoutingPool.OfSnapshot(Snapshot.Default);
    internal static readonly byte[] Keys = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];

    private readonly string _service = $"test-{Guid.NewGuid():N}";
    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentQueue<string> _errors = [];
    private FaultBoard? _board;
    private readonly List<InProcessTestCluster> _clusters = [];
    private ClusterRecords? _records;
    private int _logs;

    public IRouterFaults Faults => new BoardFaults(Board);

    public IReadOnlyCollection<string> Errors => _errors;

    public IReadOnlyList<InProcessTestCluster> Clusters => _clusters;

    /// <summary>What silos that start from now on serve.</summary>
    public RoutingPool Served { get; set; } = Pool;

    public Action<MetaRouterOptions> Configure { get; init; } = _ => { };

    /// <summary>What a test watches or hinders of a silo.</summary>
    public Action<ISiloBuilder> ConfigureSilo { get; init; } = _ => { };

    /// <summary>What an application adds beside the cluster's client.</summary>
    public Action<IServiceCollection> ConfigureClient { get; init; } = _ => { };

    public MetaRouterClusterOptions Options => field ??= new() { Redis = redis.Address, ServiceId = _service, ClusterId = _service, SnapshotSeconds = 1, Partitions = 4 };

    public async Task<IRouter> StartAsync() => (await StartClusterAsync()).Client.ServiceProvider.GetRequiredService<ClusterRouter>();

    public async Task<InProcessTestCluster> StartClusterAsync()
    {
        await (await RecordsAsync()).SetSecretsAsync(Keys);
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ServiceId = _service;
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(new RouterClock(time));
            silo.Services.AddSingleton(new PoolHolder(Served));
            silo.Services.AddLogging(l => l.ClearProviders().AddProvider(new ErrorLogProvider(_errors.Enqueue)));
            silo.AddMetaRouter(Options);
            silo.Services.AddSingleton(s => new RecordStore(new FaultyStorage(s.GetRequiredKeyedService<IGrainStorage>(RecordStore.Provider), Board)));
            silo.Services.Configure<MetaRouterOptions>(o =>
            {
                (o.RefreshSeconds, o.DecisionLog) = (0, _folder.File($"decisions-{Interlocked.Increment(ref _logs)}.ndjson"));
                Configure(o);
            });
            ConfigureSilo(silo);
        });
        builder.ConfigureClientHost(client =>
        {
            client.Services.AddSingleton(new PoolHolder(Pool));
            client.Services.AddMetaRouterClusterClient(Options);
            ConfigureClient(client.Services);
        });
        var cluster = builder.Build();
        _clusters.Add(cluster);
        await cluster.DeployAsync();
        return cluster;
    }

    public async Task StopAsync()
    {
        foreach (var cluster in _clusters)
        {
            await cluster.StopClusterClientAsync();
            await cluster.StopAllSilosAsync();
            await cluster.DisposeAsync();
        }

        _clusters.Clear();
    }

    public async Task<int> CountUsersAsync() => await (await RecordsAsync()).CountAsync("user");

    public async Task<int> CountQuarantinedAsync() => await (await RecordsAsync()).CountAsync("unreadable");

    public async Task CorruptAsync(string tenant, string user) => await (await RecordsAsync()).CorruptAsync(tenant, user);

    public bool MayAskAgain => true;

    public async Task<IReadOnlyList<string>> ReadDecisionLogAsync() =>
        [.. (await Task.WhenAll(Directory.GetFiles(_folder.Path, "decisions-*").Select(f => File.ReadAllLinesAsync(f)))).SelectMany(l => l)];

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_records is not null)
        {
            await _records.DisposeAsync();
        }

        _board?.Dispose();
        _folder.Dispose();
    }

    private FaultBoard Board => _board ??= new FaultBoard(_folder.File("board"));

    private async Task<ClusterRecords> RecordsAsync() => _records ??= await ClusterRecords.OpenAsync(redis, _service);
}
