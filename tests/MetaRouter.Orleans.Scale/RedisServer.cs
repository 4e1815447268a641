using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;

namespace MetaRouter.Orleans.Scale;

/// <summary>A real redis-server on a free port of the loopback, as infra/kubernetes sets it up.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("metarouter-scale-").FullName;
    private readonly int _port;
    private readonly Process _process;
    private readonly ConnectionMultiplexer _connection;

    private RedisServer()
    {
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            _port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        var start = new ProcessStartInfo("redis-server", ["--port", $"{_port}", "--bind", "127.0.0.1", "--dir", _folder, "--save", "", "--appendonly", "yes", "--appendfsync", "always"]) { RedirectStandardOutput = true };
        _process = Process.Start(start) ?? throw new InvalidOperationException("redis-server does not start; install it (Debian: apt-get install redis-server).");
        _ = _process.StandardOutput.ReadToEndAsync();
        _connection = ConnectionMultiplexer.Connect($"{Address},connectRetry=50");
        Database = _connection.GetDatabase();
    }

    public string Address => $"127.0.0.1:{_port},abortConnect=false";

    public IDatabase Database { get; }

    public static async Task<RedisServer> StartAsync()
    {
        var server = new RedisServer();
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await server.Database.PingAsync();
                return server;
            }
            catch (RedisException) when (attempt < 100)
            {
                await Task.Delay(50);
            }
        }
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
        await _connection.DisposeAsync();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
