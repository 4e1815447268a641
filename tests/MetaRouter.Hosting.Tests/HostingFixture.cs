using System.Collections.Concurrent;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests;

/// <summary>In-process routers over one store.</summary>
internal sealed class HostingFixture(Func<string, IUserStore> open, Func<IUserStore, Task<int>> countQuarantined, TimeProvider time) : IRouterFixture
{
    public static readonly RoutingPool Pool = RoutingPool.OfSnapshot(Snapshot.Default);
    private static readonly byte[] Keys = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];

    private readonly TemporaryFolder _folder = new();
    private readonly List<(DecisionLog Log, RouterMetrics Metrics)> _running = [];
    private readonly ConcurrentQueue<string> _errors = [];
    private FaultyStore? _store;

    public static UserKey KeyOf(string tenant, string user) => new(IdentityHash.Compute(Keys.AsSpan(32), tenant), IdentityHash.Compute(Keys.AsSpan(32), tenant, user));

    public FaultyStore Store => _store ??= new FaultyStore(open(_folder.File("users.db")));

    public IRouterFaults Faults => Store;

    public IReadOnlyCollection<string> Errors => _errors;

    public async Task<IRouter> StartAsync() => await StartAsync(new PoolHolder(Pool));

    public async Task<InProcessRouter> StartAsync(PoolHolder pool, int usersInMemory = 10_000)
    {
        await Store.WriteValueAsync("secrets.v1", Keys, null);
        var secrets = await RouterSecrets.LoadOrCreateAsync(Store, CancellationToken.None);
        var policy = new RoutingPolicy(new ReceiptSealer(secrets.ReceiptKeys), new Guardrails(), new ExplorationPolicy());
        var metrics = new RouterMetrics();
        var log = new DecisionLog(_folder.File("decisions.ndjson"), 10_000, metrics, new ErrorLog<DecisionLog>(_errors));
        await log.StartAsync(CancellationToken.None);
        _running.Add((log, metrics));
        return new InProcessRouter(Store, pool, policy, secrets, time, metrics, log, new ErrorLog<InProcessRouter>(_errors), usersInMemory);
    }

    public async Task StopAsync()
    {
        foreach (var (log, metrics) in _running)
        {
            await log.StopAsync(CancellationToken.None);
            log.Dispose();
            metrics.Dispose();
        }

        _running.Clear();
        if (_store?.Inner is not (null or MemoryUserStore))
        {
            await _store.DisposeAsync();
            _store = null;
        }
    }

    public async Task<int> CountUsersAsync() => (await Store.ChangedAsync(0, int.MaxValue)).Count;

    public async Task CorruptAsync(string tenant, string user)
    {
        var key = KeyOf(tenant, user);
        (await Store.SaveAsync(key, new byte[] { 1, 2, 3 }, (await Store.LoadAsync(key)).Etag)).ShouldBeGreaterThan(0);
    }

    public Task<int> CountQuarantinedAsync() => countQuarantined(Store.Inner);

    public async Task<IReadOnlyList<string>> ReadDecisionLogAsync() => await File.ReadAllLinesAsync(_folder.File("decisions.ndjson"));

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _folder.Dispose();
    }
}
