using MetaRouter.RouterContract;

namespace MetaRouter.Orleans.Tests;

/// <summary>One redis-server for a class of tests; every fixture has a service id of its own on it.</summary>
public sealed class SharedRedis : IAsyncLifetime
{
    internal RedisServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await RedisServer.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

public sealed class OneSiloTests(SharedRedis redis) : RouterContract.RouterContract, IClassFixture<SharedRedis>
{
    protected override Task<IRouterFixture> CreateAsync(TimeProvider time) => Task.FromResult<IRouterFixture>(new ClusterFixture(redis.Server, 1, time));
}

public sealed class ThreeSilosTests(SharedRedis redis) : RouterContract.RouterContract, IClassFixture<SharedRedis>
{
    protected override Task<IRouterFixture> CreateAsync(TimeProvider time) => Task.FromResult<IRouterFixture>(new ClusterFixture(redis.Server, 3, time));
}

public sealed class OneSiloProcessTests(OneSiloProcess processes) : RouterContract.RouterContract, IClassFixture<OneSiloProcess>
{
    protected override async Task<IRouterFixture> CreateAsync(TimeProvider time) => await processes.NextAsync(time);
}

public sealed class ThreeSiloProcessesTests(ThreeSiloProcesses processes) : RouterContract.RouterContract, IClassFixture<ThreeSiloProcesses>
{
    protected override async Task<IRouterFixture> CreateAsync(TimeProvider time) => await processes.NextAsync(time);
}
