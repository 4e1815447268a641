using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetaRouter.Hosting.Tests.Crash;

/// <summary>A router over a store, without the rest of an application.</summary>
internal sealed class Host : IAsyncDisposable
{
    private readonly RouterMetrics _metrics = new();
    private readonly DecisionLog _log;

    private Host(IUserStore store, RouterSecrets secrets, int usersInMemory)
    {
        (Store, Secrets) = (store, secrets);
        _log = new DecisionLog("", 100, _metrics, NullLogger<DecisionLog>.Instance);
        var policy = new RoutingPolicy(new ReceiptSealer(secrets.ReceiptKeys), new Guardrails(), new ExplorationPolicy());
        Router = new InProcessRouter(store, new PoolHolder(RoutingPool.OfSnapshot(Snapshot.Default)), policy, secrets, TimeProvider.System, _metrics, _log, NullLogger<InProcessRouter>.Instance, usersInMemory);
    }

    public IUserStore Store { get; }

    public RouterSecrets Secrets { get; }

    public InProcessRouter Router { get; }

    /// <param name="place">A SQLite file's path, or <c>redis:HOST:PORT</c>.</param>
    public static async Task<Host> OpenAsync(string place, int usersInMemory = 200_000)
    {
        const string redis = "redis:";
        return await OverAsync(place.StartsWith(redis, StringComparison.Ordinal) ? RedisUserStore.Open(place[redis.Length..]) : SqliteUserStore.Open(place), usersInMemory);
    }

    public static async Task<Host> OverAsync(IUserStore store, int usersInMemory) => new(store, await RouterSecrets.LoadOrCreateAsync(store, CancellationToken.None), usersInMemory);

    public async ValueTask DisposeAsync()
    {
        _log.Dispose();
        _metrics.Dispose();
        await Store.DisposeAsync();
    }
}
