using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MetaRouter.RouterContract;

namespace MetaRouter.Orleans.Tests;

/// <summary>Two gateways on the cluster by one setting, as processes, over HTTP.</summary>
public sealed class GatewayTests : IAsyncLifetime, IDisposable
{
    /// <summary>The last one, the best for the money by far, is nothing the gateways can call.</summary>
    private static readonly (string Id, double Input, double Output)[] SilosModels = [("gpt-4o-mini", 0.15, 0.6), ("gpt-4o", 2.5, 10), ("claude-3-haiku", 0.25, 1.25), ("gemini-1.5-pro-002", 0.001, 0.001)];

    private readonly List<Process> _gateways = [];
    private readonly TemporaryFolder _folder = new();
    private RedisServer _redis = null!;
    private SiloProcess _silo = null!;

    public async Task InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        var options = new MetaRouterClusterOptions { Redis = $"127.0.0.1:{_redis.Port}" };
        _silo = await SiloProcess.StartAsync(options, ["--MetaRouter:DecisionLog", _folder.File("silo.ndjson"), .. Models(SilosModels)]);
        await _silo.ReadyAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var gateway in _gateways)
        {
            gateway.Kill();
            await gateway.WaitForExitAsync();
            gateway.Dispose();
        }

        await _silo.DisposeAsync();
        await _redis.DisposeAsync();
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>A silo cannot know whether its decision was followed; a reader of its log alone must not take it for the chosen model's answer.</summary>
    [Fact]
    public async Task DecisionLogs_OfSiloAndGateway_TogetherTellWhatBecameOfADecision()
    {
        using var gateway = await StartAsync("--MetaRouter:DecisionLog", _folder.File("gateway.ndjson"), "--Gateway:OffModel", "gpt-4o");
        var decided = await PostAsync(gateway, "/v1/router/route", new { user = "ada", input = "What is 2 + 2?" });
        var followed = await PostAsync(gateway, "/v1/chat/completions", new { model = "auto", user = "ada", messages = new[] { new { role = "user", content = "Hello?" } } });
        gateway.DefaultRequestHeaders.Add("x-router-mode", "observe");
        var noted = await PostAsync(gateway, "/v1/chat/completions", new { model = "auto", user = "ada", messages = new[] { new { role = "user", content = "Hello?" } } });
        var anonymous = await PostAsync(gateway, "/v1/chat/completions", new { model = "auto", messages = new[] { new { role = "user", content = "Hello?" } } });
        SilosModels.Select(m => m.Id).ShouldContain((string)anonymous["model"]!);
        foreach (var receipt in new[] { decided["receipt"], followed["id"], noted["id"] })
        {
            await PostAsync(gateway, "/v1/router/feedback", new { receipt = (string)receipt!, user = "ada", kind = "task_success", value = true });
        }

        JsonObject[] silos = [], gateways = [];
        await Eventually.TrueAsync(
            () =>
            {
                (silos, gateways) = (Log("silo.ndjson"), Log("gateway.ndjson"));
                return Task.FromResult(silos.Length >= 7 && gateways.Length >= 3);
            },
            TimeSpan.FromSeconds(15));

        silos.Where(l => l.ContainsKey("mode")).Select(l => (string)l["mode"]!).ShouldBe(["decision", "pending", "pending", "pending"]);
        silos.Count(l => l.ContainsKey("feedback")).ShouldBe(3);
        gateways.Select(l => (string)l["mode"]!).ShouldBe(["apply", "observe", "observe"]);
        gateways.Select(Key).ShouldBe(silos.Where(l => (string?)l["mode"] == "pending").Select(Key));

        static (string, long) Key(JsonObject line) => ((string)line["time"]!, (long)line["nonce"]!);

        JsonObject[] Log(string name) => [.. (File.Exists(_folder.File(name)) ? File.ReadAllLines(_folder.File(name)) : []).Where(l => l.EndsWith('}')).Select(l => JsonNode.Parse(l)!.AsObject())];
    }

    [Fact]
    public async Task TwoGateways_OneCluster_AreOneRouter()
    {
        using var first = await StartAsync();
        using var second = await StartAsync();

        var decision = await PostAsync(first, "/v1/router/route", new { user = "ada", input = "What is 2 + 2?", compare = true });
        var receipt = (string)decision["receipt"]!;
        var feedback = new { receipt, user = "ada", kind = "thumb", value = "up" };
        ((bool)(await PostAsync(second, "/v1/router/feedback", feedback))["counted"]!).ShouldBeTrue();
        ((bool)(await PostAsync(first, "/v1/router/feedback", feedback))["counted"]!).ShouldBeFalse();
        ((int)(await first.GetFromJsonAsync<JsonObject>("/v1/router/users/ada"))!["signals"]!).ShouldBe(1);
        ((int)(await second.GetFromJsonAsync<JsonObject>("/v1/router/users/ada"))!["signals"]!).ShouldBe(1);

        var anonymous = await PostAsync(second, "/v1/chat/completions", new { model = "auto", messages = new[] { new { role = "user", content = "Hello?" } } });
        SilosModels[..^1].Select(m => m.Id).ShouldContain((string)anonymous["model"]!);
        SilosModels[..^1].Select(m => m.Id).ShouldContain((string)decision["model"]!);

        // Clients make a conversation shorter that no model holds when they are told so in these words, here as anywhere.
        using var tooLong = await second.PostAsJsonAsync("/v1/chat/completions", new { model = "auto", user = "ada", max_tokens = 128_000, messages = new[] { new { role = "user", content = "Hello?" } } });
        (await tooLong.Content.ReadAsStringAsync()).ShouldContain("maximum context length is 128000 tokens");

        // Nor does the console speak of it, though the silo predicts it for every request.
        var (overview, front) = (await first.GetFromJsonAsync<JsonObject>("/v1/console/overview"), await first.GetFromJsonAsync<JsonObject>("/v1/console/front"));
        var row = (await first.GetFromJsonAsync<JsonObject>("/v1/console/decisions"))!["decisions"]!.AsArray().Single()!;
        var detail = await first.GetFromJsonAsync<JsonObject>($"/v1/console/decisions/{row["id"]}");
        SilosModels[..^1].Select(m => m.Id).ShouldContain((string)overview!["totals"]!["best_single"]!["model"]!);
        front!["models"]!.AsArray().Select(m => (string)m!["name"]!).ShouldBe(SilosModels[..^1].Select(m => m.Id), ignoreOrder: true);
        detail!["candidates"]!.AsArray().Select(m => (string)m!["model"]!).ShouldBe(SilosModels[..^1].Select(m => m.Id), ignoreOrder: true);

        (await first.DeleteAsync("/v1/router/users/ada")).IsSuccessStatusCode.ShouldBeTrue();
        (await second.PostAsJsonAsync("/v1/router/feedback", feedback)).StatusCode.ShouldBe(HttpStatusCode.Gone);

        // The models are the silos'.
        using var catalog = new StringContent(await first.GetStringAsync("/v1/router/models"));
        var half = await first.PutAsync("/v1/router/models", catalog);
        half.StatusCode.ShouldBe(HttpStatusCode.NotImplemented);
        (await half.Content.ReadAsStringAsync()).ShouldContain("not_on_cluster");

        // No silo: said at once in the API's own words, and over when one is back.
        _silo.Kill();
        var refused = await first.PostAsJsonAsync("/v1/router/feedback", feedback);
        refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await refused.Content.ReadAsStringAsync()).ShouldContain("store_unavailable");
        await Eventually.TrueAsync(async () => (await first.GetStringAsync("/health")).Contains("degraded", StringComparison.Ordinal), TimeSpan.FromSeconds(30));
        await _silo.DisposeAsync();
        _silo = await SiloProcess.StartAsync(new MetaRouterClusterOptions { Redis = $"127.0.0.1:{_redis.Port}" }, [.. Models(SilosModels)]);
        await _silo.ReadyAsync();
        await Eventually.TrueAsync(async () => (await first.PostAsJsonAsync("/v1/router/route", new { user = "bo", input = "?" })).IsSuccessStatusCode, TimeSpan.FromSeconds(60));
        await Eventually.TrueAsync(async () => (await first.GetStringAsync("/health")).Contains("\"ok\"", StringComparison.Ordinal), TimeSpan.FromSeconds(30));
    }

    /// <summary>A client is told what it is and what to do; Orleans' and the driver's words name silos, keys and the user's pseudonym.</summary>
    [Fact]
    public async Task Feedback_ThatCannotBeSaved_IsRefusedInPlainWords()
    {
        using var gateway = await StartAsync();
        var receipt = (string)(await PostAsync(gateway, "/v1/router/route", new { user = "ada", input = "What is 2 + 2?" }))["receipt"]!;

        _redis.Command("config", "set", "maxmemory", "1");
        (await RefusedAsync(gateway, receipt)).ShouldBe("What the cluster keeps could not be saved: Redis is out of memory; raise maxmemory, with a policy that evicts nothing. What was not acknowledged may be sent again.");
        _redis.Command("config", "set", "maxmemory", "0");

        _silo.Pause();
        try
        {
            (await RefusedAsync(gateway, receipt)).ShouldBe("The cluster does not answer in time; what was asked may have been done, ask again. Check that its silos and their Redis answer.");
        }
        finally
        {
            _silo.Resume();
        }
    }

    /// <summary>Its connection stays, and no call is refused: a call that waits is all there is to see.</summary>
    [Fact]
    public async Task Silos_ThatStopWithoutAWord_AreToldWithinSeconds()
    {
        using var gateway = await StartAsync();
        (await gateway.GetStringAsync("/health")).ShouldContain("\"ok\"");
        var stopped = Stopwatch.StartNew();
        _silo.Pause();
        try
        {
            await Eventually.TrueAsync(async () => (await gateway.GetStringAsync("/health")).Contains("degraded", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
            stopped.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));

            // Nor is whoever asks for a refresh kept for the minutes that one may take.
            using var refused = await gateway.PostAsJsonAsync("/v1/console/learning/refresh", new { });
            refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
            (await refused.Content.ReadAsStringAsync()).ShouldContain("where the meta-learner is");
        }
        finally
        {
            _silo.Resume();
        }
    }

    /// <summary>The call is never answered, and a refresh has minutes.</summary>
    [Fact]
    public async Task Refresh_WhoseLearnersSiloStoppedWithoutAWord_IsAnsweredByTheNextLearner()
    {
        using var gateway = await StartAsync(); // while there is one silo, which therefore has the learner
        await using var next = await SiloProcess.StartAsync(new MetaRouterClusterOptions { Redis = $"127.0.0.1:{_redis.Port}" }, [.. Models(SilosModels)]);
        await next.ReadyAsync();
        await Eventually.TrueAsync(async () => (await _silo.HealthAsync()).Body.Contains("\"activeSilos\":2", StringComparison.Ordinal), TimeSpan.FromSeconds(30));
        _silo.Pause();

        var answer = await PostAsync(gateway, "/v1/console/learning/refresh", new { });

        answer["serving"].ShouldNotBeNull();
    }

    /// <summary>One Redis may have served replicas before, or do so beside the cluster; what they were told while they ran no gateway of the cluster could take back.</summary>
    [Fact]
    public async Task Models_ThatReplicasWereGivenWhileTheyRan_AreNotTheClusters()
    {
        using (var store = Hosting.Stores.RedisUserStore.Open(_redis.Address, new Hosting.MetaRouterOptions().RedisPrefix))
        {
            (await store.WriteValueAsync(Hosting.Stores.ValueNames.Catalog, """{"models":[{"id":"gpt-4o-mini","input_price_usd_per_million":1,"output_price_usd_per_million":2}]}"""u8.ToArray(), null)).ShouldBeTrue();
        }

        using var gateway = await StartAsync();
        await Task.Delay(TimeSpan.FromSeconds(3)); // replicas look every second

        var models = JsonNode.Parse(await gateway.GetStringAsync("/v1/router/models"))!["models"]!.AsArray();
        models.Select(m => (string)m!["id"]!).ShouldBe(SilosModels[..^1].Select(m => m.Id), ignoreOrder: true);
        ((double)models[0]!["input_price_usd_per_million"]!).ShouldBe(SilosModels[0].Input);
    }

    [Fact]
    public async Task Console_OnACluster_RefreshesAndRollsBackByTheMetaLearner()
    {
        using var first = await StartAsync();
        using var second = await StartAsync();
        await TeachAsync(first, "thrifty", 1, users: 60);
        var learned = await PostAsync(first, "/v1/console/learning/refresh", new { });
        var thrifty = (string)learned["serving"]!["version"]!;
        await TeachAsync(second, "lavish", -2.5, users: 180); // so many that whoever is held out, the new prior foretells them better
        var again = await PostAsync(second, "/v1/console/learning/refresh", new { });
        var lavish = (string)again["serving"]!["version"]!;

        var back = await PostAsync(second, "/v1/console/learning/rollback", new { version = thrifty });

        lavish.ShouldNotBe(thrifty);
        ((string)back["serving"]!["version"]!).ShouldBe(thrifty);
        ((bool)back["serving"]!["held"]!).ShouldBeTrue();
        back["snapshots"]!.AsArray().Select(s => ((string)s!["version"]!, (string)s["result"]!)).ShouldBe([(thrifty, "rolled_back"), (lavish, "promoted"), (thrifty, "promoted")]);
        await Eventually.TrueAsync(async () => (string)(await first.GetFromJsonAsync<JsonObject>("/v1/console/learning"))!["serving"]!["version"]! == thrifty, TimeSpan.FromSeconds(15));
        (await first.PostAsJsonAsync("/v1/console/learning/rollback", new { version = "0123456789abcdef" })).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    /// <summary>Users whose records say so, with ln lambda around the mean.</summary>
    private static async Task TeachAsync(HttpClient client, string name, double mean, int users)
    {
        var (random, pool) = (new Random(11), Core.Routing.RoutingPool.OfSnapshot(Core.MetaLearning.Snapshot.Default));
        for (var i = 0; i < users; i++)
        {
            var record = Population.Record(pool, Math.Exp(mean + (0.4 * Population.Normal(random))), 12, random);
            await PostAsync(client, $"/v1/router/users/{name}-{i}/import", new { record = Convert.ToBase64String(record) });
        }
    }

    private static IEnumerable<string> Models((string Id, double Input, double Output)[] models) => models
        .SelectMany((m, i) => (string[])[$"--MetaRouter:Models:{i}:Id", m.Id, $"--MetaRouter:Models:{i}:InputPrice", FormattableString.Invariant($"{m.Input}"), $"--MetaRouter:Models:{i}:OutputPrice", FormattableString.Invariant($"{m.Output}")]);

    private static async Task<JsonObject> PostAsync(HttpClient client, string path, object body)
    {
        using var response = await client.PostAsJsonAsync(path, body);
        var text = await response.Content.ReadAsStringAsync();
        response.IsSuccessStatusCode.ShouldBeTrue(text);
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>Orleans says at every try that it finds nobody.</summary>
    [Fact]
    public async Task Gateway_BeforeItsSilos_SaysOnceWhatItWaitsFor()
    {
        var (start, _) = Start("--MetaRouter:Cluster:ClusterId", "of-no-silo");
        var gateway = Process.Start(start)!;
        _gateways.Add(gateway);
        var said = new System.Collections.Concurrent.ConcurrentQueue<string>();
        gateway.OutputDataReceived += (_, line) => said.Enqueue(line.Data ?? "");
        gateway.BeginOutputReadLine();
        gateway.BeginErrorReadLine();

        await Eventually.TrueAsync(() => said.Any(l => l.Contains("No silo of the cluster 'of-no-silo' answers yet", StringComparison.Ordinal)), TimeSpan.FromSeconds(90));
        await Task.Delay(TimeSpan.FromSeconds(3)); // it is looked for every second

        string.Join('\n', said).ShouldNotContain("Could not find any gateway");
        said.Count(l => l.Contains("No silo of the cluster", StringComparison.Ordinal)).ShouldBe(1);
    }

    private static async Task<string> RefusedAsync(HttpClient gateway, string receipt)
    {
        using var refused = await gateway.PostAsJsonAsync("/v1/router/feedback", new { receipt, user = "ada", kind = "thumb", value = "up" });
        refused.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        return (string)(await refused.Content.ReadFromJsonAsync<JsonObject>())!["error"]!["message"]!;
    }

    private async Task<HttpClient> StartAsync(params string[] settings)
    {
        var (start, port) = Start(settings);
        var gateway = Process.Start(start)!;
        gateway.BeginOutputReadLine();
        gateway.BeginErrorReadLine();
        _gateways.Add(gateway);
        var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(30) };
        await Eventually.TrueAsync(async () => (await client.GetAsync("/alive")).IsSuccessStatusCode, TimeSpan.FromSeconds(90));
        return client;
    }

    private (ProcessStartInfo Start, int Port) Start(params string[] settings)
    {
        var port = Loopback.FreePort();
        var build = Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))!);
        var folder = Path.Combine(Repository.Root, "src", "MetaRouter.Gateway", "bin", build, "net10.0");
        return (Programs.In(folder, Path.Combine(folder, "MetaRouter.Gateway"), ["--urls", $"http://127.0.0.1:{port}", "--MetaRouter:Store", $"cluster:127.0.0.1:{_redis.Port}", .. Models(SilosModels[..^1]), .. settings]), port);
    }
}
