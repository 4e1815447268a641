using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using MetaRouter.RouterContract;

namespace MetaRouter.Orleans.Tests;

/// <summary>The silo program as a process of its own, as operators run it.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly int _http;

    private SiloProcess(Process process, int http, int port) => (_process, _http, Port) = (process, http, port);

    /// <summary>Where other silos reach it, unless a setting says otherwise.</summary>
    public int Port { get; }

    public ConcurrentQueue<string> Output { get; } = [];

    public static Task<SiloProcess> StartAsync(MetaRouterClusterOptions options, params string[] settings) => StartInAsync("", options, settings);

    public static async Task<SiloProcess> StartInAsync(string folder, MetaRouterClusterOptions options, params string[] settings)
    {
        var (http, port) = (Loopback.FreePort(), Loopback.FreePort());
        string[] arguments =
        [
            "--urls", $"http://127.0.0.1:{http}",
            "--MetaRouter:Cluster:Redis", options.Redis, "--MetaRouter:Cluster:ServiceId", options.ServiceId, "--MetaRouter:Cluster:ClusterId", options.ClusterId,
            "--MetaRouter:Cluster:SiloPort", $"{port}", "--MetaRouter:Cluster:GatewayPort", $"{Loopback.FreePort()}",
            "--MetaRouter:Cluster:Address", "127.0.0.1", "--MetaRouter:Cluster:Partitions", $"{options.Partitions}", "--MetaRouter:RefreshSeconds", "0", .. settings,
        ];
        var silo = new SiloProcess(Process.Start(Programs.In(folder, "MetaRouter.Silo", arguments))!, http, port);
        silo._process.OutputDataReceived += (_, e) => silo.Output.Enqueue(e.Data ?? "");
        silo._process.ErrorDataReceived += (_, e) => silo.Output.Enqueue(e.Data ?? "");
        silo._process.BeginOutputReadLine();
        silo._process.BeginErrorReadLine();
        return silo;
    }

    public async Task ReadyAsync() => await Eventually.TrueAsync(async () => (await HealthAsync()).Status == HttpStatusCode.OK, TimeSpan.FromSeconds(90));

    public async Task<(HttpStatusCode Status, string Body)> HealthAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        using var response = await http.GetAsync($"http://127.0.0.1:{_http}/health");
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>The exit code of one that ends by itself.</summary>
    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return _process.ExitCode;
    }

    /// <summary>SIGKILL.</summary>
    public void Kill() => _process.Kill();

    /// <summary>SIGSTOP: it is there, and answers nothing.</summary>
    public void Pause() => Signal("-STOP");

    public void Resume() => Signal("-CONT");

    /// <summary>SIGTERM, and the exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        Signal("-TERM");
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return _process.ExitCode;
    }

    private void Signal(string signal)
    {
        using var kill = Process.Start("kill", [signal, $"{_process.Id}"]);
        kill.WaitForExit();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
