using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Tests;

namespace MetaRouter.Faults;

/// <summary>Gateways over one store, and an upstream: everything a fault can befall, each a process or a server of its own.</summary>
internal sealed class World : IAsyncDisposable
{
    /// <summary>Known before, so that a client can read its receipts and name the signal each stands for.</summary>
    public static readonly byte[] Keys = [.. Enumerable.Range(0, RouterSecrets.Bytes).Select(i => (byte)(i * 7))];

    private readonly TemporaryFolder _folder = new();
    private SmallDisk? _disk;

    public RedisServer Redis { get; private set; } = null!;

    /// <summary>Between the gateways and Redis.</summary>
    public TcpProxy Line { get; private set; } = null!;

    public BadUpstream Upstream { get; private set; } = null!;

    public IReadOnlyList<GatewayProcess> Gateways { get; private set; } = [];

    /// <summary>The SQLite file.</summary>
    public string Path { get; private set; } = "";

    public bool IsShared => Redis is not null;

    /// <summary>Two gateways on one Redis.</summary>
    /// <param name="tellsHeap">What each gateway holds can be asked.</param>
    /// <param name="settings">Of the gateways, besides those of the world.</param>
    public static async Task<World> OnRedisAsync(string appendFsync = "always", bool tellsHeap = false, params string[] settings)
    {
        var world = new World { Redis = await RedisServer.StartAsync("--appendfsync", appendFsync) };
        world.Line = new TcpProxy(world.Redis.Port);
        await using (var store = RedisUserStore.Open(world.Redis.Address, "metarouter:"))
        {
            await store.WriteValueAsync("secrets.v1", Keys, null);
        }

        await world.StartAsync(2, "redis:" + world.Line.Address, movesClock: false, tellsHeap, settings);
        return world;
    }

    /// <summary>One gateway on a file.</summary>
    /// <param name="diskKilobytes">The file's disk is a small one of its own.</param>
    public static async Task<World> OnSqliteAsync(int? diskKilobytes = null, bool movesClock = false)
    {
        var world = new World();
        world._disk = diskKilobytes is { } size ? new SmallDisk(size) : null;
        world.Path = world._disk is { } disk ? disk.File("users.db") : world._folder.File("users.db");
        await using (var store = SqliteUserStore.Open(world.Path))
        {
            await store.WriteValueAsync("secrets.v1", Keys, null);
        }

        await world.StartAsync(1, "sqlite:" + world.Path, movesClock);
        return world;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var gateway in Gateways)
        {
            await gateway.DisposeAsync();
        }

        if (Upstream is not null)
        {
            await Upstream.DisposeAsync();
        }

        Line?.Dispose();
        if (Redis is not null)
        {
            await Redis.DisposeAsync();
        }

        _disk?.Dispose();
        _folder.Dispose();
    }

    private async Task StartAsync(int gateways, string store, bool movesClock = false, bool tellsHeap = false, params string[] more)
    {
        Upstream = await BadUpstream.StartAsync();
        string[] settings =
        [
            "--MetaRouter:Store", store, "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", Upstream.Url, "--Upstreams:0:TimeoutSeconds", "2", "--Upstreams:0:IdleSeconds", "1",
            "--Gateway:CircuitSeconds", "1", "--Gateway:MostAttempts", "2", .. more,
        ];
        Gateways = [.. Enumerable.Range(0, gateways).Select(_ => new GatewayProcess(movesClock, tellsHeap, settings))];
        await Task.WhenAll(Gateways.Select(g => g.StartAsync()));
    }
}
