using MetaRouter.RouterContract;

namespace MetaRouter.Orleans.Tests;

public sealed class OneSiloTests(OneRedis redis) : RouterContract.RouterContract, IClassFixture<OneRedis>
{
    protected override Task<IRouterFixture> CreateAsync(TimeProvider time) => Task.FromResult<IRouterFixture>(new ClusterFixture(redis.Server, 1, time));
}

public sealed class ThreeSilosTests(OneRedis redis) : RouterContract.RouterContract, IClassFixture<OneRedis>
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
