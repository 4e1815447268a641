using System.Diagnostics;

namespace MetaRouter.Hosting.Tests.Stores;

/// <summary>Six nodes: three masters, a replica each.</summary>
public sealed class RedisCluster : IAsyncDisposable
{
    private RedisCluster(RedisServer[] nodes) => Nodes = nodes;

    public IReadOnlyList<RedisServer> Nodes { get; }

    public string Address => string.Join(',', Nodes.Select(n => n.Address));

    public static async Task<RedisCluster> StartAsync()
    {
        var nodes = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => RedisServer.StartAsync("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")));
        var cluster = new RedisCluster(nodes);
        Cli(["--cluster", "create", .. nodes.Select(n => n.Address), "--cluster-replicas", "1", "--cluster-yes"]).ShouldContain("All 16384 slots covered");
        for (var i = 0; i < 100 && nodes.Any(n => !Cli("-p", $"{n.Port}", "cluster", "info").Contains("cluster_state:ok", StringComparison.Ordinal)); i++)
        {
            await Task.Delay(100);
        }

        return cluster;
    }

    public static string Cli(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("redis-cli", arguments) { RedirectStandardOutput = true })!;
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return said;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }
    }
}
