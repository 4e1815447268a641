using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Tests.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests;

/// <summary>Compiled where redis-server is installed: see the project file.</summary>
public sealed class RedisStoreContractTests(OneRedis redis) : RouterContract.RouterContract, IClassFixture<OneRedis>
{
    protected override Task<IRouterFixture> CreateAsync(TimeProvider time) => Task.FromResult<IRouterFixture>(RedisFixture.Over(redis.Server.Address, time));
}

public sealed class ReplicaMemoryTests(OneRedis redis) : IClassFixture<OneRedis>
{
    [Fact]
    public async Task Learn_TheSameWordAgain_AfterAnotherRouterErasedTheUser_IsRefused()
    {
        await using var fixture = RedisFixture.Over(redis.Server.Address, TimeProvider.System);
        var (one, two) = (await fixture.StartAsync(), await fixture.StartAsync());
        var decision = await one.RouteAsync("acme", "ada", new RouteRequest("What is 7 times 8?"));
        var word = new Feedback(decision.Token, FeedbackKind.Thumb, 1);
        (await one.LearnAsync("acme", "ada", word)).Counted.ShouldBeTrue();
        (await one.LearnAsync("acme", "ada", word)).Outcome.ShouldBe(AddOutcome.Repeat);

        await two.EraseAsync("acme", "ada");

        (await one.LearnAsync("acme", "ada", word)).IsErased.ShouldBeTrue();
    }
}

public sealed class RedisClusterContractTests(OneRedisCluster redis) : RouterContract.RouterContract, IClassFixture<OneRedisCluster>
{
    protected override Task<IRouterFixture> CreateAsync(TimeProvider time) => Task.FromResult<IRouterFixture>(RedisFixture.Over(redis.Cluster.Address, time));
}

public sealed class OneRedisCluster : IAsyncLifetime
{
    public RedisCluster Cluster { get; private set; } = null!;

    public async Task InitializeAsync() => Cluster = await RedisCluster.StartAsync();

    public async Task DisposeAsync() => await Cluster.DisposeAsync();
}

internal static class RedisFixture
{
    private static int s_fixtures;

    /// <summary>Keys of its own in a Redis that others use too.</summary>
    public static HostingFixture Over(string address, TimeProvider time)
    {
        var prefix = $"f{Interlocked.Increment(ref s_fixtures)}:";
        return new HostingFixture(_ => RedisUserStore.Open(address, prefix), async s => await ((RedisUserStore)s).CountQuarantinedAsync(), time);
    }
}
