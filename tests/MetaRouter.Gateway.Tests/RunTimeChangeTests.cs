using System.Text.Json.Nodes;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>What operators change while the gateway runs, and the decision log that tells of it.</summary>
public sealed class RunTimeChangeTests : OneUpstream
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Catalog_ReplacedWhileARequestIsDecided_IsPricedByTheOneItWasDecidedBy(bool streams)
    {
        await using var gateway = await RunningGateway.StartAsync(
            services => services.AddSingleton<ISharedState>(s => new SlowMemory(s.GetRequiredService<MemorySharedState>(), s.GetRequiredService<PoolHolder>())),
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url);
        var body = JsonNode.Parse(Body("auto"))!;
        body["stream"] = streams;
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(body.ToJsonString()), Headers = { { "x-router-session", "s" } } };

        using var answer = await gateway.Client.SendAsync(request);

        ((int)answer.StatusCode).ShouldBe(200);
        answer.Headers.GetValues("x-router-model").ShouldBe(["brand-new"]);
        (await answer.Content.ReadAsStringAsync()).ShouldContain("I am");
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task Catalog_ChangedWhileRunning_IsRoutedPricedAndKept()
    {
        using var folder = new TemporaryFolder();
        string[] settings = ["--MetaRouter:Store", "sqlite:" + folder.File("users.db")];
        await using (var gateway = await StartAsync(settings))
        {
            var before = await gateway.GetAsync("/v1/router/models");
            before.Body["models"]!.AsArray().Count.ShouldBe(8);
            const string changed = """{"models":[{"id":"brand-new","input_price_usd_per_million":1,"output_price_usd_per_million":2,"sibling":"gpt-4o-2024-05-13","capabilities":["streaming"]},{"id":"mixtral-8x7b-instruct","input_price_usd_per_million":9,"output_price_usd_per_million":9}]}""";
            (await gateway.SendAsync(HttpMethod.Put, "/v1/router/models", changed, ("If-Match", "\"0000000000000000\""))).ShouldFail(412, "etag_mismatch", before.Headers["ETag"]);
            var put = await gateway.SendAsync(HttpMethod.Put, "/v1/router/models", changed, ("If-Match", before.Headers["ETag"]));
            put.Status.ShouldBe(200, put.Text);
            put.Headers["ETag"].ShouldNotBe(before.Headers["ETag"]);

            var served = await gateway.PostAsync(Chat, Body("brand-new"));
            Usd(served).ShouldBe(((1000 * 1) + (100 * 2)) * 1e-6, 1e-9);
            (await gateway.PostAsync("/v1/router/route", """{"input":"a"}""")).Body["ranking"]!.AsArray().Count.ShouldBe(2);
            (await gateway.PostAsync(Chat, Body(Strong))).ShouldFail(404, "model_not_found", "brand-new");
        }

        await using var again = await StartAsync(settings);
        (await again.GetAsync("/v1/router/models")).Body["models"]!.AsArray().Count.ShouldBe(2);
        (await again.SendAsync(HttpMethod.Delete, "/v1/router/models")).Body["models"]!.AsArray().Count.ShouldBe(8);
    }

    [Theory]
    [InlineData("""{"models":[]}""", 400, "empty")]
    [InlineData("""{"models":[{"id":"a"}]}""", 400, "has no input_price_usd_per_million", "models[0]")]
    [InlineData("""{"models":[{"id":"a","input_price_usd_per_million":1,"output_price_usd_per_million":1,"sibling":"nobody"}]}""", 400, "'a' has the sibling 'nobody'", "leave it out")]
    [InlineData("""{"models":[{"id":"a b","input_price_usd_per_million":1,"output_price_usd_per_million":1}]}""", 400, "visible ASCII")]
    [InlineData("""{"models":[{"id":"a","input_price_usd_per_million":1,"output_price_usd_per_million":1,"colour":"red"}]}""", 400, "colour")]
    [InlineData("""{"models":[{"id":"a","input_price_usd_per_million":1,"output_price_usd_per_million":1,"capabilities":["sight"]}]}""", 400, "'sight'", "vision")]
    [InlineData("""{"models":[{"id":"a","input_price_usd_per_million":1,"output_price_usd_per_million":1,"capabilities":[null]}]}""", 400, "models[0]", "vision")]
    [InlineData("""{"models":[{"id":"a","input_price_usd_per_million":1,"output_price_usd_per_million":1,"enabled":false}]}""", 422, "none is enabled")]
    [InlineData("""{"models":[{"id":"a","input_price_usd_per_million":1,"output_price_usd_per_million":1,"output_scale":200}]}""", 400, "'a' has an OutputScale of 200", "from 0.01 to 100")]
    [InlineData("""{"models":[{"id":"a","input_price_usd_per_million":1,"output_price_usd_per_million":1,"aliases":["auto"]}]}""", 400, "'a' has the alias 'auto', which asks for routing")]
    [InlineData("[]", 400, "cannot be read")]
    public async Task Catalog_Unusable_IsRefusedByName(string body, int status, params string[] named)
    {
        await using var gateway = await RunningGateway.StartAsync();

        var answer = await gateway.SendAsync(HttpMethod.Put, "/v1/router/models", body);

        answer.ShouldFail(status, "invalid_catalog", named);
        answer.Message.ShouldNotContain("(Parameter"); // the framework's word for its own callers
    }

    [Fact]
    public async Task Mode_ObserveThenStatic_NotesThenStops_AndSavingsAreReportedAfterwards()
    {
        using var folder = new TemporaryFolder();
        await using var gateway = await StartAsync("--MetaRouter:DecisionLog", folder.File("decisions.ndjson"), "--Gateway:Mode", "observe");
        for (var i = 0; i < 30; i++)
        {
            var answer = await gateway.PostAsync(Chat, Body("auto:cheap", $"Question {i} {new string('x', i * 20)}"));
            answer.Headers["x-router-model"].ShouldBe(Strong);
            answer.Headers["x-router-observed"].ShouldNotBe(Strong);
        }

        var report = default(Answer)!;
        for (var i = 0; i < 100 && (int?)report?.Body["requests"] != 30; i++)
        {
            await Task.Delay(50);
            report = await gateway.GetAsync("/v1/router/savings");
        }

        ((int)report!.Body["requests"]!).ShouldBe(30);
        ((string)report.Body["method"]!).ShouldContain("mode observe"); // others do not count, and who asks should know
        ((double)report.Body["spent_usd"]!).ShouldBe(30 * 0.0065, 1e-6);
        var saved = report.Body["saved_share"]!;
        ((double)saved["low"]!).ShouldBeLessThanOrEqualTo((double)saved["value"]!);
        ((double)saved["high"]!).ShouldBeGreaterThanOrEqualTo((double)saved["value"]!);
        ((double)saved["value"]!).ShouldBeInRange(0.5, 0.999);

        ((string)(await gateway.SendAsync(HttpMethod.Put, "/v1/router/mode", """{"mode":"static"}""")).Body["mode"]!).ShouldBe("static");
        var still = await gateway.PostAsync(Chat, Body("auto:cheap"));
        still.Headers["x-router-model"].ShouldBe(Strong);
        still.Headers.ShouldNotContainKey("x-router-observed");
        await gateway.SendAsync(HttpMethod.Put, "/v1/router/mode", """{"mode":"apply"}""");
        (await gateway.PostAsync(Chat, Body("auto:cheap"))).Headers["x-router-model"].ShouldNotBe(Strong);
        (await gateway.SendAsync(HttpMethod.Put, "/v1/router/mode", """{"mode":"off"}""")).ShouldFail(400, "invalid_value", "'off'");
    }

    /// <summary>Else a guess about a model that nobody knows would look like a finding.</summary>
    [Fact]
    public async Task Savings_ByModelsOfWhichOnlyThePriceIsKnown_NameThem()
    {
        using var folder = new TemporaryFolder();
        await using var gateway = await RunningGateway.StartAsync(
            "--MetaRouter:DecisionLog", folder.File("decisions.ndjson"), "--Gateway:Mode", "observe", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15",
            "--MetaRouter:Models:1:Id", "stranger", "--MetaRouter:Models:1:InputPrice", "0.1", "--MetaRouter:Models:1:OutputPrice", "0.1",
            "--MetaRouter:Models:2:Id", "not-asked", "--MetaRouter:Models:2:InputPrice", "6", "--MetaRouter:Models:2:OutputPrice", "18", "--Gateway:OffModel", Strong);
        (await gateway.PostAsync(Chat, Body("auto:cheap"))).Headers["x-router-observed"].ShouldBe("stranger");

        var report = default(Answer)!;
        await Eventually.TrueAsync(async () => (int)(report = await gateway.GetAsync("/v1/router/savings")).Body["requests"]! == 1, TimeSpan.FromSeconds(10));

        report.Body["judged_by_price"]!.ToJsonString().ShouldBe("""["stranger"]""");
    }

    /// <summary>An operator who stops routing must not lock out those who may not use the strongest model.</summary>
    [Theory]
    [InlineData("observe")]
    [InlineData("static")]
    public async Task Mode_WithoutRouting_TheDearestThatMayAnswerDoes(string mode)
    {
        const string middle = "gemini-1.5-pro-002";
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:AllowedModels:0", Weak, "--Tenants:0:AllowedModels:1", middle, "--Gateway:CategoryPins:medical:0", Weak, "--Gateway:CategoryPins:legal:0", Strong, "--Gateway:Mode", mode);

        var (plain, medical) = (await gateway.PostAsync(Chat, Body("auto")), await gateway.PostAsync(Chat, Body("auto"), ("x-router-category", "medical")));

        (plain.Status, medical.Status).ShouldBe((200, 200), plain.Text + medical.Text);
        (plain.Headers["x-router-model"], medical.Headers["x-router-model"]).ShouldBe((middle, Weak));
        (await gateway.PostAsync(Chat, Body("auto"), ("x-router-category", "legal"))).ShouldFail(403, "model_not_allowed", "none");
        (await gateway.PostAsync(Chat, Body(Strong))).ShouldFail(403, "model_not_allowed", Strong);
    }

    [Fact]
    public async Task DecisionLog_IsGivenToEachTenantWithoutTheOthersLines()
    {
        using var folder = new TemporaryFolder();
        string[] Key(int number, string tenant) => [$"--ApiKeys:{number}:Tenant", tenant, $"--ApiKeys:{number}:Sha256", Hash(tenant), $"--ApiKeys:{number}:Scopes:0", "inference", $"--ApiKeys:{number}:Scopes:1", "admin", $"--ApiKeys:{number}:Scopes:2", "feedback", $"--ApiKeys:{number}:Scopes:3", "read"];
        await using var gateway = await StartAsync(["--MetaRouter:DecisionLog", folder.File("decisions.ndjson"), "--Gateway:Mode", "observe", .. Key(0, "acme"), .. Key(1, "other")]);
        (string, string) acme = ("Authorization", "Bearer acme"), other = ("Authorization", "Bearer other");
        var decision = await gateway.PostAsync("/v1/router/route", """{"user":"ann","input":"hello"}""", acme);
        (await gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = (string)decision.Body["receipt"]!, ["user"] = "ann", ["kind"] = "accept" }.ToJsonString(), acme)).Status.ShouldBe(200);
        await gateway.PostAsync(Chat, Body("auto", user: "ann"), other);

        string[] ofAcme = [], ofOther = [];
        await Eventually.TrueAsync(
            async () =>
            {
                (ofAcme, ofOther) = (await Lines(acme), await Lines(other));
                return ofAcme.Length >= 2 && ofOther.Length >= 1;
            },
            TimeSpan.FromSeconds(10));

        (ofAcme.Length, ofOther.Length).ShouldBe((2, 1));
        ofAcme.ShouldAllBe(l => l.Contains((string)JsonNode.Parse(ofAcme[0])!["tenant"]!));
        ofAcme.Intersect(ofOther).ShouldBeEmpty();
        ((int)(await gateway.GetAsync("/v1/router/savings", other)).Body["requests"]!).ShouldBe(1);

        // From a moment on: decisions, and what was said of them.
        var first = (string)JsonNode.Parse(ofAcme[0])!["time"]!;
        (await Lines(acme, "?since=" + first)).ShouldBe(ofAcme);
        (await Lines(acme, "?since=" + Uri.EscapeDataString(first))).ShouldBe(ofAcme);
        (await Lines(acme, $"?since={DateTimeOffset.Parse(first, System.Globalization.CultureInfo.InvariantCulture).AddMilliseconds(1):yyyy-MM-ddTHH:mm:ss.fffZ}")).ShouldBeEmpty();
        (await gateway.GetAsync("/v1/router/decisions?since=yesterday", acme)).ShouldFail(400, "invalid_value", "yesterday");

        async Task<string[]> Lines((string Name, string Value) key, string query = "")
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/router/decisions" + query) { Headers = { { key.Name, key.Value } } };
            using var response = await gateway.Client.SendAsync(request);
            return (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    /// <summary>While a conversation is recalled, an operator puts another catalog into service.</summary>
    private sealed class SlowMemory(ISharedState inner, PoolHolder pool) : ISharedState
    {
        public ValueTask<Reservation> ReserveAsync(ulong partition, IReadOnlyList<Account> accounts, CancellationToken cancellationToken = default) => inner.ReserveAsync(partition, accounts, cancellationToken);

        public ValueTask SettleAsync(ulong partition, IReadOnlyList<Account> accounts, bool isOwn = false, CancellationToken cancellationToken = default) => inner.SettleAsync(partition, accounts, isOwn, cancellationToken);

        public ValueTask<byte[]?> RecallAsync(string name, CancellationToken cancellationToken = default)
        {
            pool.Update(p => new RoutingPool(p.Snapshot, new ModelCatalog([new ModelProfile(new ModelId("brand-new"), new(1), new(1))])));
            return inner.RecallAsync(name, cancellationToken);
        }

        public ValueTask RememberAsync(string name, ReadOnlyMemory<byte> value, TimeSpan lifetime, CancellationToken cancellationToken = default) => inner.RememberAsync(name, value, lifetime, cancellationToken);
    }
}
