using System.Collections.Concurrent;
using System.Diagnostics;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Orleans.Client;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace MetaRouter.Orleans.Tests;

/// <summary>Two clusters of silo processes over one redis-server, which the tests of a class take turns on: at most two fixtures of a test live at once.</summary>
public abstract class ProcessClusters(int silos) : IAsyncLifetime
{
    private readonly List<ProcessCluster> _clusters = [];
    private RedisServer _redis = null!;
    private ManualTime? _test;
    private int _inTest;

    public async Task InitializeAsync() => _redis = await RedisServer.StartAsync();

    public async Task DisposeAsync()
    {
        foreach (var cluster in _clusters)
        {
            await cluster.DisposeAsync();
        }

        await _redis.DisposeAsync();
    }

    /// <summary>An empty cluster; the second of a test when that test (by its clock) has one already.</summary>
    internal async Task<IRouterFixture> NextAsync(TimeProvider time)
    {
        _inTest = ReferenceEquals(_test, time) ? _inTest + 1 : 0;
        _test = (ManualTime)time;
        if (_clusters.Count <= _inTest)
        {
            _clusters.Add(await ProcessCluster.StartAsync(_redis, silos, $"cluster{_inTest}"));
        }

        return await ProcessFixture.CreateAsync(_clusters[_inTest], _redis, time);
    }
}

public sealed class OneSiloProcess() : ProcessClusters(1);

public sealed class ThreeSiloProcesses() : ProcessClusters(3);

/// <summary>Silos as processes that take time and faults from a board.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private readonly List<Process> _silos = [];

    private ProcessCluster(MetaRouterClusterOptions options) => Options = options;

    public MetaRouterClusterOptions Options { get; }

    public string Folder { get; } = Directory.CreateTempSubdirectory("metarouter-silos-").FullName;

    public FaultBoard Board => field ??= new FaultBoard(Path.Combine(Folder, "board"));

    public ConcurrentQueue<string> Output { get; } = [];

    public static async Task<ProcessCluster> StartAsync(RedisServer redis, int silos, string name)
    {
        var cluster = new ProcessCluster(new MetaRouterClusterOptions { Redis = redis.Address, ServiceId = name, ClusterId = name });
        await using (var connection = await redis.ConnectAsync())
        {
            await connection.GetDatabase().HashSetAsync($"{name}:secrets:0", [new HashEntry("etag", "tests"), new HashEntry("data", ClusterFixture.Keys)]);
        }

        _ = cluster.Board;
        for (var i = 0; i < silos; i++)
        {
            cluster.Start(i);
        }

        await Eventually.TrueAsync(() => cluster.Output.Count(l => l == "ready") == silos, TimeSpan.FromSeconds(120));
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in _silos)
        {
            silo.Kill();
            await silo.WaitForExitAsync();
            silo.Dispose();
        }

        Board.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private void Start(int number)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        string[] arguments =
        [
            "exec", Path.Combine(AppContext.BaseDirectory, "MetaRouter.Orleans.Tests.Silo.dll"), Path.Combine(Folder, "board"), $"{RedisServer.FreePort()}", $"{RedisServer.FreePort()}",
            "--MetaRouter:Cluster:Redis", Options.Redis, "--MetaRouter:Cluster:ServiceId", Options.ServiceId, "--MetaRouter:Cluster:ClusterId", Options.ClusterId,
            "--MetaRouter:RefreshSeconds", "0", "--MetaRouter:DecisionLog", Path.Combine(Folder, $"decisions-{number}.ndjson"),
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var silo = Process.Start(start)!;
        silo.OutputDataReceived += (_, e) => Output.Enqueue(e.Data ?? "");
        silo.BeginOutputReadLine();
        _silos.Add(silo);
    }
}

/// <summary>Routers are clients of the cluster; ending them all is sending every user's grain away, so that only what is durable stays.</summary>
internal sealed class ProcessFixture : IRouterFixture
{
    private readonly ProcessCluster _cluster;
    private readonly RedisServer _redis;
    private readonly TimeProvider _time;
    private readonly List<IHost> _clients = [];
    private readonly int _told;
    private Dictionary<string, int> _logged = [];

    private ProcessFixture(ProcessCluster cluster, RedisServer redis, TimeProvider time) => (_cluster, _redis, _time, _told) = (cluster, redis, time, cluster.Output.Count);

    public IRouterFaults Faults => new BoardFaults(_cluster.Board);

    public IReadOnlyCollection<string> Errors
    {
        get
        {
            Thread.Sleep(300); // what a silo wrote is on its way
            return [.. _cluster.Output.Skip(_told)];
        }
    }

    public static async Task<ProcessFixture> CreateAsync(ProcessCluster cluster, RedisServer redis, TimeProvider time)
    {
        var fixture = new ProcessFixture(cluster, redis, time);
        await fixture.StopAsync();
        await using var connection = await redis.ConnectAsync();
        foreach (var name in new[] { "user", "unreadable" })
        {
            await foreach (var key in connection.GetServer("127.0.0.1", redis.Port).KeysAsync(pattern: $"{cluster.Options.ServiceId}:{name}:*"))
            {
                await connection.GetDatabase().KeyDeleteAsync(key);
            }
        }

        fixture._logged = fixture.Logs().ToDictionary(f => f, f => File.ReadLines(f).Count());
        return fixture;
    }

    public async Task<IRouter> StartAsync()
    {
        var client = await ConnectAsync();
        _clients.Add(client);
        return new Timed(client.Services.GetRequiredService<ClusterRouter>(), _cluster.Board, _time);
    }

    public async Task StopAsync()
    {
        foreach (var client in _clients)
        {
            await client.StopAsync();
            client.Dispose();
        }

        _clients.Clear();
        using var operation = await ConnectAsync();
        var management = operation.Services.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0);
        await Eventually.TrueAsync(
            async () =>
            {
                await management.ForceActivationCollection(TimeSpan.Zero);
                return (await management.GetSimpleGrainStatistics()).Where(s => s.GrainType.Contains("UserRouterGrain", StringComparison.Ordinal)).Sum(s => s.ActivationCount) == 0;
            },
            TimeSpan.FromSeconds(30));
        await operation.StopAsync();
    }

    public RouteDecision RouteAnonymous(IRouter router, string tenant, RouteRequest request) => ((Timed)router).Inner.RouteAnonymousAsync(tenant, request).AsTask().GetAwaiter().GetResult();

    public Task<int> CountUsersAsync() => CountAsync("user");

    public Task<int> CountQuarantinedAsync() => CountAsync("unreadable");

    public async Task CorruptAsync(string tenant, string user)
    {
        await using var connection = await _redis.ConnectAsync();
        await connection.GetDatabase().HashSetAsync(
            $"{_cluster.Options.ServiceId}:user:{UserRouterGrainExtensions.KeyOf(tenant, user)}", [new HashEntry("etag", "corrupt"), new HashEntry("data", new byte[] { 1, 2, 3 })]);
    }

    public async Task<IReadOnlyList<string>> ReadDecisionLogAsync()
    {
        await Task.Delay(500); // written behind
        return [.. Logs().SelectMany(f => File.ReadLines(f).Skip(_logged.GetValueOrDefault(f)))];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.StopAsync();
            client.Dispose();
        }
    }

    private string[] Logs() => Directory.GetFiles(_cluster.Folder, "decisions-*");

    private async Task<IHost> ConnectAsync()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration["MetaRouter:Cluster:Redis"] = _cluster.Options.Redis;
        builder.Configuration["MetaRouter:Cluster:ServiceId"] = _cluster.Options.ServiceId;
        builder.Configuration["MetaRouter:Cluster:ClusterId"] = _cluster.Options.ClusterId;
        builder.Services.AddSingleton(new PoolHolder(ClusterFixture.Pool));
        builder.AddMetaRouterClusterClient();
        var client = builder.Build();
        await client.StartAsync();
        return client;
    }

    private async Task<int> CountAsync(string name)
    {
        await using var connection = await _redis.ConnectAsync();
        var count = 0;
        await foreach (var _ in connection.GetServer("127.0.0.1", _redis.Port).KeysAsync(pattern: $"{_cluster.Options.ServiceId}:{name}:*"))
        {
            count++;
        }

        return count;
    }

    /// <summary>Tells the silos the test's time before every call.</summary>
    private sealed class Timed(ClusterRouter inner, FaultBoard board, TimeProvider time) : IRouter
    {
        public ClusterRouter Inner => Now(inner);

        public ValueTask<RouteDecision> RouteAsync(string tenant, string user, RouteRequest request, CancellationToken cancellationToken) => Inner.RouteAsync(tenant, user, request, cancellationToken);

        public ValueTask<FeedbackResult> LearnAsync(string tenant, string user, Feedback feedback, CancellationToken cancellationToken) => Inner.LearnAsync(tenant, user, feedback, cancellationToken);

        public ValueTask<UserModel> GetUserAsync(string tenant, string user, CancellationToken cancellationToken) => Inner.GetUserAsync(tenant, user, cancellationToken);

        public ValueTask EraseAsync(string tenant, string user, CancellationToken cancellationToken) => Inner.EraseAsync(tenant, user, cancellationToken);

        public ValueTask<byte[]> ExportAsync(string tenant, string user, CancellationToken cancellationToken) => Inner.ExportAsync(tenant, user, cancellationToken);

        public ValueTask<UserModel> ImportAsync(string tenant, string user, ReadOnlyMemory<byte> record, CancellationToken cancellationToken) => Inner.ImportAsync(tenant, user, record, cancellationToken);

        private ClusterRouter Now(ClusterRouter router)
        {
            board.UtcNow = time.GetUtcNow();
            return router;
        }
    }
}
