using System.Net;
using MetaRouter.RouterContract;
using StackExchange.Redis;

namespace MetaRouter.Orleans.Tests;

/// <summary>A Redis that is emptied under a cluster: FLUSHALL, a new disk, an old dump.</summary>
public sealed class EmptiedRedisTests : IAsyncLifetime
{
    private const string Secrets = "metarouter:secrets:0";

    private RedisServer _redis = null!;
    private ConnectionMultiplexer _connection = null!;

    private MetaRouterClusterOptions Options => new() { Redis = _redis.Address };

    private IDatabase Database => _connection.GetDatabase();

    public async Task InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _connection = await ConnectionMultiplexer.ConnectAsync(_redis.Address + ",allowAdmin=true");
    }

    public async Task DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _redis.DisposeAsync();
    }

    /// <summary>Else every user would be another to silos that start later, and no receipt good; and nobody would know that these do not find the others.</summary>
    [Fact]
    public async Task Emptied_SecretsAreTheSameAgain_AndTheSiloSaysThatNobodyFindsIt()
    {
        await using var silo = await SiloProcess.StartAsync(Options, "--MetaRouter:Cluster:SnapshotSeconds", "0.5");
        await silo.ReadyAsync();
        var before = (byte[])(await Database.HashGetAsync(Secrets, "data"))!;

        await EmptyAsync();

        await Eventually.TrueAsync(async () => await Database.HashGetAsync(Secrets, "data") is { IsNull: false }, TimeSpan.FromSeconds(10));
        ((byte[])(await Database.HashGetAsync(Secrets, "data"))!).ShouldBe(before);
        await ShouldSayAsync(silo, "no longer has this silo");

        await using var later = await SiloProcess.StartAsync(Options);
        await later.ReadyAsync();
        ((byte[])(await Database.HashGetAsync(Secrets, "data"))!).ShouldBe(before);
        await ShouldSayAsync(silo, "no longer has this silo");
        (await later.HealthAsync()).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task SecretsOfAnotherCluster_AreToldAndLeftAlone()
    {
        await using var silo = await SiloProcess.StartAsync(Options, "--MetaRouter:Cluster:SnapshotSeconds", "0.5");
        await silo.ReadyAsync();
        byte[] others = [.. Enumerable.Repeat((byte)7, 64)];

        await Database.HashSetAsync(Secrets, [new HashEntry("etag", "1"), new HashEntry("data", others)]);

        await ShouldSayAsync(silo, "another cluster's secrets");
        ((byte[])(await Database.HashGetAsync(Secrets, "data"))!).ShouldBe(others);
    }

    private Task EmptyAsync() => _connection.GetServer("127.0.0.1", _redis.Port).FlushAllDatabasesAsync();

    private static async Task ShouldSayAsync(SiloProcess silo, string problem)
    {
        await Eventually.TrueAsync(async () => (await silo.HealthAsync()) is (HttpStatusCode.ServiceUnavailable, var body) && body.Replace("\\u0027", "'", StringComparison.Ordinal).Contains(problem, StringComparison.Ordinal), TimeSpan.FromSeconds(20));
        silo.Output.Count(l => l.Contains(problem, StringComparison.Ordinal) && l.Contains("restore a backup", StringComparison.Ordinal)).ShouldBe(1);
    }
}
