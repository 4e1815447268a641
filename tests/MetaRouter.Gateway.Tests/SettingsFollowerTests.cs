using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using MetaRouter.RouterContract;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>The gateway's own program, whose settings file is rewritten while it runs.</summary>
public sealed class SettingsFollowerTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromMinutes(1);

    private static readonly string[] s_models = ["gpt-4o-mini"];

    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentQueue<string> _said = [];
    private readonly HttpClient _http = new();
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

    public void Dispose()
    {
        _http.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Key_WithdrawnFromTheFile_IsRefusedAndItsRunningAnswerGoesOn()
    {
        await StartAsync([Key("leaked", "acme", "inference", "read"), Key("ops", "ops", "read", "operator")]);
        (await StatusAsync("leaked"), await StatusAsync("new")).ShouldBe((200, 401));
        var go = new TaskCompletionSource();
        _upstream.Script = async (_, _) =>
        {
            await go.Task;
            return false;
        };
        var asked = SendAsync("leaked", HttpMethod.Post, "/v1/chat/completions", """{"model":"auto","user":"ann","messages":[{"role":"user","content":"hello"}]}""");
        await Eventually.TrueAsync(() => _upstream.Calls == 1, s_soon);
        using var watched = await SendAsync("leaked", HttpMethod.Get, "/v1/console/events", null, HttpCompletionOption.ResponseHeadersRead);

        await WriteAsync([Key("new", "acme", "inference", "read"), Key("ops", "ops", "read", "operator")]);
        await Eventually.TrueAsync(async () => await StatusAsync("leaked") == 401, s_soon);

        (await StatusAsync("new"), await StatusAsync("ops")).ShouldBe((200, 200));
        asked.IsCompleted.ShouldBeFalse();
        go.SetResult();
        using var answer = await asked;
        ((int)answer.StatusCode).ShouldBe(200);
        using var limit = new CancellationTokenSource(s_soon);
        (await watched.Content.ReadAsStringAsync(limit.Token)).ShouldContain("event: overview"); // and it ends, which it would not by itself
        await Eventually.TrueAsync(() => _said.Any(l => l.Contains("2 API keys are in force, 1 of them new, 1 withdrawn", StringComparison.Ordinal)), s_soon);
    }

    [Fact]
    public async Task Tenants_ChangedInTheFile_AreHeldToTheirNewRules()
    {
        await StartAsync([Key("a", "acme", "inference", "read")]);
        (await StatusAsync("a")).ShouldBe(200);
        (await BudgetAsync()).ShouldBeNull();

        await WriteAsync([Key("a", "acme", "inference", "read")], new { Name = "acme", BudgetUsd = 7.5, AllowedModels = s_models });
        await Eventually.TrueAsync(async () => await BudgetAsync() == 7.5, s_soon);
        await WriteAsync([Key("a", "acme", "inference", "read")], new { Name = "*", BudgetUsd = 2 });
        await Eventually.TrueAsync(async () => await BudgetAsync() == 2, s_soon);
        await WriteAsync([Key("a", "acme", "inference", "read")]);
        await Eventually.TrueAsync(async () => await BudgetAsync() is null, s_soon);

        async Task<double?> BudgetAsync()
        {
            using var answer = await SendAsync("a", HttpMethod.Get, "/v1/router/budget", null);
            using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            return json.RootElement.TryGetProperty("budget_usd", out var usd) ? usd.GetDouble() : null;
        }
    }

    [Fact]
    public async Task File_ThatCannotBeUsed_IsToldOnceAndChangesNothing()
    {
        await StartAsync([Key("a", "acme", "inference", "read")]);
        (string Written, string Told)[] wrong =
        [
            ("{ \"ApiKeys\": [", "LineNumber"),
            ("""{"ApiKeys":[{"Sha256":"short","Tenant":"acme","Scopes":["read"]},{"Sha256":"short","Tenant":"acme","Scopes":["everything"]}]}""", "has the scope 'everything'"),
            ("""{"ApiKeys":[]}""", "would let in everybody"),
            (Text([Key("a", "acme", "read")], new { Name = "acme", BudgetUsd = -1 }), "has BudgetUsd -1"),
            (Text([Key("a", "acme", "read")], new { Name = "acme", SharesLearning = false }), "SharesLearning of 'acme'"),
        ];
        for (var i = 0; i < wrong.Length; i++)
        {
            var (written, told) = wrong[i];
            await File.WriteAllTextAsync(_folder.File("appsettings.json"), written);
            await Eventually.TrueAsync(() => _said.Count(l => l.Contains("cannot be followed", StringComparison.Ordinal)) == i + 1, s_soon);
            _said.Last(l => l.Contains("cannot be followed", StringComparison.Ordinal)).ShouldContain(told);
            (await StatusAsync("a")).ShouldBe(200);
            using var unknown = await _http.GetAsync("/v1/models");
            ((int)unknown.StatusCode).ShouldBe(401);
        }

        File.Delete(_folder.File("appsettings.json"));
        await Eventually.TrueAsync(() => _said.Count(l => l.Contains("would let in everybody", StringComparison.Ordinal)) == 2, s_soon);
        (await StatusAsync("a")).ShouldBe(200);

        // What is mended is followed, also where it is what was in force all along.
        await WriteAsync([Key("a", "acme", "inference", "read"), Key("b", "acme", "read")]);
        await Eventually.TrueAsync(async () => await StatusAsync("b") == 200, s_soon);
        _said.Count(l => l.Contains("cannot be followed", StringComparison.Ordinal)).ShouldBe(wrong.Length + 1);
    }

    private static object Key(string key, string tenant, params string[] scopes) => new { Sha256 = Hash(key), Tenant = tenant, Scopes = scopes };

    private static string Text(object[] keys, params object[] tenants) => JsonSerializer.Serialize(new { ApiKeys = keys, Tenants = tenants });

    private Task WriteAsync(object[] keys, params object[] tenants) => File.WriteAllTextAsync(_folder.File("appsettings.json"), Text(keys, tenants));

    private async Task StartAsync(object[] keys)
    {
        await WriteAsync(keys);
        _gateway = Process.Start(Programs.In(
            _folder.Path, "MetaRouter.Gateway", "--urls", "http://127.0.0.1:0", "--MetaRouter:Store", "memory", "--MetaRouter:Models:0:Id", "gpt-4o-mini", "--MetaRouter:Models:0:InputPrice", "1",
            "--MetaRouter:Models:0:OutputPrice", "1", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url))!;
        _gateway.ErrorDataReceived += (_, line) => _said.Enqueue(line.Data ?? "");
        _gateway.BeginErrorReadLine();
        _http.BaseAddress = await ListensAsync(_gateway);
    }

    /// <summary>As <see cref="Programs.AddressOfAsync"/>, and keeps what is said afterwards.</summary>
    private async Task<Uri> ListensAsync(Process process)
    {
        process.OutputDataReceived += (_, line) => _said.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        Uri? found = null;
        await Eventually.TrueAsync(
            () =>
            {
                var line = _said.FirstOrDefault(l => l.Contains("http://127.0.0.1:", StringComparison.Ordinal));
                found = line is null ? null : new Uri(line[line.IndexOf("http://127.0.0.1:", StringComparison.Ordinal)..].Split(' ', ',')[0].TrimEnd('.'));
                return found is not null;
            },
            TimeSpan.FromMinutes(1));
        return found!;
    }

    private async Task<int> StatusAsync(string key)
    {
        using var answer = await SendAsync(key, HttpMethod.Get, "/v1/models", null);
        return (int)answer.StatusCode;
    }

    private async Task<HttpResponseMessage> SendAsync(string key, HttpMethod method, string path, string? body, HttpCompletionOption until = HttpCompletionOption.ResponseContentRead)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body), Headers = { Authorization = new AuthenticationHeaderValue("Bearer", key) } };
        return await _http.SendAsync(request, until);
    }
}
