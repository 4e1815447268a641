using System.Globalization;
using System.Text.Json.Nodes;
using MetaRouter.Hosting;
using MetaRouter.RouterContract;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

/// <summary>Who may be asked while a budget lasts, what is set aside for a request, and what one that fails has cost.</summary>
public sealed class BudgetTests : OneUpstream
{
    [Theory]
    [InlineData(false)]
    [RedisInlineData(true)]
    public async Task Budget_HundredRequestsAtItsEdge_OverspendByNoMoreThanTheReservationsFellShort(bool onRedis)
    {
        await using var redis = onRedis ? await RedisServer.StartAsync() : null;
        // Fourteen answers of the named model are expected to cost at most $0.0157; the call costs 100 and 1,000 tokens: $0.0065 (cached at full price).
        var body = JsonNode.Parse(Body(Strong))!;
        body["n"] = 14;
        await using var gateway = await StartAsync(["--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "0.1", .. onRedis ? (string[])["--MetaRouter:Store", "redis:" + redis!.Address] : []]);
        using var overspent = new Meters(gateway.App.Services.GetRequiredService<GatewayMetrics>().OverspentUsd);
        using var unheard = new Meters(gateway.App.Services.GetRequiredService<RouterMetrics>().Fallbacks);

        // Where a busy machine's Redis does not answer in time it may keep what was reserved, and as much again may be spent by this process' own count.
        double Kept() => 0.016 * unheard.Sum;
        double Most() => (unheard.Sum > 0 ? 0.2 : 0.1) + overspent.Sum + 1e-9;
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => gateway.PostAsync(Chat, body.ToJsonString())));

        var spent = answers.Where(a => a.Status == 200).Sum(Usd);
        spent.ShouldBeInRange(0.03 - Kept(), Most());
        var refused = answers.First(a => a.Status != 200);
        refused.ShouldFail(429, "budget_exceeded", "The tenant's budget of this day has $", "UTC");
        ((string)refused.Body["error"]!["type"]!).ShouldBe("insufficient_quota");
        int.Parse(refused.Headers["Retry-After"], CultureInfo.InvariantCulture).ShouldBeInRange(1, 86_400);

        // What was reserved and not spent is back: more calls fit, one after the other, until the budget is really spent.
        while (await gateway.PostAsync(Chat, body.ToJsonString()) is { Status: 200 } more)
        {
            spent += Usd(more);
        }

        spent.ShouldBeGreaterThan(0.1 - 0.016 - Kept());
        spent.ShouldBeLessThanOrEqualTo(Most());
        gateway.Time.Ahead += TimeSpan.FromDays(1);
        (await gateway.PostAsync(Chat, body.ToJsonString())).Status.ShouldBe(200);
    }

    /// <summary>Who names a model has as much set aside as a routed request that the model is chosen for, whatever room the answer is given.</summary>
    [Theory]
    [InlineData(Chat, null)]
    [InlineData(Chat, 32_000)]
    [InlineData(Chat, 5)]
    [InlineData("/v1/messages", 32_000)]
    [InlineData("/v1/messages", 5)]
    [InlineData("/v1/responses", null)]
    [InlineData("/v1/responses", 32_000)]
    [InlineData("/v1/responses", 16)]
    public async Task Budget_NamedModel_HasSetAsideWhatIsPredictedOfItsAnswer(string path, int? limit)
    {
        const string text = "Explain how a heat pump works, and when it is worth its price.";
        var release = new TaskCompletionSource();
        _upstream.Script = async (_, _) =>
        {
            await release.Task;
            return false;
        };
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1");
        var route = (await gateway.PostAsync("/v1/router/route", $$"""{"input":"{{text}}"}""")).Body;
        var predicted = (double)route["ranking"]!.AsArray().Single(r => (string)r!["model"]! == Strong)!["cost_usd"]!;
        var body = new JsonObject { ["model"] = Strong };
        (body[path == "/v1/responses" ? "max_output_tokens" : "max_tokens"], body[path == "/v1/responses" ? "input" : "messages"]) =
            (limit, path == "/v1/responses" ? text : new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }));

        var asked = gateway.PostAsync(path, body.ToJsonString());
        await Eventually.TrueAsync(() => _upstream.Calls > 0, TimeSpan.FromSeconds(10));
        var held = (double)(await gateway.GetAsync("/v1/router/budget")).Body["spent_usd"]!;
        release.SetResult();
        (await asked).Status.ShouldBe(200);

        predicted.ShouldBeInRange(0.0005, 0.012); // 1,000 tokens, once set aside whatever was asked, are $0.015
        if (limit is < 100)
        {
            held.ShouldBeInRange(limit.Value * 15e-6, (limit.Value * 15e-6) + (90 * 5e-6));
        }
        else
        {
            held.ShouldBe(predicted, 2e-9);
        }
    }

    [Fact]
    public async Task Budget_ManyChoicesAtOnce_AreEachSetAside()
    {
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "0.1");
        var body = JsonNode.Parse(Body(Strong))!;
        (body["n"], body["max_tokens"]) = (10_000, 20);

        (await gateway.PostAsync(Chat, body.ToJsonString())).ShouldFail(429, "budget_exceeded", "$3.00"); // 10,000 times 20 tokens at $15, and some 60 of the prompt, once
        body["max_completion_tokens"] = null; // as some clients send what is not set
        (await gateway.PostAsync(Chat, body.ToJsonString())).ShouldFail(429, "budget_exceeded", "$3.00");
        body["max_tokens"] = 30;
        (await gateway.PostAsync(Chat, body.ToJsonString())).ShouldFail(429, "budget_exceeded", "$4.50");
        body["model"] = "auto:quality";
        body["n"] = 1_000_000;
        (await gateway.PostAsync(Chat, body.ToJsonString())).ShouldFail(429, "budget_exceeded");
        _upstream.Calls.ShouldBe(0);
    }

    [Fact]
    public async Task Budget_NearlySpent_GoesToAModelThatStillFits_AndIsEachUsersOwn()
    {
        await using var gateway = await StartAsync("--Tenants:0:Name", "*", "--Tenants:0:UserBudgetUsd", "0.0009");

        (await gateway.PostAsync(Chat, Body(Strong, user: "ann"))).ShouldFail(429, "budget_exceeded");
        var routed = await gateway.PostAsync(Chat, Body("auto:quality", user: "ann"));
        routed.Status.ShouldBe(200);
        routed.Headers["x-router-model"].ShouldNotBe(Strong);
        var calls = 1;
        while (await gateway.PostAsync(Chat, Body("auto:cheap", user: "ann")) is { Status: 200 })
        {
            (++calls).ShouldBeLessThan(40);
        }

        (await gateway.PostAsync(Chat, Body("auto:cheap", user: "ann"))).ShouldFail(429, "budget_exceeded", "cheapest model");
        (await gateway.PostAsync(Chat, Body("auto:cheap", user: "ben"))).Status.ShouldBe(200);
    }

    /// <summary>Definitions of tools, and the calls an assistant made before, are read by the model like any text.</summary>
    [Theory]
    [InlineData("""{"tools":[{"type":"function","function":{"name":"f","description":"LONG"}}]}""")]
    [InlineData("""{"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"description":"LONG"}}}}""")]
    [InlineData("""{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":\"LONG\"}"}}]},{"role":"tool","tool_call_id":"c","content":"done"}]}""")]
    public async Task Budget_ToolsAndSchemas_AreSetAsideAsPartOfThePrompt(string more)
    {
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "0.03");
        var body = JsonNode.Parse(Body(Strong))!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(more.Replace("LONG", new string('a', 40_000), StringComparison.Ordinal))!.AsObject().ToArray())
        {
            body[name] = value!.DeepClone();
        }

        (await gateway.PostAsync(Chat, body.ToJsonString())).ShouldFail(429, "budget_exceeded", "cost $0.05"); // 10,000 tokens at $5, and what is predicted of the answer
        _upstream.Calls.ShouldBe(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Budget_ClientLeavesBeforeTheAnswer_PaysForThePromptThatWasSent(bool streams)
    {
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1");
        _upstream.Script = async (context, _) =>
        {
            await Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted);
            return true;
        };
        var body = JsonNode.Parse(Body(Strong, new string('a', 4000)))!;
        body["stream"] = streams;
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(body.ToJsonString()) };

        var row = await LeaveAsync(gateway, request, calls: 1);

        ((double)row["cost_usd"]!, (int)row["status"]!).ShouldBe((0.005, 499)); // 1,000 tokens at $5
        var overview = (await gateway.GetAsync("/v1/console/overview")).Body["totals"]!;
        ((double)overview["spent_usd"]!, (int)overview["errors"]!).ShouldBe((0.005, 0)); // nobody failed
        (await SettledUsdAsync(gateway)).ShouldBe(0.005, 1e-8);
    }

    /// <summary>An upstream that was given the prompt and fails may have been at work on it, and bills it; one that refuses, or is not there, was not.</summary>
    [Theory]
    [InlineData("silent", false, 504, 0.005)] // 1,000 tokens at $5
    [InlineData("silent", true, 504, 0.005)]
    [InlineData("half", false, 502, 0.005)]
    [InlineData("stalls half-way", false, 504, 0.005)]
    [InlineData("error", false, 502, 0)]
    [InlineData("error under 200", false, 502, 0)]
    [InlineData("reset", false, 502, 0)]
    [InlineData("refused", false, 400, 0)]
    public async Task Budget_UpstreamFailsWithThePrompt_PaysForItWhereItMayHaveBeenAtWork(string how, bool streams, int status, double usd)
    {
        string[] patience = status == 504 ? ["--Upstreams:0:TimeoutSeconds", Patience] : []; // else a busy machine's failure comes too late
        await using var gateway = await StartAsync(["--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1", .. patience]);
        _upstream.Script = (context, _) => FailAsync(context, how);

        using var cost = new Meters(gateway.App.Services.GetRequiredService<GatewayMetrics>().CostUsd);

        (await gateway.PostAsync(Chat, Body(Strong, new string('a', 4000), streams: streams))).Status.ShouldBe(status);

        (await SettledUsdAsync(gateway)).ShouldBe(usd, 1e-8);
        cost.Sum.ShouldBe(usd, 1e-8);
    }

    [Fact]
    public async Task Budget_AnotherModelTakesOverFromOneThatIsSilent_PaysForThePromptBesideTheAnswer()
    {
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1", "--Upstreams:0:TimeoutSeconds", Patience, "--Gateway:StrongModel", Strong, "--Gateway:WeakModel", Weak);
        _upstream.Script = (context, body) => (string)body["model"]! == Strong ? FailAsync(context, "silent") : Task.FromResult(false);

        var answer = await gateway.PostAsync(Chat, Body("router-metarouter-0", new string('a', 4000)));

        (answer.Headers["x-router-model"], answer.Headers["x-router-reason"]).ShouldBe((Weak, "fail_over"));
        var own = double.Parse(answer.Headers["x-router-cost-usd"], System.Globalization.CultureInfo.InvariantCulture);
        (await SettledUsdAsync(gateway) - own).ShouldBeInRange(0.003, 0.006); // the prompt of the first, as it was estimated
    }

    /// <summary>What takes over is paid from the same budget: a hundred at once must not spend a hundred times what is left.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Budget_WhoWouldTakeOverAndDoesNotFit_IsNotAsked(bool turn)
    {
        const string question = """{"role":"user","content":"What time is it?"}""", clock = """[{"type":"function","function":{"name":"clock"}}]""";
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "0.0009", "--Gateway:StrongModel", Strong, "--Gateway:WeakModel", Weak);
        var goesOn = question;
        if (turn)
        {
            _upstream.Script = async (context, _) =>
            {
                await context.Response.WriteAsync("""{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"clock","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}""");
                return true;
            };
            (await gateway.PostAsync(Chat, Asked(question))).Headers["x-router-model"].ShouldBe(Weak);
            goesOn += """,{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"clock","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"noon"}""";
        }

        var asked = new System.Collections.Concurrent.ConcurrentQueue<string>();
        _upstream.Script = (context, body) =>
        {
            asked.Enqueue((string)body["model"]!);
            return ScriptedUpstream.FailAsync(context, 500);
        };
        (await gateway.PostAsync(Chat, Asked(goesOn))).ShouldFail(502, "upstream_failed", Weak);

        asked.ShouldBe([Weak]);
        ((string)(await gateway.GetAsync("/v1/console/decisions")).Body["decisions"]![0]!["model"]!).ShouldBe(Weak);
        (await SettledUsdAsync(gateway)).ShouldBeLessThan(1e-5);

        string Asked(string messages) => $$"""{"model":"router-metarouter-1","user":"ann","max_tokens":1000,"tools":{{clock}},"messages":[{{messages}}]}""";
    }

    /// <summary>What was spent in vain is no room for the one that takes over.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Budget_WhoTakesOver_HasItsCostSetAsideBesideWhatWasSpentInVain(bool inVain)
    {
        var (content, release) = (new string('a', 4000), new TaskCompletionSource());
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1", "--Gateway:StrongModel", Strong, "--Gateway:WeakModel", Weak);
        _upstream.Script = async (context, body) =>
        {
            if ((string)body["model"]! == Strong)
            {
                await release.Task;
                return false;
            }

            context.Response.ContentType = "text/event-stream";
            return inVain || await ScriptedUpstream.FailAsync(context, 500); // a stream that opens and ends had the prompt
        };
        var route = (await gateway.PostAsync("/v1/router/route", $$"""{"input":"{{content}}"}""")).Body;
        var predicted = (double)route["ranking"]!.AsArray().Single(r => (string)r!["model"]! == Strong)!["cost_usd"]!;
        using var cost = new Meters(gateway.App.Services.GetRequiredService<GatewayMetrics>().CostUsd);

        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(Body("router-metarouter-1", content, streams: true)) };
        var asked = gateway.Client.SendAsync(request);
        await Eventually.TrueAsync(() => _upstream.Calls == 2, TimeSpan.FromSeconds(10));
        var (held, spent) = ((double)(await gateway.GetAsync("/v1/router/budget")).Body["spent_usd"]!, cost.Sum);
        release.SetResult();
        using var answer = await asked;

        answer.Headers.GetValues("x-router-reason").Single().ShouldBe("fail_over");
        (spent > 0).ShouldBe(inVain);
        held.ShouldBe(predicted + spent, 1e-7);
    }

    /// <summary>A turn does not stay with a model that has become too dear, and the refusal tells of the cheapest model's cost.</summary>
    [Fact]
    public async Task Budget_TooSmallForWhoBeganTheTurn_GoesToAModelThatFits()
    {
        const string question = """{"role":"user","content":"What time is it?"}""", answered = question + """,{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"clock","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"noon"}""";
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "0.0072", "--Gateway:StrongModel", Strong, "--Gateway:WeakModel", Weak);
        _upstream.Script = async (context, _) =>
        {
            await context.Response.WriteAsync("""{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"clock","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1000,"completion_tokens":100}}""");
            return true;
        };
        (await gateway.PostAsync(Chat, Asked("router-metarouter-0", question))).Headers["x-router-model"].ShouldBe(Strong); // $0.0065

        (await gateway.PostAsync(Chat, Asked("router-metarouter-0", answered))).Headers["x-router-model"].ShouldBe(Weak);
        Answer refused;
        while ((refused = await gateway.PostAsync(Chat, Asked("auto", answered))).Status == 200)
        {
            refused.Headers["x-router-model"].ShouldNotBe(Strong);
        }

        refused.ShouldFail(429, "budget_exceeded", "cheapest model");

        static string Asked(string model, string messages) => $$$"""{"model":"{{{model}}}","user":"ann","tools":[{"type":"function","function":{"name":"clock"}}],"messages":[{{{messages}}}]}""";
    }

    [Fact]
    public async Task Budget_ComparisonWithOneSideSilent_PaysForThatPromptToo()
    {
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1", "--Upstreams:0:TimeoutSeconds", Patience);
        var calls = 0;
        _upstream.Script = (context, _) => Interlocked.Increment(ref calls) == 1 ? FailAsync(context, "silent") : Task.FromResult(false);

        var answer = await gateway.PostAsync(Chat, Body("auto", user: "ann"), ("x-router-compare", "always"));

        answer.Status.ShouldBe(200, answer.Text);
        calls.ShouldBe(2);
        (await SettledUsdAsync(gateway)).ShouldBeGreaterThan(double.Parse(answer.Headers["x-router-cost-usd"], System.Globalization.CultureInfo.InvariantCulture));
    }
}
