using System.Collections.Concurrent;
using System.Diagnostics;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Orleans.Client;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

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

        return await ProcessFixture.CreateAsync(_clusters[_inTest], time);
    }
}

public sealed class OneSiloProcess() : ProcessClusters(1);

public sealed class ThreeSiloProcesses() : ProcessClusters(3);

/// <summary>Silos as processes that take time and faults from a board.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private readonly List<Process> _silos = [];
    private ClusterRecords? _records;

    private ProcessCluster(MetaRouterClusterOptions options) => Options = options;

    public MetaRouterClusterOptions Options { get; }

    public ClusterRecords Records => _records!;

    public TemporaryFolder Folder { get; } = new();

    public FaultBoard Board => field ??= new FaultBoard(Folder.File("board"));

    public ConcurrentQueue<string> Output { get; } = [];

    public static async Task<ProcessCluster> StartAsync(RedisServer redis, int silos, string name)
    {
        var cluster = new ProcessCluster(new MetaRouterClusterOptions { Redis = redis.Address, ServiceId = name, ClusterId = name });
        cluster._records = await ClusterRecords.OpenAsync(redis, name);
        await cluster.Records.SetSecretsAsync(ClusterFixture.Keys);

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

        await Records.DisposeAsync();
        Board.Dispose();
        Folder.Dispose();
    }

    private void Start(int number)
    {
        string[] arguments =
        [
            Folder.File("board"), $"{Loopback.FreePort()}", $"{Loopback.FreePort()}",
            "--MetaRouter:Cluster:Redis", Options.Redis, "--MetaRouter:Cluster:ServiceId", Options.ServiceId, "--MetaRouter:Cluster:ClusterId", Options.ClusterId,
            "--MetaRouter:RefreshSeconds", "0", "--MetaRouter:DecisionLog", Folder.File($"decisions-{number}.ndjson"),
        ];
        var silo = Process.Start(Programs.Of("MetaRouter.Orleans.Tests.Silo", arguments))!;
        silo.OutputDataReceived += (_, e) => Output.Enqueue(e.Data ?? "");
        silo.BeginOutputReadLine();
        silo.BeginErrorReadLine();
        _silos.Add(silo);
    }
}

/// <summary>Routers are clients of the cluster; ending them all is sending every user's grain away, so that only what is durable stays.</summary>
internal sealed class ProcessFixture : IRouterFixture
{
    private readonly ProcessCluster _cluster;
    private readonly TimeProvider _time;
    private readonly List<IHost> _clients = [];
    private readonly int _told;
    private Dictionary<string, int> _logged = [];

    private ProcessFixture(ProcessCluster cluster, TimeProvider time) => (_cluster, _time, _told) = (cluster, time, cluster.Output.Count);

    public IRouterFaults Faults => new BoardFaults(_cluster.Board);

    public IReadOnlyCollection<string> Errors => [.. _cluster.Output.Skip(_told)];

    public static async Task<ProcessFixture> CreateAsync(ProcessCluster cluster, TimeProvider time)
    {
        var fixture = new ProcessFixture(cluster, time);
        await fixture.StopAsync();
        await cluster.Records.ClearAsync("user");
        await cluster.Records.ClearAsync("unreadable");
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

    public Task<int> CountUsersAsync() => _cluster.Records.CountAsync("user");

    public Task<int> CountQuarantinedAsync() => _cluster.Records.CountAsync("unreadable");

    public Task CorruptAsync(string tenant, string user) => _cluster.Records.CorruptAsync(tenant, user);

    public bool MayAskAgain => true;

    public async Task<IReadOnlyList<string>> ReadDecisionLogAsync()
    {
        // Written behind: until the files stand still.
        var before = -1;
        await Eventually.TrueAsync(
            () =>
            {
                var lines = Logs().Sum(f => File.ReadLines(f).Count());
                (var still, before) = (lines == before && lines > _logged.Values.Sum(), lines);
                return still;
            },
            TimeSpan.FromSeconds(10));
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

    private string[] Logs() => Directory.GetFiles(_cluster.Folder.Path, "decisions-*");

    private Task<IHost> ConnectAsync() => ClusterClient.ConnectAsync(_cluster.Options);

    /// <summary>Tells the silos the test's time before every call.</summary>
    private sealed class Timed(ClusterRouter inner, FaultBoard board, TimeProvider time) : IRouter
    {
        private ClusterRouter Inner => Now(inner);

        public ValueTask<RouteDecision> RouteAsync(string tenant, string user, RouteRequest request, CancellationToken cancellationToken) => Inner.RouteAsync(tenant, user, request, cancellationToken);

        public ValueTask<RouteDecision> RouteAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken) => Inner.RouteAnonymousAsync(tenant, request, cancellationToken);

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
