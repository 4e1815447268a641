using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MetaRouter.RouterContract;

/// <summary>A redis-server of the test's own on a free port, which syncs every write; it can be killed and started again over the same files.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("metarouter-redis-").FullName;
    private readonly string[] _options;
    private Process? _process;

    private RedisServer(string[] options) => _options = options;

    public static bool IsInstalled { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(p => File.Exists(Path.Combine(p, "redis-server")));

    public int Port { get; private init; }

    public string Address => $"127.0.0.1:{Port}";

    public static async Task<RedisServer> StartAsync(params string[] options)
    {
        var server = new RedisServer(options) { Port = FreePort() };
        await server.StartAsync();
        return server;
    }

    public async Task StartAsync()
    {
        string[] arguments = ["--port", $"{Port}", "--bind", "127.0.0.1", "--dir", _folder, "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no", .. _options];
        _process = Process.Start(new ProcessStartInfo("redis-server", arguments) { RedirectStandardOutput = true })!;
        _process.BeginOutputReadLine();
        for (var i = 0; i < 200; i++)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, Port);
                await client.GetStream().WriteAsync("PING\r\n"u8.ToArray());
                var answer = new byte[64];
                var read = await client.GetStream().ReadAsync(answer);
                if (answer.AsSpan(0, read).StartsWith("+PONG"u8) || answer.AsSpan(0, read).StartsWith("-NOAUTH"u8))
                {
                    return;
                }
            }
            catch (SocketException)
            {
                // Not yet.
            }

            await Task.Delay(25);
        }

        throw new InvalidOperationException($"redis-server did not start on port {Port}.");
    }

    /// <summary>As the power does.</summary>
    public void Kill()
    {
        _process?.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
        _process = null;
    }

    /// <summary>SIGSTOP: it is there, takes connections, and answers nothing.</summary>
    public void Pause() => Run("kill", "-STOP", $"{_process!.Id}");

    public void Resume() => Run("kill", "-CONT", $"{_process!.Id}");

    /// <summary>By redis-cli; what it prints.</summary>
    public string Command(params string[] words) => Run("redis-cli", ["-p", $"{Port}", .. words]);

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var printed = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? printed : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {printed}");
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        for (var i = 0; Directory.Exists(_folder); i++)
        {
            try
            {
                Directory.Delete(_folder, recursive: true);
            }
            catch (IOException) when (i < 20)
            {
                await Task.Delay(50); // its last files are being closed
            }
        }
    }

    /// <summary>Of the loopback, below 55,000: a Redis Cluster's nodes also listen 10,000 above their port.</summary>
    public static int FreePort()
    {
        while (true)
        {
            using var probe = new TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            var port = ((IPEndPoint)probe.LocalEndpoint).Port;
            if (port < 55_000)
            {
                return port;
            }
        }
    }
}
