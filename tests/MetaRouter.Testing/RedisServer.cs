using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MetaRouter.Testing;

/// <summary>A redis-server of the test's own on a free port, which syncs every write; it can be killed and started again over the same files.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string[] _options;
    private Process? _process;

    private RedisServer(string[] options) => _options = options;

    public static bool IsInstalled { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(p => File.Exists(Path.Combine(p, "redis-server")));

    public int Port { get; private init; }

    public string Address => $"127.0.0.1:{Port}";

    public static async Task<RedisServer> StartAsync(params string[] options)
    {
        var server = new RedisServer(options) { Port = Loopback.FreePort() };
        try
        {
            await server.StartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async Task StartAsync()
    {
        string[] arguments = ["--port", $"{Port}", "--bind", "127.0.0.1", "--dir", _folder.Path, "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no", .. _options];
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

    public ValueTask DisposeAsync()
    {
        Kill();
        _folder.Dispose();
        return default;
    }
}
