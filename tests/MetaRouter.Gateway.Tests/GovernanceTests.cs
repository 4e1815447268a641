using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>What tenants may do and spend, what users may ask, what operators set while it runs, and what must never be found anywhere.</summary>
public sealed class GovernanceTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions", Strong = "gpt-4o-2024-05-13", Weak = "mixtral-8x7b-instruct";

    /// <summary>Seconds for an upstream that stays silent: those in which a busy machine gets the prompt to it, and the others answer.</summary>
    private const string Patience = "3";

    /// <summary>What is in a stream's last event, in the form of either API, and in that of one that broke off.</summary>
    private static readonly string[] s_ends = ["[DONE]", "response.completed", "message_stop", "\"error\":{"];

    private ScriptedUpstream _upstream = null!;

    public async Task InitializeAsync() => _upstream = await ScriptedUpstream.StartAsync();

    public async Task DisposeAsync() => await _upstream.DisposeAsync();

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
        (await SettledUsdAsync(gateway)).ShouldBeLessThan(1e-5);

        string Asked(string messages) => $$"""{"model":"router-metarouter-1","user":"ann","max_tokens":1000,"tools":{{clock}},"messages":[{{messages}}]}""";
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

    /// <summary>What budgets pay for embeddings is money spent, and the metrics' sum is of all that was.</summary>
    [Fact]
    public async Task Embeddings_WhatTheyCost_IsInTheMetricsAsInTheBudget()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--Upstreams:1:Model", "embedder", "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:Embeddings", "true", "--Upstreams:1:EmbeddingPrice", "5");
        var counted = gateway.App.Services.GetRequiredService<GatewayMetrics>();
        using var cost = new Meters(counted.CostUsd);
        using var strongest = new Meters(counted.StrongestCostUsd);

        var answer = await gateway.PostAsync("/v1/embeddings", """{"model":"embedder","input":"hello"}""");
        _upstream.Script = (context, _) => FailAsync(context, "half");
        (await gateway.PostAsync("/v1/embeddings", $$"""{"model":"embedder","input":"{{new string('a', 3998)}}"}""")).Status.ShouldBe(502);

        answer.Headers["x-router-cost-source"].ShouldBe("usage");
        cost.Seen.ShouldBe(["metarouter.cost model=embedder source=usage", "metarouter.cost model=embedder source=counted"]);
        cost.Sum.ShouldBe(0.00504, 1e-9); // 8 tokens as they were counted, and a prompt of 1,000 in vain
        strongest.Sum.ShouldBe(0.00004, 1e-9);
        (await SettledUsdAsync(gateway)).ShouldBe(cost.Sum, 1e-8);
    }

    [Fact]
    public async Task Budget_EmbeddingThatTakesTooLong_IsPaidFor()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--Upstreams:1:Model", "embedder", "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:Embeddings", "true", "--Upstreams:1:EmbeddingPrice", "5", "--Upstreams:1:TimeoutSeconds", Patience);
        _upstream.Script = (context, _) => FailAsync(context, "silent");

        (await gateway.PostAsync("/v1/embeddings", $$"""{"model":"embedder","input":"{{new string('a', 3998)}}"}""")).ShouldFail(504, "upstream_timeout");

        (await SettledUsdAsync(gateway)).ShouldBe(0.005, 1e-8);
    }

    [Theory]
    [InlineData(false)]
    [RedisInlineData(true)]
    public async Task Budget_Asked_TellsWhatTenantAndUserSpentAndWhoseIsUsedUp(bool onRedis)
    {
        await using var redis = onRedis ? await RedisServer.StartAsync() : null;
        await using var gateway = await StartAsync([
            "--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1", "--Tenants:0:UserBudgetUsd", "0.0135", "--Tenants:0:BudgetPeriod", "month",
            .. onRedis ? (string[])["--MetaRouter:Store", "redis:" + redis!.Address] : []]);
        var usd = Usd(await gateway.PostAsync(Chat, Body(Strong, user: "ann")));
        usd += Usd(await gateway.PostAsync(Chat, Body(Strong, user: "ann")));
        (await gateway.PostAsync(Chat, Body(Strong, user: "ann"))).ShouldFail(429, "budget_exceeded", "This user's budget of this month has $0.0");

        var ann = (await gateway.GetAsync("/v1/router/budget?user=ann")).Body;
        var bob = (await gateway.GetAsync("/v1/router/budget?user=bob")).Body;

        ((string)ann["period"]!).ShouldBe("month");
        ((double)ann["budget_usd"]!).ShouldBe(1);
        ((double)ann["spent_usd"]!).ShouldBe(usd, 1e-8);
        ((double)ann["user"]!["budget_usd"]!).ShouldBe(0.0135);
        ((double)ann["user"]!["spent_usd"]!).ShouldBe(usd, 1e-8);
        ((double)bob["user"]!["spent_usd"]!).ShouldBe(0);
        (await gateway.GetAsync("/v1/router/budget")).Body["user"].ShouldBeNull();
    }

    /// <summary>Who asks on with another connection, or another gateway, at the edge of a budget finds what the answer left of it.</summary>
    [Theory]
    [InlineData(Chat, "whole")]
    [InlineData(Chat, "streamed")]
    [InlineData(Chat, "compared")]
    [InlineData(Chat, "alone")]
    [InlineData(Chat, "refused")]
    [InlineData(Chat, "broken")]
    [InlineData("/v1/responses", "whole")]
    [InlineData("/v1/responses", "streamed")]
    [InlineData("/v1/messages", "whole")]
    [InlineData("/v1/messages", "streamed")]
    [InlineData("/v1/embeddings", "whole")]
    public async Task Budget_AnswerIsHere_WhatItCostHasTakenThePlaceOfWhatWasSetAside(string path, string how)
    {
        await using var gateway = await StartLateAsync(() => Task.Delay(100), Nothing);
        var compares = how is "compared" or "alone";
        var asked = 0;
        _upstream.Script = (context, _) => how == "refused" || how == "alone" && Interlocked.Increment(ref asked) == 1 ? ScriptedUpstream.FailAsync(context, 400) : Task.FromResult(false);

        await AskAsync(gateway, path, how is "streamed" or "broken", compares ? "auto" : Strong, how == "broken" ? "break" : "hello", compares);
        var spent = (double)(await gateway.GetAsync("/v1/router/budget")).Body["spent_usd"]!;

        spent.ShouldBe(await SettledUsdAsync(gateway), 1e-9);
        (spent > 0).ShouldBe(how != "refused");
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Budget_StoreThatCannotSettle_CostsNobodyTheAnswer(bool fails, bool streams)
    {
        var answered = new TaskCompletionSource();
        await using var gateway = await StartLateAsync(() => fails ? Task.FromException(new InvalidOperationException("out of order")) : answered.Task, Nothing);

        foreach (var path in (string[])[Chat, "/v1/embeddings"])
        {
            (await AskAsync(gateway, path, streams && path == Chat, Strong)).ShouldContain(path == Chat ? streams ? "[DONE]" : "I am up" : "0.25");
        }

        answered.SetResult();
        await gateway.App.StopAsync();
        gateway.Log.Any(l => l.Level == LogLevel.Error && l.Text.Contains("out of order", StringComparison.Ordinal)).ShouldBe(fails);
    }

    [Fact]
    public async Task Turn_StreamedToItsEnd_GoesOnWithTheModelThatBeganItAtOnce()
    {
        await using var gateway = await StartLateAsync(Nothing, () => Task.Delay(100));

        await AskAsync(gateway, Chat, streams: true, "auto:quality", "tools");
        var goesOn = await gateway.PostAsync(Chat, """{"model":"auto:cheap","tools":[{"type":"function","function":{"name":"weather"}}],"messages":[{"role":"user","content":"tools"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":"rain"}]}""");

        goesOn.Headers["x-router-reason"].ShouldBe("only_allowed");
    }

    [Fact]
    public async Task Budget_SurvivesARestart()
    {
        using var folder = new TemporaryFolder();
        string[] settings = ["--MetaRouter:Store", "sqlite:" + folder.File("users.db"), "--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "0.007"];
        await using (var first = await StartAsync(settings))
        {
            (await first.PostAsync(Chat, Body(Strong))).Status.ShouldBe(200);
        }

        await using var second = await StartAsync(settings);
        (await second.PostAsync(Chat, Body(Strong))).ShouldFail(429, "budget_exceeded");
    }

    [Fact]
    public async Task Rate_BeyondTheLimit_Is429WithOpenAisHeaders()
    {
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:RequestsPerMinute", "5", "--Tenants:0:UserRequestsPerMinute", "2");
        gateway.Time.Ahead += TimeSpan.FromSeconds(60 - gateway.Time.GetUtcNow().Second); // a minute that begins: what is counted in it does not begin anew half-way

        var first = await gateway.PostAsync(Chat, Body("auto", user: "ann"));
        first.Headers["x-ratelimit-limit-requests"].ShouldBe("2");
        first.Headers["x-ratelimit-remaining-requests"].ShouldBe("1");
        await gateway.PostAsync(Chat, Body("auto", user: "ann"));
        (await gateway.PostAsync(Chat, Body("auto", user: "ann"))).ShouldFail(429, "rate_limit_exceeded", "This user", "2 requests a minute");
        for (var i = 0; i < 5; i++)
        {
            (await gateway.PostAsync(Chat, Body("auto", user: "ann"))).ShouldFail(429, "rate_limit_exceeded", "This user"); // and takes nothing from the others
        }

        (await gateway.PostAsync(Chat, Body("auto", user: "ben"))).Status.ShouldBe(200);
        (await gateway.PostAsync("/v1/router/route", """{"input":"a"}""")).Status.ShouldBe(200);
        (await gateway.PostAsync("/v1/router/route", """{"input":"a"}""")).Status.ShouldBe(200);
        var refused = await gateway.PostAsync(Chat, Body("auto", user: "cleo"));
        refused.ShouldFail(429, "rate_limit_exceeded", "This tenant");
        refused.Headers.ShouldContainKey("Retry-After");
        (await gateway.GetAsync("/v1/models")).Status.ShouldBe(200);
        gateway.Time.Ahead += TimeSpan.FromMinutes(1);
        (await gateway.PostAsync(Chat, Body("auto", user: "ann"))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task AllowList_Pins_AndDearShare_NarrowTheModels()
    {
        await using var gateway = await StartAsync(
            "--Tenants:0:Name", "default", "--Tenants:0:AllowedModels:0", Strong, "--Tenants:0:AllowedModels:1", Weak, "--Tenants:0:DearModels:0", Strong, "--Tenants:0:DearShare", "0.25",
            "--Gateway:CategoryPins:medical:0", Strong);

        var served = new List<string>();
        for (var i = 0; i < 40; i++)
        {
            served.Add((await gateway.PostAsync(Chat, Body("auto:quality"))).Headers["x-router-model"]);
        }

        served.Distinct().ShouldBe([Strong, Weak], ignoreOrder: true);
        served.Count(m => m == Strong).ShouldBeInRange(8, 10);
        (await gateway.PostAsync(Chat, Body("gemini-1.5-pro-002"))).ShouldFail(403, "model_not_allowed", "gemini-1.5-pro-002", Strong, Weak);
        (await gateway.PostAsync(Chat, Body(Weak), ("x-router-category", "medical"))).ShouldFail(403, "model_not_allowed", Weak);
        (await gateway.PostAsync(Chat, Body("auto"), ("x-router-category", "secret"))).ShouldFail(400, "invalid_value", "'secret'", "medical");
        (await gateway.PostAsync("/v1/router/route", """{"input":"a","models":["gemini-1.5-pro-002"]}""")).ShouldFail(422, "no_model_allowed");
    }

    [Fact]
    public async Task DearShare_UsedUp_IsTheReasonThatIsTold()
    {
        await using var gateway = await StartAsync(
            "--Tenants:0:Name", "default", "--Tenants:0:AllowedModels:0", Strong, "--Tenants:0:AllowedModels:1", Weak, "--Tenants:0:DearModels:0", Strong, "--Tenants:0:DearShare", "0.25",
            "--Gateway:CategoryPins:medical:0", Strong);

        (await gateway.PostAsync(Chat, Body("auto:quality"))).Headers["x-router-model"].ShouldBe(Weak); // a quarter of one request is none
        var ranking = (await gateway.PostAsync("/v1/router/route", """{"input":"a"}""")).Body["ranking"]!.AsArray().ToDictionary(m => (string)m!["model"]!, m => (string?)m!["excluded"]);
        ranking[Strong].ShouldBe("share_used_up");
        ranking["gemini-1.5-pro-002"].ShouldBe("not_allowed");
        (await gateway.PostAsync(Chat, Body("auto"), ("x-router-category", "medical"))).ShouldFail(422, "no_model_allowed", $"'{Strong}' has had its share of the tenant's requests", "raise the share");
        (await gateway.PostAsync(Chat, Body(Strong))).Status.ShouldBe(200); // who names it is not held to the share
    }

    /// <summary>Who shortens a conversation shortens it to what a model holds that may answer, not to what one holds that may not.</summary>
    [Theory]
    [InlineData("--Tenants:0:Name", "default", "--Tenants:0:DearModels:0", Strong, "--Tenants:0:DearShare", "0.25")]
    [InlineData("--MetaRouter:MaxCostUsd", "0.01")]
    public async Task TooLong_NamesWhatModelsHoldThatOnlyHoldTooLittle(params string[] rules)
    {
        await using var gateway = await StartAsync(
            ["--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15",
            "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "0.6", "--MetaRouter:Models:1:OutputPrice", "0.6", "--MetaRouter:Models:1:ContextWindow", "4000", .. rules]);

        (await gateway.PostAsync(Chat, Body("auto", new string('a', 40_000)))).ShouldFail(400, "context_length_exceeded", "maximum context length is 4000 tokens");
    }

    [Fact]
    public async Task DearShare_CountsBothAnswersOfAComparison()
    {
        await using var gateway = await StartAsync(
            "--Tenants:0:Name", "default", "--Tenants:0:AllowedModels:0", Strong, "--Tenants:0:AllowedModels:1", Weak, "--Tenants:0:DearModels:0", Strong, "--Tenants:0:DearShare", "0.25");

        var served = new List<string>();
        while (served.Count < 40)
        {
            var answer = await gateway.PostAsync(Chat, Body("auto:cheap", user: "ann"), ("x-router-compare", "always"));
            served.Add(answer.Headers["x-router-model"]);
            if (answer.Headers.TryGetValue("x-router-offered", out var offered))
            {
                served.Add(offered);
            }
        }

        served.Count(m => m == Strong).ShouldBeInRange(8, 10);
    }

    [Fact]
    public async Task DearShare_OfEveryTenant_IsEachTenantsOwn()
    {
        await using var gateway = await StartAsync(
            "--Tenants:0:Name", "*", "--Tenants:0:DearModels:0", Strong, "--Tenants:0:DearShare", "0.5",
            "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:Sha256", Hash("key-a"), "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:1:Tenant", "b", "--ApiKeys:1:Sha256", Hash("key-b"), "--ApiKeys:1:Scopes:0", "inference");
        for (var i = 0; i < 20; i++)
        {
            (await gateway.PostAsync(Chat, Body("auto:cheap"), ("Authorization", "Bearer key-a"))).Status.ShouldBe(200);
        }

        var served = new List<string>();
        for (var i = 0; i < 10; i++)
        {
            served.Add((await gateway.PostAsync(Chat, Body("auto:quality"), ("Authorization", "Bearer key-b"))).Headers["x-router-model"]);
        }

        served.Count(m => m == Strong).ShouldBeInRange(4, 5);
    }

    [Fact]
    public async Task Embeddings_AreHeldToWhatTheTenantMayUseAndSpend()
    {
        const string embeddings = "/v1/embeddings", hello = """{"model":"embedder","input":"hello","user":"ann"}""";
        // Eight tokens a call at $1,000 a million: $0.008.
        await using var gateway = await StartAsync(
            "--Upstreams:1:Model", "embedder", "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:Embeddings", "true", "--Upstreams:1:EmbeddingPrice", "1000",
            "--ApiKeys:0:Tenant", "spends", "--ApiKeys:0:Sha256", Hash("spends"), "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:1:Tenant", "chats", "--ApiKeys:1:Sha256", Hash("chats"), "--ApiKeys:1:Scopes:0", "inference",
            "--Tenants:0:Name", "spends", "--Tenants:0:BudgetUsd", "0.02", "--Tenants:0:UserRequestsPerMinute", "9", "--Tenants:1:Name", "chats", "--Tenants:1:AllowedModels:0", Strong, "--Gateway:CategoryPins:medical:0", Strong);
        (string, string) spends = ("Authorization", "Bearer spends"), chats = ("Authorization", "Bearer chats");

        var first = await gateway.PostAsync(embeddings, hello, spends);
        var last = first;
        for (var i = 0; i < 4 && last.Status == 200; i++)
        {
            last = await gateway.PostAsync(embeddings, hello, spends);
        }

        Usd(first).ShouldBe(0.008, 1e-9);
        first.Headers["x-ratelimit-remaining-requests"].ShouldBe("8");
        last.ShouldFail(429, "budget_exceeded");
        (await gateway.PostAsync(embeddings, hello, spends, ("x-router-category", "medical"))).ShouldFail(403, "model_not_allowed", "embedder");
        (await gateway.PostAsync(embeddings, hello, chats)).ShouldFail(403, "model_not_allowed", "embedder");
        (await gateway.PostAsync(embeddings, """{"model":"embedder","input":"hello","user":7}""", spends)).ShouldFail(400, "invalid_value", "'user' is 7");
    }

    [Fact]
    public async Task Embeddings_AreHeldToWhatTheCallerLetsThemCost()
    {
        const string embeddings = "/v1/embeddings", limit = "x-router-max-cost-usd";
        await using var gateway = await StartAsync("--Upstreams:1:Model", "embedder", "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:Embeddings", "true", "--Upstreams:1:EmbeddingPrice", "5");
        var body = $$"""{"model":"embedder","input":"{{new string('a', 3998)}}"}"""; // 1,000 tokens: $0.005

        (await gateway.PostAsync(embeddings, body, (limit, "0.005"))).Status.ShouldBe(200);
        var calls = _upstream.Calls;
        (await gateway.PostAsync(embeddings, body, (limit, "0.0049"))).ShouldFail(422, "no_model_allowed", "'embedder'", "$0.005", "$0.0049");
        (await gateway.PostAsync(embeddings, body, (limit, "little"))).ShouldFail(400, "invalid_value", "'little'");
        _upstream.Calls.ShouldBe(calls);
    }

    [Fact]
    public async Task Session_StaysWithTheModelWhosePromptIsCached()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "0.1", "--MetaRouter:Models:0:CachedInputPrice", "0.01",
            "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "1", "--MetaRouter:Models:1:OutputPrice", "0.1");
        var body = Body("auto:cheap", new string('a', 4000));

        (await gateway.PostAsync(Chat, body)).Headers["x-router-model"].ShouldBe(Weak);
        (await gateway.PostAsync(Chat, body.Replace("\"auto:cheap\"", "\"auto:quality\"", StringComparison.Ordinal), ("x-router-session", "s1"))).Headers["x-router-model"].ShouldBe(Strong);

        // 1,000 prompt tokens are worth $0.001 at the weak model and, cached, $0.00001 at the strong one.
        (await gateway.PostAsync(Chat, body, ("x-router-session", "s1"))).Headers["x-router-model"].ShouldBe(Strong);
        (await gateway.PostAsync(Chat, body, ("x-router-session", "s2"))).Headers["x-router-model"].ShouldBe(Weak);

        // What opencode names it by, as long as it is a name.
        foreach (var (session, goesTo) in ((string, string)[])[("ses_1", Strong), (new string('s', 257), Weak)])
        {
            await gateway.PostAsync(Chat, body.Replace("\"auto:cheap\"", "\"auto:quality\"", StringComparison.Ordinal), ("x-session-id", session));
            (await gateway.PostAsync(Chat, body, ("x-session-id", session))).Headers["x-router-model"].ShouldBe(goesTo);
        }

        gateway.Time.Ahead += TimeSpan.FromMinutes(6);
        (await gateway.PostAsync(Chat, body, ("x-router-session", "s1"))).Headers["x-router-model"].ShouldBe(Weak);
    }

    /// <summary>Agents ask for a title or a summary beside the conversation, by another prompt: a cache holds beginnings, and that one's has not gone.</summary>
    [Fact]
    public async Task Session_SideCallsThatBeginOtherwise_LeaveItsModelWarm()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "0.1", "--MetaRouter:Models:0:CachedInputPrice", "0.01",
            "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "1", "--MetaRouter:Models:1:OutputPrice", "0.1");
        (string, string) session = ("x-router-session", "s");
        var begun = $$"""{"role":"system","content":"Be brief."},{"role":"user","content":"{{new string('a', 4000)}}"}""";
        string Asks(string model, string messages) => $$"""{"model":"{{model}}","messages":[{{messages}}]}""";

        (await gateway.PostAsync(Chat, Asks("auto:quality", begun), session)).Headers["x-router-model"].ShouldBe(Strong);
        (await gateway.PostAsync(Chat, Asks(Weak, """{"role":"system","content":"Write a title."},{"role":"user","content":"aaaa"}"""), session)).Headers["x-router-model"].ShouldBe(Weak);

        (await gateway.PostAsync(Chat, Asks("auto:cheap", begun + """,{"role":"assistant","content":"I am up"},{"role":"user","content":"and then?"}"""), session)).Headers["x-router-model"].ShouldBe(Strong);
        (await gateway.PostAsync(Chat, Asks("auto:cheap", begun.Replace("brief", "kind", StringComparison.Ordinal)), session)).Headers["x-router-model"].ShouldBe(Weak);
    }

    [Fact]
    public async Task Comparison_OptedIn_GivesBothAnswersAndTheChoiceTeaches()
    {
        await using var gateway = await StartAsync("--Gateway:CompareShare", "0.5");
        var (compared, last) = (0, default(Answer));
        for (var i = 0; i < 10; i++)
        {
            var answer = await gateway.PostAsync(Chat, Body("auto", user: "ann"), ("x-router-compare", "allow"));
            answer.Status.ShouldBe(200, answer.Text);
            (compared, last) = answer.Body.ContainsKey("router_comparison") ? (compared + 1, answer) : (compared, last);
        }

        compared.ShouldBe(5);
        var other = last!.Body["router_comparison"]!;
        ((string)other["answer"]!["model"]!).ShouldBe((string)other["offered"]!);
        ((string)other["offered"]!).ShouldNotBe((string)last.Body["model"]!);
        last.Headers["x-router-reason"].ShouldBe("comparison");
        last.Body["receipt"] = (string)last.Body["id"]!;
        var learned = await gateway.FeedbackAsync(last, "ann", "comparison", (string)other["offered"]!);
        ((bool)learned.Body["counted"]!).ShouldBeTrue(learned.Text);
        (await gateway.PostAsync(Chat, Body("auto", user: "ann"))).Body.ContainsKey("router_comparison").ShouldBeFalse();
        (await gateway.PostAsync(Chat, Body("auto"), ("x-router-compare", "yes"))).ShouldFail(400, "invalid_value", "'yes'", "allow, always or no");
    }

    [Fact]
    public async Task Comparison_AskedForByWhoMayWatch_IsAlwaysMadeAndIsOneDecision()
    {
        const string watcher = "watcher-key", asker = "asker-key";
        await using var gateway = await StartAsync("--ApiKeys:0:Tenant", "t", "--ApiKeys:0:Sha256", Hash(watcher), "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:0:Scopes:1", "read", "--ApiKeys:1:Tenant", "t", "--ApiKeys:1:Sha256", Hash(asker), "--ApiKeys:1:Scopes:0", "inference");
        var (may, mayNot) = (("Authorization", "Bearer " + watcher), ("Authorization", "Bearer " + asker));

        var pair = await gateway.PostAsync(Chat, Body("auto", user: "ann"), ("x-router-compare", "always"), may);

        pair.Status.ShouldBe(200, pair.Text);
        var rows = (await gateway.GetAsync("/v1/console/decisions", may)).Body["decisions"]!.AsArray();
        ((string)rows.Single()!["reason"]!, (int)rows[0]!["status"]!).ShouldBe(("comparison", 200));
        var (both, second) = (double.Parse(pair.Headers["x-router-cost-usd"], System.Globalization.CultureInfo.InvariantCulture), (double)pair.Body["router_comparison"]!["cost_usd"]!);
        second.ShouldBeInRange(0, both);
        ((double)rows[0]!["cost_usd"]!).ShouldBe(both, 1e-9);
        (await gateway.PostAsync(Chat, Body("auto", user: "ann"), ("x-router-compare", "always"), mayNot)).ShouldFail(403, "insufficient_scope", "'always'", "read");
    }

    [Fact]
    public async Task Comparison_WhatEachAnswerCost_IsItsModelsInMetricsAndConsole()
    {
        await using var gateway = await StartAsync();

        var pair = await gateway.PostAsync(Chat, Body("auto", user: "ann"), ("x-router-compare", "always"));

        pair.Status.ShouldBe(200, pair.Text);
        var (first, other) = ((string)pair.Body["model"]!, (string)pair.Body["router_comparison"]!["offered"]!);
        var second = (double)pair.Body["router_comparison"]!["cost_usd"]!;
        var chosen = double.Parse(pair.Headers["x-router-cost-usd"], System.Globalization.CultureInfo.InvariantCulture) - second;
        var metrics = (await gateway.Client.GetStringAsync("/metrics")).Split('\n');
        double Counted(string model) => double.Parse(metrics.Single(l => l.StartsWith("metarouter_cost_USD_total", StringComparison.Ordinal) && l.Contains($"\"{model}\"", StringComparison.Ordinal)).Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
        Counted(first).ShouldBe(chosen, 1e-9);
        Counted(other).ShouldBe(second, 1e-9);
        var overview = (await gateway.GetAsync("/v1/console/overview")).Body;
        double Shown(string model) => (double)overview["models"]!.AsArray().Single(m => (string)m!["name"]! == model)!["spent_usd"]!;
        Shown(first).ShouldBe(chosen, 1e-9);
        Shown(other).ShouldBe(second, 1e-9);
        ((double)overview["totals"]!["comparisons_usd"]!).ShouldBe(second, 1e-9);
    }

    [Fact]
    public async Task Comparison_ClientLeavesWithOneAnswerHere_PaysForThatOne()
    {
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1");
        var calls = 0;
        _upstream.Script = async (context, _) =>
        {
            await Task.Delay(Interlocked.Increment(ref calls) == 1 ? TimeSpan.Zero : TimeSpan.FromMinutes(1), context.RequestAborted);
            return false;
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(Body("auto", user: "ann")), Headers = { { "x-router-compare", "always" } } };

        var row = await LeaveAsync(gateway, request, calls: 2, TimeSpan.FromMilliseconds(300)); // the first answer is here by then

        ((double)row["cost_usd"]!).ShouldBeGreaterThan(0);
        (await SettledUsdAsync(gateway)).ShouldBe((double)row["cost_usd"]!, 1e-8);
    }

    /// <summary>What both were asked for is not one model's: it would look dear for what it was predicted, and the strongest model dearer still in proportion.</summary>
    [Fact]
    public async Task Comparison_ClientLeavesBeforeBoth_EachPromptIsItsModels()
    {
        await using var gateway = await StartAsync();
        using var cost = new Meters(gateway.App.Services.GetRequiredService<GatewayMetrics>().CostUsd);
        _upstream.Script = async (context, _) =>
        {
            await Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted);
            return false;
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(Body("auto", new string('a', 4000), "ann")), Headers = { { "x-router-compare", "always" } } };

        var row = await LeaveAsync(gateway, request, calls: 2);

        ((int)row["status"]!).ShouldBe(499);
        var overview = (await gateway.GetAsync("/v1/console/overview")).Body;
        var prices = (await gateway.GetAsync("/v1/models")).Body["data"]!.AsArray().Where(m => m!["input_price_usd_per_million"] is not null).ToDictionary(m => (string)m!["id"]!, m => (double)m!["input_price_usd_per_million"]!);
        var asked = _upstream.Bodies.Select(b => (string)b["model"]!).ToArray();
        asked.Distinct().Count().ShouldBe(2);
        var tokens = asked.Select(model => (double)overview["models"]!.AsArray().Single(m => (string)m!["name"]! == model)!["spent_usd"]! / prices[model] * 1e6).ToArray();
        tokens[0].ShouldBeInRange(500, 1500);
        tokens[1].ShouldBe(tokens[0], 1e-3);
        cost.Seen.ShouldBe(asked.Select(model => $"metarouter.cost model={model} source=counted"), ignoreOrder: true);
        cost.Sum.ShouldBe((double)row["cost_usd"]!, 1e-9);
    }

    /// <summary>The one that was asked alone is who the money went to: with the other's prediction beside it, it would look cheap for what it was predicted, and so would the strongest model.</summary>
    [Theory]
    [InlineData(Strong, Weak)]
    [InlineData(Weak, Strong)]
    public async Task Comparison_OneFailedWhenTheClientLeavesTheOther_IsTheOthersAlone(string fails, string asked)
    {
        using var folder = new TemporaryFolder();
        await using var gateway = await StartAsync("--MetaRouter:DecisionLog", folder.File("decisions.ndjson"), "--Tenants:0:Name", "default", "--Tenants:0:AllowedModels:0", Strong, "--Tenants:0:AllowedModels:1", Weak);
        using var cost = new Meters(gateway.App.Services.GetRequiredService<GatewayMetrics>().CostUsd);
        _upstream.Script = async (context, body) =>
        {
            if ((string)body["model"]! == fails)
            {
                return await ScriptedUpstream.FailAsync(context, 400);
            }

            await Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted);
            return false;
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(Body("auto", new string('a', 4000), "ann")), Headers = { { "x-router-compare", "always" } } };

        var row = await LeaveAsync(gateway, request, calls: 2, TimeSpan.FromMilliseconds(300)); // the refusal is here by then

        ((int)row["status"]!, (string)row["served"]!).ShouldBe((499, asked));
        cost.Seen.ShouldBe([$"metarouter.cost model={asked} source=counted"]);
        ((double)(await gateway.GetAsync("/v1/console/front")).Body["traffic"]!["cost_usd"]!).ShouldBe((double)row["cost_usd"]!, (double)row["cost_usd"]! * 1e-6);
        await Eventually.TrueAsync(async () => (await File.ReadAllTextAsync(folder.File("decisions.ndjson"))).Contains($"\"served\":\"{asked}\"", StringComparison.Ordinal), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Comparison_OneSideFails_TheOtherAnswersAloneAndCannotBeCompared()
    {
        await using var gateway = await StartAsync("--Gateway:CompareShare", "1");
        var pair = await gateway.PostAsync(Chat, Body("auto", user: "ann"), ("x-router-compare", "allow"));
        var (first, second) = ((string)pair.Body["model"]!, (string)pair.Body["router_comparison"]!["offered"]!);
        _upstream.Script = (context, body) => (string)body["model"]! == first ? ScriptedUpstream.FailAsync(context, 500) : Task.FromResult(false);

        var alone = await gateway.PostAsync(Chat, Body("auto", user: "ann"), ("x-router-compare", "allow"));

        alone.Status.ShouldBe(200, alone.Text);
        ((string)alone.Body["model"]!).ShouldBe(second);
        alone.Body["receipt"] = (string)alone.Body["id"]!;
        (await gateway.FeedbackAsync(alone, "ann", "comparison", "chosen")).ShouldFail(400, "not_a_comparison");
        (await gateway.FeedbackAsync(alone, "ann", "thumb", "up")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Comparison_OneSideFails_TheFrontTellsWhatTheOtherCost()
    {
        await using var gateway = await StartAsync();
        var calls = 0;
        _upstream.Script = (context, _) => Interlocked.Increment(ref calls) == 1 ? ScriptedUpstream.FailAsync(context, 400) : Task.FromResult(false);

        var alone = await gateway.PostAsync(Chat, Body("auto", user: "ann"), ("x-router-compare", "always"));

        (alone.Status, calls).ShouldBe((200, 2), alone.Text);
        var cost = double.Parse(alone.Headers["x-router-cost-usd"], System.Globalization.CultureInfo.InvariantCulture);
        ((double)(await gateway.GetAsync("/v1/console/front")).Body["traffic"]!["cost_usd"]!).ShouldBe(cost, cost * 1e-6);
    }

    [Fact]
    public async Task ImplicitSignals_AreNoticedWhenSwitchedOnAndOnlyThen()
    {
        await using var off = await StartAsync();
        await using var on = await StartAsync("--Gateway:ImplicitSignals", "true");
        foreach (var gateway in (RunningGateway[])[off, on])
        {
            await gateway.PostAsync(Chat, Body("auto:quality", "einmal", "ann"));
            await gateway.PostAsync(Chat, Body("auto:quality", "einmal", "ann")); // again
            await gateway.PostAsync(Chat, Body(Weak, "einmal", "ann")); // now of another model
            await gateway.PostAsync(Chat, Body("auto", "something else", "ann"));
            using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent("""{"model":"auto","user":"ann","stream":true,"messages":[{"role":"user","content":"endless"}]}""") };
            using (var stream = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
            {
                await (await stream.Content.ReadAsStreamAsync()).ReadAtLeastAsync(new byte[100], 100);
            }
        }

        JsonObject kinds = [];
        for (var i = 0; i < 200 && kinds.Count < 3; i++)
        {
            await Task.Delay(50);
            kinds = (await on.GetAsync("/v1/router/users/ann")).Body["kinds"]!.AsObject();
        }

        kinds.Select(k => k.Key).ShouldBe(["regenerate", "switch_model", "abandon"], ignoreOrder: true);
        kinds.ShouldAllBe(k => (int)k.Value! == 1);
        ((int)(await off.GetAsync("/v1/router/users/ann")).Body["signals"]!).ShouldBe(0);
    }

    /// <summary>Agents and chat windows have titles made in the user's name, while the user reads the answer or before it is there.</summary>
    [Theory]
    [InlineData("""{"model":"auto","user":"ann","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"Go."}]}""")]
    [InlineData("""{"model":"auto","user":"ann","messages":[{"role":"user","content":"Go."},{"role":"assistant","content":"Where to?"},{"role":"user","content":"On."}]}""")]
    public async Task ImplicitSignals_ATitleMadeBetween_HidesNoRegenerate(string asked)
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true");
        const string title = """{"model":"auto:cheap","user":"ann","messages":[{"role":"system","content":"You write titles."},{"role":"user","content":"Go."}]}""";
        foreach (var (body, kinds) in ((string, string)[])[(asked, "{}"), (title, "{}"), (asked, """{"regenerate":1}"""), (title, """{"regenerate":1}""")]) // a title is the same again only where nothing came between
        {
            (await gateway.PostAsync(Chat, body)).Status.ShouldBe(200);
            (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]!.ToJsonString().ShouldBe(kinds);
        }
    }

    [Fact]
    public async Task ImplicitSignals_AnswerThatBrokeOff_AskedAgain_IsNoRegenerate()
    {
        await using var gateway = await StartLateAsync(Nothing, () => Task.Delay(100), "--Gateway:ImplicitSignals", "true");
        var body = JsonNode.Parse(Body("auto:quality", "break", "ann"))!;
        body["stream"] = true;
        await Should.ThrowAsync<HttpRequestException>(gateway.Client.PostAsync(Chat, new StringContent(body.ToJsonString()))); // its connection is cut

        _upstream.Script = async (context, _) =>
        {
            await _upstream.EventAsync(context, "whole", "stop");
            return true;
        };
        using var again = await gateway.Client.PostAsync(Chat, new StringContent(body.ToJsonString()));

        ((int)again.StatusCode).ShouldBe(200);
        ((int)(await gateway.GetAsync("/v1/router/users/ann")).Body["signals"]!).ShouldBe(0);
    }

    /// <summary>Of two answers that were to be compared one came, and was served as any other.</summary>
    [Fact]
    public async Task ImplicitSignals_ComparisonThatOneSideFailed_AskedAgain_IsARegenerate()
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true");
        var calls = 0;
        _upstream.Script = (context, _) => Interlocked.Increment(ref calls) == 1 ? ScriptedUpstream.FailAsync(context, 400) : Task.FromResult(false);
        var alone = await gateway.PostAsync(Chat, Body("auto", "tell me", "ann"), ("x-router-compare", "always"));
        (alone.Status, calls).ShouldBe((200, 2), alone.Text);

        (await gateway.PostAsync(Chat, Body("auto", "tell me", "ann"))).Status.ShouldBe(200);

        (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]!.ToJsonString().ShouldBe("""{"regenerate":1}""");
    }

    [Fact]
    public async Task ImplicitSignals_WhatWasAskedBeforeAComparison_IsTheLastNoMore()
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true");
        (await gateway.PostAsync(Chat, Body("auto", "tell me", "ann"))).Status.ShouldBe(200);
        (await gateway.PostAsync(Chat, Body("auto", "and more", "ann"), ("x-router-compare", "always"))).Body.ContainsKey("router_comparison").ShouldBeTrue();

        (await gateway.PostAsync(Chat, Body("auto", "tell me", "ann"))).Status.ShouldBe(200);

        (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]!.ToJsonString().ShouldBe("{}");
    }

    [Fact]
    public async Task UserRights_ExportImportResetErase_OneCallEachWithAReceiptThatCanBeChecked()
    {
        await using var gateway = await RunningGateway.StartAsync();
        const string user = "/v1/router/users/a%2Fb%20c";
        var late = await gateway.RouteAsync("a/b c");
        await gateway.FeedbackAsync(await gateway.RouteAsync("a/b c"), "a/b c", "thumb", "up");

        var export = await gateway.GetAsync(user + "/export");
        ((int)export.Body["signals"]!).ShouldBe(1);
        var erased = await gateway.SendAsync(HttpMethod.Delete, user);
        (await gateway.FeedbackAsync(late, "a/b c", "accept")).ShouldFail(410, "user_erased");
        ((int)(await gateway.GetAsync(user)).Body["signals"]!).ShouldBe(0);
        var imported = await gateway.PostAsync(user + "/import", new JsonObject { ["record"] = (string)export.Body["record"]! }.ToJsonString());
        ((int)imported.Body["signals"]!).ShouldBe(1);
        var reset = await gateway.PostAsync(user + "/reset", "");
        ((int)(await gateway.GetAsync(user)).Body["signals"]!).ShouldBe(0);

        foreach (var (answer, deed) in new[] { (erased, "erased"), (imported, "imported"), (reset, "reset") })
        {
            var receipt = new JsonObject { ["receipt"] = (string)answer.Body["receipt"]! }.ToJsonString();
            var verified = await gateway.PostAsync(user + "/verify", receipt);
            ((bool)verified.Body["genuine"]!).ShouldBeTrue();
            ((string)verified.Body["done"]!).ShouldBe(deed);
            ((bool)(await gateway.PostAsync("/v1/router/users/other/verify", receipt)).Body["genuine"]!).ShouldBeFalse();
        }

        (await gateway.PostAsync(user + "/import", """{"record":"AAAA"}""")).ShouldFail(400, "invalid_value", "'record'", "/export");
        (await gateway.PostAsync(user + "/import", """{"record":"not base64!"}""")).ShouldFail(400, "invalid_value", "'record'");
        (await gateway.PostAsync(user + "/import", "{}")).ShouldFail(400, "missing_field", "'record'");
    }

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

        async Task<string[]> Lines((string Name, string Value) key)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/router/decisions") { Headers = { { key.Name, key.Value } } };
            using var response = await gateway.Client.SendAsync(request);
            return (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    [Fact]
    public async Task KeysRotated_OldReceiptsStayGoodUntilTheyExpire_AndAtOnceNoneDoes()
    {
        using var folder = new TemporaryFolder();
        Answer before, after;
        string[] store = ["--MetaRouter:Store", "sqlite:" + folder.File("users.db")];
        await using (var gateway = await StartAsync(store))
        {
            before = await gateway.RouteAsync("ann");
            var rotated = await gateway.PostAsync("/v1/router/keys/rotate", "");
            rotated.Status.ShouldBe(200, rotated.Text);
            ((DateTimeOffset)rotated.Body["earlier_until"]! - (DateTimeOffset)rotated.Body["seals_from"]!).ShouldBe(TimeSpan.FromDays(7));
            after = await gateway.RouteAsync("ann");
            (await gateway.PostAsync("/v1/router/keys/rotate", """{"at-once":true}""")).ShouldFail(400, "unknown_field", "'at-once'");
        }

        // They are the store's: another process opens both, and users are who they were.
        await using (var gateway = await StartAsync(store))
        {
            Counted(await gateway.FeedbackAsync(before, "ann", "accept")).ShouldBeTrue();
            Counted(await gateway.FeedbackAsync(after, "ann", "accept")).ShouldBeTrue();
            ((int)(await gateway.GetAsync("/v1/router/users/ann")).Body["signals"]!).ShouldBe(2);
            (await gateway.PostAsync("/v1/router/keys/rotate", """{"at_once":true}""")).Status.ShouldBe(200);
            (await gateway.FeedbackAsync(after, "ann", "thumb", "up")).ShouldFail(410, "receipt_expired", "no longer in use");
            Counted(await gateway.FeedbackAsync(await gateway.RouteAsync("ann"), "ann", "accept")).ShouldBeTrue();
        }

        static bool Counted(Answer answer) => (bool?)answer.Body["counted"] ?? throw new InvalidOperationException(answer.Text);
    }

    [Fact]
    public async Task Canary_PromptsAnswersKeysAndUsers_AreNowhere()
    {
        const string prompt = "canary-prompt-7341", answer = "canary-answer-7341", user = "canary-user-7341", key = "canary-key-7341", upstreamKey = "canary-upstream-7341", session = "canary-session-7341";
        using var folder = new TemporaryFolder();
        using var meters = new Meters();
        _upstream.Script = async (context, body) =>
        {
            if (((string)body["messages"]![0]!["content"]!).Contains("fail", StringComparison.Ordinal))
            {
                return await ScriptedUpstream.FailAsync(context, 500, $"{prompt} {upstreamKey}");
            }

            await context.Response.WriteAsync($$"""{"id":"x","model":"y","choices":[{"message":{"content":"{{answer}}"} }]}""");
            return true;
        };
        var logged = new List<string>();
        await using (var gateway = await StartAsync(
            "--MetaRouter:Store", "sqlite:" + folder.File("users.db"), "--MetaRouter:DecisionLog", folder.File("decisions.ndjson"), "--Gateway:ImplicitSignals", "true", "--Upstreams:0:ApiKey", upstreamKey,
            "--ApiKeys:0:Sha256", Hash(key), "--ApiKeys:0:Tenant", "acme", "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:0:Scopes:1", "feedback", "--ApiKeys:0:Scopes:2", "admin",
            "--Tenants:0:Name", "acme", "--Tenants:0:UserBudgetUsd", "1", "--Tenants:0:UserRequestsPerMinute", "100", "--Logging:LogLevel:Default", "Trace"))
        {
            (string, string)[] headers = [("Authorization", "Bearer " + key), ("x-router-session", session)];
            foreach (var text in new[] { prompt, prompt, prompt + " fail" })
            {
                var chat = await gateway.PostAsync(Chat, Body("auto", text, user), headers);
                if (chat.Status == 200)
                {
                    var feedback = await gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = (string)chat.Body["id"]!, ["user"] = user, ["kind"] = "accept" }.ToJsonString(), headers);
                    feedback.Status.ShouldBe(200, feedback.Text);
                }
            }

            (await gateway.PostAsync("/v1/responses", new JsonObject { ["model"] = "auto", ["user"] = user, ["instructions"] = prompt, ["input"] = prompt, ["metadata"] = new JsonObject { ["a"] = session } }.ToJsonString(), headers)).Status.ShouldBe(200);
            await gateway.PostAsync(Chat, "{\"" + prompt, headers);
            await gateway.PostAsync(Chat, Body("auto", prompt), ("Authorization", "Bearer wrong-" + key));
            await gateway.SendAsync(HttpMethod.Delete, "/v1/router/users/someone", null, headers);
            logged.AddRange(gateway.Log.Select(l => l.Text));
        }

        logged.Count.ShouldBeGreaterThan(50);
        meters.Seen.Count.ShouldBeGreaterThan(5);
        string[] places = [.. logged, .. meters.Seen, .. Directory.GetFiles(folder.Path).Select(f => Encoding.Latin1.GetString(File.ReadAllBytes(f)))];
        foreach (var canary in (string[])[prompt, answer, key, upstreamKey, session])
        {
            places.Where(p => p.Contains(canary, StringComparison.Ordinal)).ShouldBeEmpty();
        }

        // A log of requests' paths is the server's own and shows ids that clients put there; what this program keeps and counts does not.
        places.Where(p => p.Contains(user, StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("http://[64:ff9b::a9fe:a9fe]/v1")]
    [InlineData("http://[2002:a9fe:a9fe::1]/v1")]
    [InlineData("http://[::a9fe:a9fe]/v1")]
    [InlineData("http://[fe80::1]/v1")]
    [InlineData("http://0.0.0.0/v1")]
    public async Task UpstreamAddress_OfAMetadataService_IsRefusedAtSave(string url)
    {
        var refused = await Should.ThrowAsync<Configuration.GatewayConfigurationException>(async () => await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", url));

        refused.Message.ShouldContain("link-local or metadata");
    }

    [Fact]
    public async Task UpstreamAddress_ThatResolvesToOne_IsRefusedAtConnect()
    {
        using var http = new HttpClient(new SocketsHttpHandler { ConnectCallback = async (context, cancel) => await Configuration.UpstreamAddress.ConnectAsync(context, cancel) });

        // A name that is written as a number, and goes by every check of names.
        var refused = await Should.ThrowAsync<HttpRequestException>(async () => await http.GetAsync("http://169.254.169.254.nip.invalid./"));
        refused.Message.ShouldNotBeEmpty();
        (await Should.ThrowAsync<HttpRequestException>(async () => await http.GetAsync("http://169.254.169.254/latest"))).Message.ShouldContain("no address an upstream may have");
    }

    [Fact]
    public void NewKey_IsShownOnceWithItsHash()
    {
        var (text, problem) = NewKey.Make(["acme", "inference", "read"]);

        problem.ShouldBeNull();
        var key = text!.Split('\n').Single(l => l.TrimStart().StartsWith("mr-", StringComparison.Ordinal)).Trim();
        text.ShouldContain(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key))));
        NewKey.Make(["acme", "root"]).Problem!.ShouldContain("'root'");
        NewKey.Make(["acme"]).Problem!.ShouldContain("usage");
    }

    [Fact]
    public async Task PrivateTenant_TeachesNobody()
    {
        await using var gateway = await RunningGateway.StartAsync("--Tenants:0:Name", "default", "--Tenants:0:SharesLearning", "false");
        for (var user = 0; user < 40; user++)
        {
            for (var i = 0; i < 4; i++)
            {
                await gateway.FeedbackAsync(await gateway.RouteAsync($"u{user}", compare: true, input: $"Task {i} of {user}"), $"u{user}", "comparison", "cheaper");
            }
        }

        (await gateway.App.Services.GetRequiredService<Hosting.Learning.LearningLoop>().RefreshAsync(default)).ShouldBeFalse();
    }

    /// <summary>What all accounts hold in the end. A gateway that was asked to stop has settled all.</summary>
    private static async Task<double> SettledUsdAsync(RunningGateway gateway)
    {
        await gateway.App.StopAsync();
        return JsonNode.Parse(gateway.App.Services.GetRequiredService<MemorySharedState>().Write(-1).Bytes)!.AsArray().Sum(a => (long)a!["Held"]!) * 1e-9;
    }

    private static async Task<bool> FailAsync(HttpContext context, string how)
    {
        switch (how)
        {
            case "silent":
                await Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted);
                break;
            case "half" or "stalls half-way":
                context.Response.ContentLength = 1000;
                await context.Response.WriteAsync("""{"id":"x","choices":[""");
                await context.Response.Body.FlushAsync();
                await Task.Delay(how == "half" ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromMinutes(1), context.RequestAborted);
                context.Abort();
                break;
            case "reset":
                context.Abort();
                break;
            case "error under 200":
                await context.Response.WriteAsync("""{"error":{"message":"overloaded"}}""");
                break;
            default:
                return await ScriptedUpstream.FailAsync(context, how == "refused" ? 400 : 500);
        }

        return true;
    }

    private Task<RunningGateway> StartAsync(params string[] settings) => RunningGateway.StartAsync(["--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, .. settings]);

    /// <summary>A gateway with a budget, whose shared state settles and remembers when it is let.</summary>
    private Task<RunningGateway> StartLateAsync(Func<Task> settles, Func<Task> remembers, params string[] settings) => RunningGateway.StartAsync(
        services => services.AddSingleton<ISharedState>(s => new LateState(s.GetRequiredService<MemorySharedState>(), settles, remembers)), [
        .. settings,
        "--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
        "--Upstreams:1:Model", "embedder", "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:Embeddings", "true", "--Upstreams:1:EmbeddingPrice", "5"]);

    private static Task Nothing() => Task.CompletedTask;

    /// <summary>Asks in the form of this path, and is content with the answer's last byte or event: what the connection does afterwards is not waited for.</summary>
    private static async Task<string> AskAsync(RunningGateway gateway, string path, bool streams, string model, string content = "hello", bool compares = false)
    {
        var body = path == "/v1/embeddings" ? """{"model":"embedder","input":"hello and more than that"}""" : path == "/v1/responses"
            ? new JsonObject { ["model"] = model, ["stream"] = streams, ["input"] = content }.ToJsonString()
            : new JsonObject { ["model"] = model, ["stream"] = streams, ["max_tokens"] = 1000, ["tools"] = path == Chat ? JsonNode.Parse("""[{"type":"function","function":{"name":"weather"}}]""") : new JsonArray(), ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content }) }.ToJsonString();
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body) };
        if (compares)
        {
            request.Headers.Add("x-router-compare", "always");
        }

        using var client = new HttpClient { BaseAddress = gateway.Client.BaseAddress }; // a connection serves nobody until its last request is settled
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!streams)
        {
            return await response.Content.ReadAsStringAsync();
        }

        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && s_ends.Any(end => line.Contains(end, StringComparison.Ordinal)))
            {
                return line;
            }
        }

        throw new InvalidDataException("The stream had no end.");
    }

    /// <summary>Sends a chat and leaves some time after the upstreams were asked so often.</summary>
    /// <returns>The only row that the console then has.</returns>
    private async Task<JsonNode> LeaveAsync(RunningGateway gateway, HttpRequestMessage request, int calls, TimeSpan later = default)
    {
        using var leaves = new CancellationTokenSource();
        var asked = gateway.Client.SendAsync(request, leaves.Token);
        await Eventually.TrueAsync(() => _upstream.Calls >= calls, TimeSpan.FromSeconds(10));
        await Task.Delay(later);
        await leaves.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asked);
        JsonArray rows = [];
        await Eventually.TrueAsync(async () => (rows = (await gateway.GetAsync("/v1/console/decisions")).Body["decisions"]!.AsArray()).Count > 0, TimeSpan.FromSeconds(10));
        return rows.ShouldHaveSingleItem()!;
    }

    private static double Usd(Answer answer) => double.Parse(answer.Headers["x-router-cost-usd"], CultureInfo.InvariantCulture);

    private static string Body(string model, string content = "hello", string? user = null, bool streams = false) =>
        new JsonObject { ["model"] = model, ["user"] = user, ["stream"] = streams, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content }) }.ToJsonString();

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

    private sealed class LateState(ISharedState inner, Func<Task> settles, Func<Task> remembers) : ISharedState
    {
        public ValueTask<Reservation> ReserveAsync(ulong partition, IReadOnlyList<Account> accounts, CancellationToken cancellationToken = default) => inner.ReserveAsync(partition, accounts, cancellationToken);

        public async ValueTask SettleAsync(ulong partition, IReadOnlyList<Account> accounts, bool isOwn = false, CancellationToken cancellationToken = default)
        {
            await settles();
            await inner.SettleAsync(partition, accounts, isOwn, cancellationToken);
        }

        public ValueTask<byte[]?> RecallAsync(string name, CancellationToken cancellationToken = default) => inner.RecallAsync(name, cancellationToken);

        public async ValueTask RememberAsync(string name, ReadOnlyMemory<byte> value, TimeSpan lifetime, CancellationToken cancellationToken = default)
        {
            await remembers();
            await inner.RememberAsync(name, value, lifetime, cancellationToken);
        }
    }
}
