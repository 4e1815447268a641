using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using MetaRouter.RouterContract;

namespace MetaRouter.Gateway.Tests;

/// <summary>The gateway's own program when its terminal goes away.</summary>
public sealed class HangUpTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private ScriptedUpstream _upstream = null!;
    private Process? _gateway;

    public async Task InitializeAsync() => _upstream = await ScriptedUpstream.StartAsync();

    public async Task DisposeAsync()
    {
        if (_gateway is { } gateway)
        {
            gateway.Kill();
            await gateway.WaitForExitAsync();
            gateway.Dispose();
        }

        await _upstream.DisposeAsync();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task HangUp_EndsAfterWhatIsUnderWay()
    {
        if (!OperatingSystem.IsLinux())
        {
            return; // elsewhere no program gives a signal back that whoever started the tests passes over
        }

        var (http, go) = (new HttpClient { BaseAddress = await StartAsync("exec env --default-signal=HUP \"$@\"; ") }, new TaskCompletionSource());
        _upstream.Script = async (_, _) =>
        {
            await go.Task;
            return false;
        };
        var asked = http.PostAsync("/v1/chat/completions", new StringContent("""{"model":"auto","user":"ann","messages":[{"role":"user","content":"hello"}]}"""));
        await Eventually.TrueAsync(() => _upstream.Calls == 1, TimeSpan.FromSeconds(10));

        await HangUpAsync();
        await Eventually.TrueAsync(() => !IsListening(http.BaseAddress), TimeSpan.FromSeconds(20)); // it has begun to stop
        asked.IsCompleted.ShouldBeFalse();
        go.SetResult();

        using var answer = await asked;
        ((int)answer.StatusCode).ShouldBe(200);
        http.Dispose();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await _gateway!.WaitForExitAsync(limit.Token);
        _gateway.ExitCode.ShouldBe(0);
        (await File.ReadAllLinesAsync(_folder.File("decisions.ndjson"), limit.Token)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task HangUp_StartedToPassItOver_ServesOn()
    {
        if (!OperatingSystem.IsLinux())
        {
            return; // elsewhere nothing tells what a process does with a signal
        }

        using var http = new HttpClient { BaseAddress = await StartAsync("trap '' HUP; ") }; // what nohup does

        // A program that passes it over never gets to know of it, however long one waits.
        var passedOver = (await File.ReadAllLinesAsync($"/proc/{_gateway!.Id}/status")).Single(l => l.StartsWith("SigIgn:", StringComparison.Ordinal))["SigIgn:".Length..];
        (ulong.Parse(passedOver, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 1).ShouldBe(1UL);
        await HangUpAsync();

        (await http.GetStringAsync("/alive")).ShouldContain("ok");
    }

    private async Task<Uri> StartAsync(string first)
    {
        var program = Programs.Of("MetaRouter.Gateway", "--urls", "http://127.0.0.1:0", "--MetaRouter:Store", "memory", "--MetaRouter:DecisionLog", _folder.File("decisions.ndjson"), "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url);
        string[] command = ["-c", first + "exec \"$@\"", "bash", program.FileName, .. program.ArgumentList];
        program.FileName = "bash";
        program.ArgumentList.Clear();
        foreach (var word in command)
        {
            program.ArgumentList.Add(word);
        }

        _gateway = Process.Start(program)!;
        return await Programs.AddressOfAsync(_gateway);
    }

    private static bool IsListening(Uri address)
    {
        try
        {
            using var socket = new TcpClient(address.Host, address.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task HangUpAsync()
    {
        using var kill = Process.Start("kill", ["-HUP", $"{_gateway!.Id}"]);
        await kill.WaitForExitAsync();
    }
}
