using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using MetaRouter.Hosting.Learning;
using Microsoft.Extensions.DependencyInjection;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>What the console shows is what happened, of one tenant, and nothing that is not to be seen.</summary>
public sealed class ConsoleTests
{
    private const string Chemistry = "A chemist mixes 200 ml of 0.5 M HCl with 300 ml of 0.2 M NaOH. What is the pH of the mixture?";

    [Fact]
    public async Task Decision_InDetail_IsWhatRouteReturned()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var route = await gateway.RouteAsync("ada", compare: true);
        (await gateway.FeedbackAsync(route, "ada", "comparison", "cheaper")).Status.ShouldBe(200);

        var row = (await gateway.GetAsync("/v1/console/decisions")).Body["decisions"]!.AsArray().Single()!;
        var detail = (await gateway.GetAsync($"/v1/console/decisions/{row["id"]}")).Body;

        foreach (var (name, of) in new[] { ("model", "model"), ("explanation", "explanation"), ("reason", "reason"), ("snapshot", "snapshot"), ("propensity", "propensity") })
        {
            detail[name]!.ToString().ShouldBe(route.Body[of]!.ToString(), name);
        }

        var candidates = detail["candidates"]!.AsArray();
        foreach (var ranked in route.Body["ranking"]!.AsArray())
        {
            var candidate = candidates.Single(c => (string)c!["model"]! == (string)ranked!["model"]!)!;
            foreach (var name in new[] { "quality", "cost_usd", "utility", "propensity" })
            {
                ((float)candidate[name]!).ShouldBe((float)ranked![name]!, name);
            }
        }

        ((string)candidates.Single(c => (bool)c!["offered"]!)!["model"]!).ShouldBe((string)route.Body["offered"]!);
        ((double)row["cost_usd"]!).ShouldBe(candidates.Where(c => (bool)c!["offered"]! || c["model"]!.ToString() == detail["model"]!.ToString()).Sum(c => (double)c!["cost_usd"]!), 1e-9); // both answer
        var said = detail["feedback"]!.AsArray().Single()!;
        ((string)said["kind"]!, (bool)said["counted"]!).ShouldBe(("comparison", true));
        ((int)row["signals"]!).ShouldBe(1);
    }

    [Fact]
    public async Task Overview_OfChatsAndDecisions_AddsUp()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var spent = 0.0;
        for (var i = 0; i < 6; i++)
        {
            var answer = await gateway.PostAsync("/v1/chat/completions", $$"""{"model":"auto:cheap","user":"u{{i % 3}}","messages":[{"role":"user","content":"{{Chemistry}}"}]}""");
            spent += double.Parse(answer.Headers["x-router-cost-usd"], CultureInfo.InvariantCulture);
        }

        var named = await gateway.PostAsync("/v1/chat/completions", $$"""{"model":"gpt-4o-2024-05-13","user":"u0","messages":[{"role":"user","content":"{{Chemistry}}"}]}""");
        spent += double.Parse(named.Headers["x-router-cost-usd"], CultureInfo.InvariantCulture);
        var route = await gateway.RouteAsync("u1");
        var predicted = (double)route.Body["ranking"]!.AsArray().Single(r => (string)r!["model"]! == (string)route.Body["model"]!)!["cost_usd"]!;

        var overview = (await gateway.GetAsync("/v1/console/overview?minutes=60")).Body;

        var totals = overview["totals"]!;
        ((int)totals["requests"]!, (int)totals["users"]!, (int)totals["errors"]!).ShouldBe((8, 3, 0));
        ((double)totals["spent_usd"]!).ShouldBe(spent + predicted, 1e-7);
        ((double)totals["predicted_usd"]!).ShouldBe(predicted, 1e-7);
        ((string)totals["always_strongest"]!["model"]!).ShouldBe("gpt-4o-2024-05-13");
        ((double)totals["always_strongest"]!["saved_share"]!).ShouldBeInRange(0.3, 1);
        ((double)totals["always_strongest"]!["saved_share"]!).ShouldBe(1 - ((double)totals["spent_usd"]! / (double)totals["always_strongest"]!["usd"]!), 1e-9);
        var quality = totals["quality"]!;
        ((double)quality["value"]!).ShouldBeInRange((double)quality["low"]!, (double)quality["high"]!);
        overview["series"]!.AsArray().Sum(b => (int)b!["requests"]!).ShouldBe(8);
        overview["series"]!.AsArray().Sum(b => (double)b!["spent_usd"]!).ShouldBe(spent + predicted, 1e-7);
        overview["models"]!.AsArray().Sum(m => (int)m!["requests"]!).ShouldBe(8);
        overview["models"]!.AsArray().Sum(m => (double)m!["share"]!).ShouldBe(1, 1e-9);
        (await gateway.GetAsync("/v1/console/decisions?reason=requested")).Body["total"]!.GetValue<int>().ShouldBe(1);
        (await gateway.GetAsync("/v1/console/decisions?user=u0")).Body["total"]!.GetValue<int>().ShouldBe(3);
        (await gateway.GetAsync("/v1/console/models")).Body["models"]!.AsArray().Sum(m => (int)m!["requests"]!).ShouldBe(8);
    }

    [Fact]
    public async Task ModelsOfOthers_AreNoBestSingleAndNoPointOfTheFront()
    {
        string[] allowed = ["gpt-4o-2024-05-13", "llama-3.1-8b-instruct"]; // the others are predicted, too, and some of them are worth more
        await using var gateway = await RunningGateway.StartAsync(["--Tenants:0:Name", "default", .. allowed.SelectMany((m, i) => (string[])[$"--Tenants:0:AllowedModels:{i}", m])]);
        for (var i = 0; i < 3; i++)
        {
            await gateway.RouteAsync("ada");
        }

        var front = (await gateway.GetAsync("/v1/console/front")).Body;
        var overview = (await gateway.GetAsync("/v1/console/overview")).Body;

        front["models"]!.AsArray().Select(m => (string)m!["name"]!).ShouldBe(allowed, ignoreOrder: true);
        allowed.ShouldContain((string)overview["totals"]!["best_single"]!["model"]!);
    }

    /// <summary>A position that gives everything to one model stands where that model stands, also where the decision counted other qualities since the words are unfamiliar.</summary>
    [Fact]
    public async Task DialOfTheFront_IsMeasuredAsItsModelsAre()
    {
        await using var gateway = await RunningGateway.StartAsync();
        (await gateway.PostAsync("/v1/router/route", """{"user":"ada","input":"Zqx vlorp grenk tuvahl, miskor dwebble?"}""")).Status.ShouldBe(200);

        var front = (await gateway.GetAsync("/v1/console/front")).Body;

        var alone = front["models"]!.AsArray().ToDictionary(m => (string)m!["name"]!, m => (double)m!["quality"]!);
        foreach (var position in front["dial"]!.AsArray())
        {
            ((double)position!["quality"]!).ShouldBe(alone[position["shares"]!.AsObject().Single().Key], 1e-6);
        }
    }

    [Fact]
    public async Task UpstreamThatFails_IsAnErrorOfItsModel()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        await using var gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", upstream.Url, "--Gateway:MostAttempts", "1");
        await gateway.PostAsync("/v1/chat/completions", """{"model":"auto","user":"u","messages":[{"role":"user","content":"hello"}]}""");

        var row = (await gateway.GetAsync("/v1/console/decisions")).Body["decisions"]!.AsArray().Single()!;

        ((int)row["status"]!, row["served"]).ShouldBe((502, null));
        var overview = (await gateway.GetAsync("/v1/console/overview")).Body;
        ((int)overview["totals"]!["errors"]!, (double)overview["totals"]!["spent_usd"]!).ShouldBe((1, 0));
        ((int)(await gateway.GetAsync("/v1/console/models")).Body["models"]!.AsArray().Single(m => (string)m!["id"]! == (string)row["model"]!)!["errors"]!).ShouldBe(1);
    }

    /// <summary>Where decisions are only noted, the model that would have answered has not failed.</summary>
    [Fact]
    public async Task Observed_Failure_IsAnErrorOfWhoWasAsked()
    {
        const string strong = "gpt-4o-2024-05-13", weak = "mixtral-8x7b-instruct";
        await using var upstream = await ScriptedUpstream.StartAsync();
        await using var gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", upstream.Url,
            "--MetaRouter:Models:0:Id", weak, "--MetaRouter:Models:0:InputPrice", "0.6", "--MetaRouter:Models:0:OutputPrice", "0.6",
            "--MetaRouter:Models:1:Id", strong, "--MetaRouter:Models:1:InputPrice", "5", "--MetaRouter:Models:1:OutputPrice", "15", "--Gateway:Mode", "observe");
        upstream.Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);

        var observed = await gateway.PostAsync("/v1/chat/completions", """{"model":"auto:cheap","messages":[{"role":"user","content":"hello"}]}""");

        observed.Status.ShouldBe(502);
        var models = (await gateway.GetAsync("/v1/console/models")).Body["models"]!.AsArray().ToDictionary(m => (string)m!["id"]!, m => (int)m!["errors"]!);
        models.Where(m => m.Value > 0).Select(m => m.Key).ShouldBe([observed.Headers["x-router-model"]]);
    }

    [Theory]
    [InlineData("auto", 400)]
    [InlineData("auto", 422)]
    [InlineData("gpt-4o-2024-05-13", 413)]
    public async Task UpstreamThatRefusesTheRequest_IsNoErrorOfItsModel(string model, int status)
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.Script = (context, _) => ScriptedUpstream.FailAsync(context, status);
        await using var gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", upstream.Url);
        await gateway.PostAsync("/v1/chat/completions", $$"""{"model":"{{model}}","user":"u","messages":[{"role":"user","content":"hello"}]}""");

        var row = (await gateway.GetAsync("/v1/console/decisions")).Body["decisions"]!.AsArray().Single()!;

        ((int)row["status"]!, row["served"]).ShouldBe((status, null));
        var totals = (await gateway.GetAsync("/v1/console/overview")).Body["totals"]!;
        ((int)totals["requests"]!, (int)totals["errors"]!).ShouldBe((1, 0));
        (await gateway.GetAsync("/v1/console/models")).Body["models"]!.AsArray().ShouldAllBe(m => (int)m!["errors"]! == 0);
    }

    [Fact]
    public async Task Tenants_OfAllKeys_AreForTheOperatorAndNobodyElse()
    {
        await using var gateway = await RunningGateway.StartAsync([
            .. Key(0, "a", "a", "inference", "admin"), .. Key(1, "b", "b", "inference", "read"), .. Key(2, "o", "o", "operator"), .. Key(3, "b2", "b", "inference"),
            "--Tenants:0:Name", "b", "--Tenants:0:BudgetUsd", "5"]);
        await RouteAsync(gateway, "b", 2);
        await RouteAsync(gateway, "b2", 1);
        await RouteAsync(gateway, "a", 1);

        var answer = await gateway.GetAsync("/v1/console/tenants", Bearer("o"));
        var lines = answer.Body["tenants"]!.AsArray().ToDictionary(t => (string)t!["tenant"]!, t => t!);

        lines.ToDictionary(t => t.Key, t => (int)t.Value["requests"]!).ShouldBe(new Dictionary<string, int> { ["a"] = 1, ["b"] = 3, ["o"] = 0 }, ignoreOrder: true);
        ((double)lines["b"]["spent_usd"]!).ShouldBe((double)(await gateway.GetAsync("/v1/console/overview", Bearer("b"))).Body["totals"]!["spent_usd"]!, 1e-12);
        (lines["b"]["always_strongest"]!["model"] is null, lines["o"]["always_strongest"]).ShouldBe((false, null));
        ((double)lines["b"]["budget"]!["budget_usd"]!, (string)lines["b"]["budget"]!["period"]!, lines["a"]["budget"]).ShouldBe((5, "day", null));
        foreach (var other in (string[])["a", "b"])
        {
            (await gateway.GetAsync("/v1/console/tenants", Bearer(other))).ShouldFail(403, "insufficient_scope");
        }
    }

    /// <summary>Every admin may do what an operator may, until one is named; one tenant must not see another's for all that.</summary>
    [Fact]
    public async Task Tenants_WhereNoOperatorIsNamed_AreAnAdminsOwn()
    {
        await using var gateway = await RunningGateway.StartAsync([.. Key(0, "a", "a", "inference", "admin"), .. Key(1, "b", "b", "inference", "admin")]);
        await RouteAsync(gateway, "b", 2);

        (await gateway.GetAsync("/v1/console/tenants", Bearer("a"))).Body["tenants"]!.AsArray().Select(t => (string)t!["tenant"]!).ShouldBe(["a"]);
        ((int)(await gateway.GetAsync("/v1/console/tenants", Bearer("b"))).Body["tenants"]!.AsArray().Single()!["requests"]!).ShouldBe(2);
    }

    private static async Task RouteAsync(RunningGateway gateway, string key, int times)
    {
        for (var i = 0; i < times; i++)
        {
            (await gateway.PostAsync("/v1/router/route", """{"input":"a","user":"u"}""", Bearer(key))).Status.ShouldBe(200);
        }
    }

    private static IEnumerable<string> Key(int at, string key, string tenant, params string[] scopes) =>
        [$"--ApiKeys:{at}:Sha256", Hash(key), $"--ApiKeys:{at}:Tenant", tenant, .. scopes.SelectMany((scope, i) => (string[])[$"--ApiKeys:{at}:Scopes:{i}", scope])];

    [Fact]
    public async Task Tenants_SeeTheirOwn_AndScopesHold()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--ApiKeys:0:Sha256", Hash("a"), "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:0:Scopes:1", "read",
            "--ApiKeys:1:Sha256", Hash("b"), "--ApiKeys:1:Tenant", "b", "--ApiKeys:1:Scopes:0", "inference", "--ApiKeys:1:Scopes:1", "read", "--ApiKeys:1:Scopes:2", "admin",
            "--ApiKeys:2:Sha256", Hash("c"), "--ApiKeys:2:Tenant", "a", "--ApiKeys:2:Scopes:0", "inference");
        for (var i = 0; i < 3; i++)
        {
            (await gateway.PostAsync("/v1/router/route", """{"input":"a","user":"u"}""", Bearer("a"))).Status.ShouldBe(200);
        }

        var mine = (await gateway.GetAsync("/v1/console/decisions", Bearer("a"))).Body;
        ((int)mine["total"]!).ShouldBe(3);
        ((int)(await gateway.GetAsync("/v1/console/decisions", Bearer("b"))).Body["total"]!).ShouldBe(0);
        ((int)(await gateway.GetAsync("/v1/console/overview", Bearer("b"))).Body["totals"]!["requests"]!).ShouldBe(0);
        (await gateway.GetAsync("/v1/console/users", Bearer("b"))).Body["users"]!.AsArray().ShouldBeEmpty();
        (await gateway.GetAsync($"/v1/console/decisions/{mine["decisions"]![0]!["id"]}", Bearer("b"))).ShouldFail(404, "unknown_decision");
        (await gateway.GetAsync($"/v1/console/users/~{mine["decisions"]![0]!["user"]}", Bearer("b"))).ShouldFail(404, "unknown_user");
        ((int)(await gateway.GetAsync("/v1/console/front", Bearer("b"))).Body["requests"]!).ShouldBe(0);

        (await gateway.GetAsync("/v1/console/session")).ShouldFail(401, "invalid_api_key");
        (await gateway.GetAsync("/v1/console/session", Bearer("c"))).Body["scopes"]!.ToJsonString().ShouldBe("""["inference"]""");
        foreach (var path in new[] { "overview", "events", "front", "decisions", "decisions/x", "users", "users/u", "learning", "models" })
        {
            (await gateway.GetAsync("/v1/console/" + path, Bearer("c"))).ShouldFail(403, "insufficient_scope", "read");
        }

        (await gateway.PostAsync("/v1/console/playground", """{"input":"a"}""", Bearer("c"))).ShouldFail(403, "insufficient_scope", "read");
        (await gateway.PostAsync("/v1/console/learning/refresh", "", Bearer("a"))).ShouldFail(403, "insufficient_scope", "admin");
        (await gateway.PostAsync("/v1/console/learning/rollback", "{}", Bearer("a"))).ShouldFail(403, "insufficient_scope", "admin");
    }

    [Fact]
    public async Task Journal_IsBounded_AndPagesThroughAllItHolds()
    {
        await using var gateway = await RunningGateway.StartAsync("--Gateway:ConsoleDecisions", "250");
        var inputs = Enumerable.Range(0, 400).Select(i => gateway.RouteAsync($"u{i % 7}", input: $"Question {i}"));
        await Task.WhenAll(inputs);

        var (seen, before, pages) = (new HashSet<string>(), "", 0);
        do
        {
            var page = (await gateway.GetAsync($"/v1/console/decisions?limit=100{before}")).Body;
            ((int)page["total"]!).ShouldBe(250);
            page["decisions"]!.AsArray().ShouldAllBe(d => seen.Add((string)d!["id"]!));
            before = page["next"] is { } next ? $"&before={next}" : "";
            pages++;
        }
        while (before.Length > 0);

        (seen.Count, pages).ShouldBe((250, 3));
        ((int)(await gateway.GetAsync("/v1/console/overview")).Body["totals"]!["requests"]!).ShouldBe(400); // sums do not depend on it
    }

    [Fact]
    public async Task ConsoleOff_KeepsNothing_AndRoutes()
    {
        await using var gateway = await RunningGateway.StartAsync("--Gateway:ConsoleDecisions", "0");
        await gateway.RouteAsync("ada");

        (await gateway.GetAsync("/v1/console/decisions")).ShouldFail(404, "console_off", "Gateway:ConsoleDecisions");
        (await gateway.GetAsync("/v1/console/session")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Events_TellTheOverviewAtOnceAndDecisionsAsTheyCome()
    {
        await using var gateway = await RunningGateway.StartAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var response = await gateway.Client.GetAsync("/v1/console/events", HttpCompletionOption.ResponseHeadersRead, limit.Token);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        using var events = new StreamReader(await response.Content.ReadAsStreamAsync(limit.Token));
        (await NextAsync(events, "overview", limit.Token))["totals"]!["requests"]!.GetValue<int>().ShouldBe(0);

        var route = await gateway.RouteAsync("ada");

        ((string)(await NextAsync(events, "decision", limit.Token))["model"]!).ShouldBe((string)route.Body["model"]!);

        // Some at once are all shown, in their order.
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => gateway.RouteAsync("ada")));
        var ids = new List<string>();
        for (var i = 0; i < 8; i++)
        {
            ids.Add((string)(await NextAsync(events, "decision", limit.Token))["id"]!);
        }

        ids.ShouldBe((await gateway.GetAsync("/v1/console/decisions?limit=8")).Body["decisions"]!.AsArray().Select(d => (string)d!["id"]!).Reverse());
    }

    [Fact]
    public async Task Events_OfAnotherTenant_AreNotSent()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--ApiKeys:0:Sha256", Hash("a"), "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:Scopes:0", "inference",
            "--ApiKeys:1:Sha256", Hash("b"), "--ApiKeys:1:Tenant", "b", "--ApiKeys:1:Scopes:0", "inference", "--ApiKeys:1:Scopes:1", "read");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/console/events") { Headers = { Authorization = new("Bearer", "b") } };
        using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        using var events = new StreamReader(await response.Content.ReadAsStreamAsync(limit.Token));
        await NextAsync(events, "overview", limit.Token);

        foreach (var key in (string[])["a", "b"])
        {
            (await gateway.PostAsync("/v1/router/route", """{"input":"hello"}""", Bearer(key))).Status.ShouldBe(200);
        }

        ((string)(await NextAsync(events, "decision", limit.Token))["id"]!).ShouldBe((string)(await gateway.GetAsync("/v1/console/decisions", Bearer("b"))).Body["decisions"]!.AsArray().Single()!["id"]!);
    }

    private static async Task<JsonNode> NextAsync(StreamReader events, string name, CancellationToken cancellationToken)
    {
        while (await events.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line == "event: " + name)
            {
                return JsonNode.Parse((await events.ReadLineAsync(cancellationToken))!["data: ".Length..])!;
            }
        }

        throw new InvalidOperationException("the stream ended");
    }

    [Fact]
    public async Task NamesWithMarkup_ComeBackAsJsonText_AndNoIdOrTextIsKept()
    {
        const string user = "<script>alert(1)</script>", model = "<img/src=x>";
        await using var gateway = await RunningGateway.StartAsync();
        (await gateway.SendAsync(HttpMethod.Put, "/v1/router/models", $$"""{"models":[{"id":"{{model}}","input_price_usd_per_million":1,"output_price_usd_per_million":1}]}""")).Status.ShouldBe(200);
        var receipt = (string)(await gateway.RouteAsync(user, input: "<b>secret words</b>")).Body["receipt"]!;
        (await gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = receipt, ["user"] = user, ["kind"] = "thumb", ["value"] = "up" }.ToJsonString())).Status.ShouldBe(200);

        foreach (var path in new[] { "overview", "decisions", "front", "users", "learning", "models", "users/" + Uri.EscapeDataString(user) })
        {
            var answer = await gateway.GetAsync("/v1/console/" + path);
            answer.Text.ShouldNotContain("<");
            answer.Text.ShouldNotContain("secret words");
        }

        var mine = (await gateway.GetAsync("/v1/console/users/" + Uri.EscapeDataString(user))).Body;
        ((string)mine["name"]!).ShouldBe(user); // whoever asks by the id knows it
        ((string)mine["history"]![0]!["model"]!).ShouldBe(model);
        var row = (await gateway.GetAsync("/v1/console/decisions")).Body["decisions"]![0]!;
        ((string)row["user"]!).ShouldBe((string)mine["user"]!);
        row["name"].ShouldBeNull();
        (await gateway.GetAsync("/v1/console/decisions")).Text.ShouldNotContain("script");
    }

    [Fact]
    public async Task User_ByPseudonym_IsTheUserById_AndGoneWithErasure()
    {
        await using var gateway = await RunningGateway.StartAsync();
        for (var i = 0; i < 5; i++)
        {
            (await gateway.FeedbackAsync(await gateway.RouteAsync("ada", compare: true), "ada", "comparison", "cheaper")).Status.ShouldBe(200);
        }

        var byId = (await gateway.GetAsync("/v1/console/users/ada")).Body;
        var byPseudonym = (await gateway.GetAsync($"/v1/console/users/~{byId["user"]}")).Body;
        byPseudonym["density"]!.ToJsonString().ShouldBe(byId["density"]!.ToJsonString());
        byPseudonym["history"]!.AsArray().Count.ShouldBe(5);
        ((double)byId["history"]![4]!["lambda_mean"]!).ShouldBe((double)byId["lambda_mean"]!, 1e-9);
        ((string)byId["history"]![0]!["text"]!).ShouldStartWith("preferred the cheaper of two answers");
        byId["density"]!.AsArray().Sum(d => (double)d!["probability"]!).ShouldBe(1, 1e-3);
        ((int)(await gateway.GetAsync("/v1/console/users")).Body["users"]![0]!["signals"]!).ShouldBe(5);

        (await gateway.SendAsync(HttpMethod.Delete, "/v1/router/users/ada")).Status.ShouldBe(200);

        (await gateway.GetAsync($"/v1/console/users/~{byId["user"]}")).ShouldFail(404, "unknown_user");
        (await gateway.GetAsync("/v1/console/decisions")).Body["decisions"]!.AsArray().ShouldAllBe(d => d!["user"] == null);
    }

    [Fact]
    public async Task User_ComparisonInTheHistory_NamesTheModelThatWasPreferred()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var preferred = new List<string>();
        foreach (var (word, of) in new[] { ("chosen", "model"), ("offered", "offered") })
        {
            var route = await gateway.RouteAsync("ada", compare: true);
            (await gateway.FeedbackAsync(route, "ada", "comparison", word)).Status.ShouldBe(200);
            preferred.Add((string)route.Body[of]!);
        }

        (await gateway.GetAsync("/v1/console/users/ada")).Body["history"]!.AsArray().Select(s => (string)s!["model"]!).ShouldBe(preferred);
    }

    [Fact]
    public async Task User_ActingTradeOff_IsTheOneThatDecidesWhereNothingWasSaidOfTheTopic()
    {
        await using var gateway = await RunningGateway.StartAsync();
        for (var i = 0; i < 4; i++)
        {
            var (page, told) = ((await gateway.GetAsync("/v1/console/users/ada")).Body, (await gateway.GetAsync("/v1/router/users/ada")).Body);
            var decides = (double)(await gateway.RouteAsync("ada", input: Chemistry)).Body["lambda_cost"]!;
            ((double)page["acting_lambda"]!).ShouldBe(decides, decides * 1e-3);
            ((double)told["acting_lambda_cost"]!).ShouldBe(decides, decides * 1e-3);
            (await gateway.FeedbackAsync(await gateway.RouteAsync("ada", compare: true, input: "?"), "ada", "comparison", "cheaper")).Status.ShouldBe(200);
        }
    }

    [Fact]
    public async Task Playground_RanksAsRouteDoes_AndKeepsNothing()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var tried = (await gateway.PostAsync("/v1/console/playground", new JsonObject { ["input"] = Chemistry, ["user"] = "ada" }.ToJsonString())).Body;
        ((int)(await gateway.GetAsync("/v1/console/decisions")).Body["total"]!).ShouldBe(0);

        var route = await gateway.RouteAsync("ada");

        ((double)tried["lambda"]!["acting"]!).ShouldBe((double)route.Body["lambda_cost"]!, 1e-3);
        var scale = (double)tried["cost_scale_usd"]!;
        foreach (var at in tried["dial"]!.AsArray())
        {
            var lambda = (double)at!["lambda"]!;
            tried["candidates"]!.AsArray().MaxBy(c => (double)c!["quality"]! - (lambda * (double)c["cost_usd"]! / scale))!["model"]!.ToString().ShouldBe((string)at["model"]!);
        }

        (await gateway.PostAsync("/v1/console/playground", "{}")).ShouldFail(400, "missing_field", "'input'");
    }

    [Fact]
    public async Task Page_IsServedWithoutAKey_CompressedCachedAndClosed()
    {
        await using var gateway = await RunningGateway.StartAsync("--ApiKeys:0:Sha256", Hash("a"), "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:Scopes:0", "read");
        using var plain = await gateway.Client.GetAsync("/");
        plain.StatusCode.ShouldBe(HttpStatusCode.OK);
        plain.Content.Headers.ContentType!.ToString().ShouldBe("text/html; charset=utf-8");
        var policy = string.Join(";", plain.Headers.GetValues("Content-Security-Policy"));
        policy.ShouldContain("default-src 'none'");
        policy.ShouldContain("frame-ancestors 'none'");
        policy.ShouldNotContain("unsafe");
        plain.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        plain.Headers.CacheControl!.NoCache.ShouldBeTrue();
        var html = await plain.Content.ReadAsStringAsync();
        html.ShouldContain("MetaRouter");

        using var again = new HttpRequestMessage(HttpMethod.Get, "/");
        again.Headers.IfNoneMatch.Add(plain.Headers.ETag!);
        (await gateway.Client.SendAsync(again)).StatusCode.ShouldBe(HttpStatusCode.NotModified);

        foreach (var asset in System.Text.RegularExpressions.Regex.Matches(html, "\"(/console/[^\"]+)\"").Select(m => m.Groups[1].Value))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, asset);
            request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("br"));
            using var answer = await gateway.Client.SendAsync(request);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK, asset);
            answer.Headers.CacheControl!.ToString().ShouldContain("immutable");
        }

        (await gateway.GetAsync("/console/none.js")).ShouldFail(404, "unknown_url", "/console/none.js");
        (await gateway.GetAsync("/v1/console/overview")).ShouldFail(401, "invalid_api_key");
    }

    /// <summary>Load balancers and link checkers ask so.</summary>
    [Fact]
    public async Task Head_OfEverythingThatIsRead_HasTheHeadOfGetAndNoBody()
    {
        await using var gateway = await RunningGateway.StartAsync();
        using var page = await gateway.Client.GetAsync("/");
        var asset = System.Text.RegularExpressions.Regex.Match(await page.Content.ReadAsStringAsync(), "\"(/console/[^\"]+)\"").Groups[1].Value;
        foreach (var path in (string[])["/", asset, "/console/none.js", "/health", "/alive", "/metrics", "/openapi/v1.json", "/v1/models", "/v1/models/gpt-9", "/v1/responses/resp_1", "/v1/responses/resp_1/input_items", "/v1/console/session", "/v1/router/mode"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, path);
            using var head = await gateway.Client.SendAsync(request);
            using var get = await gateway.Client.GetAsync(path);

            head.StatusCode.ShouldBe(get.StatusCode, path);
            (await head.Content.ReadAsByteArrayAsync()).ShouldBeEmpty(path);
            if (path != "/metrics") // which says something else by then, and is written in parts
            {
                Headers(head).ShouldBe(Headers(get), path);
                head.Content.Headers.ContentLength.ShouldBe((await get.Content.ReadAsByteArrayAsync()).Length, path);
            }
        }

        static IEnumerable<string> Headers(HttpResponseMessage answer) =>
            answer.Headers.Concat(answer.Content.Headers).Where(h => h.Key is not ("X-Request-ID" or "Date")).Select(h => $"{h.Key}: {string.Join(",", h.Value)}").Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task RollBack_ChangesWhatNewcomersGet_OutlivesARestartAndTheTimer()
    {
        using var folder = new TemporaryFolder();
        string[] settings = ["--MetaRouter:Store", "sqlite:" + folder.File("users.db"), "--MetaRouter:RefreshSeconds", "1"];
        double before;
        await using (var gateway = await RunningGateway.StartAsync(settings))
        {
            before = await NewcomerAsync(gateway);
            await TeachAsync(gateway, 0, 60);
            (await gateway.PostAsync("/v1/console/learning/refresh", "")).Status.ShouldBe(200);
            (await NewcomerAsync(gateway)).ShouldBeGreaterThan(before * 1.5);
            var learned = (await gateway.GetAsync("/v1/console/learning")).Body;
            var shipped = learned["snapshots"]!.AsArray().Single(s => (string)s!["result"]! == "shipped")!;
            var promoted = learned["snapshots"]!.AsArray().First(s => (string)s!["result"]! == "promoted")!;
            ((double)promoted["challenger_evidence"]!).ShouldBeGreaterThanOrEqualTo((double)promoted["champion_evidence"]!);
            ((string)learned["snapshots"]!.AsArray().Single(s => (bool)s!["serving"]!)!["version"]!).ShouldBe((string)learned["serving"]!["version"]!);

            var back = await gateway.PostAsync("/v1/console/learning/rollback", new JsonObject { ["version"] = (string)shipped["version"]! }.ToJsonString());

            back.Status.ShouldBe(200, back.Text);
            ((string)back.Body["serving"]!["version"]!, (bool)back.Body["serving"]!["held"]!).ShouldBe(((string)shipped["version"]!, true));
            (await NewcomerAsync(gateway)).ShouldBe(before, 1e-9);
            await TeachAsync(gateway, 60, 5);
            await TimerAsync(gateway, "gone"); // what was taught is met by a round of the timer
            await TimerAsync(gateway, "gone-too"); // and that one is over
            (await NewcomerAsync(gateway)).ShouldBe(before, 1e-9);
        }

        await using var restarted = await RunningGateway.StartAsync(settings);
        (await NewcomerAsync(restarted)).ShouldBe(before, 1e-9);
        var history = (await restarted.GetAsync("/v1/console/learning")).Body;
        ((string)history["snapshots"]![0]!["result"]!).ShouldBe("rolled_back");
        ((bool)history["serving"]!["held"]!).ShouldBeTrue();

        (await restarted.PostAsync("/v1/console/learning/refresh", "")).Status.ShouldBe(200);
        (await NewcomerAsync(restarted)).ShouldBeGreaterThan(before * 1.5); // asked for, so it may
    }

    /// <summary>Until a round of the timer has come to what is there now, and has not necessarily ended.</summary>
    private static async Task TimerAsync(RunningGateway gateway, string stranger)
    {
        var (learning, met) = (gateway.App.Services.GetRequiredService<LearningLoop>(), new TaskCompletionSource());
        var forget = learning.OnErased;
        learning.OnErased = (user, at) =>
        {
            forget(user, at);
            met.TrySetResult();
        };
        (await gateway.SendAsync(HttpMethod.Delete, $"/v1/router/users/{stranger}")).Status.ShouldBe(200);
        await met.Task.WaitAsync(TimeSpan.FromMinutes(1));
        learning.OnErased = forget;
    }

    private static async Task<double> NewcomerAsync(RunningGateway gateway) => (double)(await gateway.GetAsync("/v1/console/users/nobody-yet")).Body["acting_lambda"]!;

    private static async Task TeachAsync(RunningGateway gateway, int first, int users)
    {
        await Task.WhenAll(Enumerable.Range(first, users).Select(async u =>
        {
            for (var i = 0; i < 5; i++)
            {
                (await gateway.FeedbackAsync(await gateway.RouteAsync($"user {u}", compare: true, input: $"{Chemistry} {i}"), $"user {u}", "comparison", "cheaper")).Status.ShouldBe(200);
            }
        }));
    }
}
