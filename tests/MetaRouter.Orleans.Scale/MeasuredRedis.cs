using MetaRouter.Testing;
using StackExchange.Redis;

namespace MetaRouter.Orleans.Scale;

/// <summary>A real redis-server that syncs every write, as infra/kubernetes sets it up, and what it tells of itself.</summary>
internal sealed class MeasuredRedis(RedisServer server, ConnectionMultiplexer connection) : IAsyncDisposable
{
    public string Address => server.Address;

    public IDatabase Database { get; } = connection.GetDatabase();

    public static async Task<MeasuredRedis> StartAsync()
    {
        var server = await RedisServer.StartAsync();
        return new MeasuredRedis(server, await ConnectionMultiplexer.ConnectAsync(server.Address));
    }

    /// <summary>A number from INFO.</summary>
    public async Task<double> InfoAsync(string section, string name)
    {
        var lines = ((string)(await Database.ExecuteAsync("INFO", section))!).Split('\n', StringSplitOptions.TrimEntries);
        return double.Parse(lines.Single(l => l.StartsWith($"{name}:", StringComparison.Ordinal))[(name.Length + 1)..]);
    }

    /// <summary>Seconds of its main thread, where commands are carried out.</summary>
    public async Task<double> CpuAsync() => await InfoAsync("cpu", "used_cpu_user_main_thread") + await InfoAsync("cpu", "used_cpu_sys_main_thread");

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        await server.DisposeAsync();
    }
}
