using System.Diagnostics;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using MetaRouter.Orleans.Client;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace MetaRouter.Orleans.Tests;

/// <summary>A Redis of two nodes under a cluster that names both: Orleans' own connections too find the master, and use neither of two.</summary>
public sealed class FailoverTests : IAsyncLifetime
{
    private readonly List<string> _acknowledged = [];
    private RedisServer _first = null!, _second = null!;
    private string _refused = "";
    private int _users;

    private MetaRouterClusterOptions Options => new() { Redis = $"{_first.Address},{_second.Address}" };

    public async Task InitializeAsync()
    {
        _first = await RedisServer.StartAsync();
        _second = await RedisServer.StartAsync("--replicaof", "127.0.0.1", $"{_first.Port}");
        await Eventually.TrueAsync(() => _second.Command("info", "replication").Contains("master_link_status:up", StringComparison.Ordinal), TimeSpan.FromSeconds(20));
    }

    public async Task DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
    }

    /// <summary>By itself Orleans would write to the replica that the master has become, and be refused, until its client looks who is what: once a minute.</summary>
    [Fact]
    public async Task MasterBecomesTheReplica_UsersAndMembershipAreWrittenToTheNewOneSoon()
    {
        await using var silo = await SiloProcess.StartAsync(Options);
        await silo.ReadyAsync();
        using var client = await ClusterClient.ConnectAsync(Options);
        await SayAsync(client, 10, until: () => _acknowledged.Count > 0);

        _second.Command("replicaof", "no", "one");
        _first.Command("replicaof", "127.0.0.1", $"{_second.Port}");
        var members = Members();
        await SayAsync(client, 10, until: () => _acknowledged.Count > 1);

        _acknowledged.Count.ShouldBe(2);
        await Eventually.TrueAsync(() => Members() != members, TimeSpan.FromSeconds(20)); // the silo says there every 5 s that it is alive, and after a refusal again
        ShouldHaveAllAcknowledged(_second);
        await client.StopAsync();
    }

    /// <summary>By itself Orleans would write to the one that was named first, and what it acknowledged there is thrown away when that one is told that it is a replica.</summary>
    [Fact]
    public async Task MasterOfBeforeComesBackAsOne_NeitherIsUsed_AndNothingAcknowledgedIsLost()
    {
        await using var silo = await SiloProcess.StartAsync(Options);
        await silo.ReadyAsync();
        using var client = await ClusterClient.ConnectAsync(Options);
        _first.Kill();
        _second.Command("replicaof", "no", "one");
        await SayAsync(client, 10, until: () => _acknowledged.Count > 0);

        await _first.StartAsync(); // nobody has told it yet
        await SayAsync(client, 3, until: () => false);
        _first.Command("replicaof", "127.0.0.1", $"{_second.Port}");
        var before = _acknowledged.Count;
        await SayAsync(client, 10, until: () => _acknowledged.Count > before + 1);

        _acknowledged.Count.ShouldBeGreaterThan(before + 1);
        ShouldHaveAllAcknowledged(_second);
        _refused.ShouldContain(": two nodes of Redis both call themselves the master"); // could not be loaded, or not saved
        await client.StopAsync();
    }

    /// <summary>Users nobody has in memory, one after the other, who each say something once.</summary>
    private async Task SayAsync(IHost client, double seconds, Func<bool> until)
    {
        var router = client.Services.GetRequiredService<ClusterRouter>();
        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < seconds && !until(); await Task.Delay(50))
        {
            var user = $"user {++_users}";
            var decision = await router.RouteAsync("acme", user, new RouteRequest("Still there?"));
            try
            {
                (await router.LearnAsync("acme", user, new Feedback(decision.Token, FeedbackKind.Thumb, 1))).Outcome.ShouldBe(AddOutcome.Counted);
                _acknowledged.Add(user);
            }
            catch (StoreException e)
            {
                _refused += e.Message;
            }
        }
    }

    private string Members() => _second.Command("hgetall", "metarouter/members/metarouter");

    private void ShouldHaveAllAcknowledged(RedisServer redis) =>
        _acknowledged.Where(user => redis.Command("exists", $"metarouter:user:{UserRouterGrainExtensions.KeyOf("acme", user)}").Trim() != "1").ShouldBeEmpty();
}
