namespace MetaRouter.RouterContract;

/// <summary>One redis-server for a class of tests; every fixture keeps to names of its own on it.</summary>
public sealed class OneRedis : IAsyncLifetime
{
    public RedisServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await RedisServer.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();
}
