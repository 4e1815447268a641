using System.Diagnostics;
using System.Net;
using MetaRouter.RouterContract;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>What infra/compose says of Redis and a gateway, run as processes: their commands, settings, variables and health checks, with the containers' paths and ports moved into a folder of the test's own.</summary>
public sealed class ComposeTests : IDisposable
{
    private static readonly string s_compose = Path.Combine(Repository.Root, "infra", "compose");

    private readonly TemporaryFolder _folder = new();
    private readonly List<Process> _started = [];

    public void Dispose()
    {
        foreach (var process in _started)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }

        _folder.Dispose();
    }

    [RedisFact]
    public async Task RedisAndGateway_AsWritten_ServeTogether()
    {
        var (redisPort, port) = (Loopback.FreePort(), Loopback.FreePort());
        var (key, metrics) = ("mr-client", "mr-metrics");
        foreach (var folder in (string[])["run/secrets", "run/redis", "data", "etc/redis", "config"])
        {
            Directory.CreateDirectory(_folder.File(folder));
        }

        await File.WriteAllTextAsync(_folder.File("run/secrets/redis-password"), "correct-horse\n");
        await File.WriteAllTextAsync(_folder.File("etc/redis/redis.conf"), Moved(await File.ReadAllTextAsync(Path.Combine(s_compose, "redis.conf"))) + $"port {redisPort}\nbind 127.0.0.1\n");
        File.Copy(Path.Combine(s_compose, "appsettings.json"), _folder.File("config/appsettings.json"));
        var services = (YamlMappingNode)Compose()["services"];

        Start([.. Words(services["redis"]["command"])], []);
        string[] isRedisWell = ["sh", "-c", Words(services["redis"]["healthcheck"]["test"])[1].Replace("redis-cli", $"redis-cli -p {redisPort}", StringComparison.Ordinal)];
        await UntilAsync(async () => await RunAsync(isRedisWell) == 0);
        (await RunAsync(["sh", "-c", $"redis-cli -p {redisPort} ping | grep NOAUTH"])).ShouldBe(0, "it lets everybody in");

        var variables = ((YamlMappingNode)services["gateway"]["environment"]).Children.ToDictionary(v => v.Key.ToString(), v => Moved(v.Value.ToString())
            .Replace("redis:6379", $"127.0.0.1:{redisPort}", StringComparison.Ordinal));
        variables["ASPNETCORE_HTTP_PORTS"] = $"{port}";
        variables["ApiKeys__0__Sha256"] = Hash(key);
        variables["ApiKeys__1__Sha256"] = Hash(metrics);
        (variables["OPENAI_API_KEY"], variables["OTEL_EXPORTER_OTLP_ENDPOINT"]) = ("sk-none", "");
        string[] program = ["dotnet", Path.Combine(AppContext.BaseDirectory, "MetaRouter.Gateway.dll")];
        var gateway = Start(program, variables);
        string[] isWell = [.. program, .. Words(services["gateway"]["healthcheck"]["test"]).Skip(2).Select(w => w.Replace("8080", $"{port}", StringComparison.Ordinal))];
        await UntilAsync(async () => await RunAsync(isWell) == 0);

        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        (await GetAsync("/v1/models", key)).Said.ShouldContain("gpt-4o-mini-2024-07-18");
        (await GetAsync("/metrics", metrics)).Status.ShouldBe(HttpStatusCode.OK);
        (await GetAsync("/metrics", key)).Status.ShouldBe(HttpStatusCode.Forbidden);
        using var body = new StringContent("""{"user":"ada","input":"Is 91 a prime number?"}""");
        using var asked = new HttpRequestMessage(HttpMethod.Post, "/v1/router/route") { Content = body, Headers = { { "Authorization", $"Bearer {key}" } } };
        using var routed = await http.SendAsync(asked);
        routed.StatusCode.ShouldBe(HttpStatusCode.OK, await routed.Content.ReadAsStringAsync());

        (await RunAsync(["kill", "-TERM", $"{gateway.Id}"])).ShouldBe(0);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await gateway.WaitForExitAsync(limit.Token);
        gateway.ExitCode.ShouldBe(0);
        var log = await gateway.StandardOutput.ReadToEndAsync(limit.Token) + await gateway.StandardError.ReadToEndAsync(limit.Token);
        log.ShouldNotContain("warn:", customMessage: "such as that this Redis keeps less than is acknowledged");
        log.ShouldNotContain("correct-horse");

        async Task<(HttpStatusCode Status, string Said)> GetAsync(string path, string with)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Authorization", $"Bearer {with}" } } };
            using var response = await http.SendAsync(request);
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
    }

    private static YamlMappingNode Compose()
    {
        var stream = new YamlStream();
        using var reader = File.OpenText(Path.Combine(s_compose, "compose.yaml"));
        stream.Load(new MergingParser(new Parser(reader)));
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    /// <summary>A container's path in the test's folder.</summary>
    private string Moved(string text) => text.Replace("/run/", $"{_folder.Path}/run/", StringComparison.Ordinal).Replace("/etc/redis", $"{_folder.Path}/etc/redis", StringComparison.Ordinal).Replace("dir /data", $"dir {_folder.Path}/data", StringComparison.Ordinal);

    /// <summary>As Compose hands it on: two dollars stand for one.</summary>
    private string[] Words(YamlNode list) => [.. ((YamlSequenceNode)list).Select(w => Moved(w.ToString()).Replace("$$", "$", StringComparison.Ordinal))];

    private Process Start(string[] command, Dictionary<string, string> variables)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = _folder.File("config"), RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        _started.Add(process);
        return process;
    }

    private async Task<int> RunAsync(string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = _folder.Path, RedirectStandardOutput = true, RedirectStandardError = true })!;
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        for (var i = 0; i < 100; i++)
        {
            if (await isSo())
            {
                return;
            }

            await Task.Delay(100);
        }

        throw new TimeoutException("It did not become healthy.");
    }
}
