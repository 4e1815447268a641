using MetaRouter.RouterContract;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>Two models answer one request: whole, failing, or left by the client.</summary>
public sealed class ComparisonTests : OneUpstream
{
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
        var metrics = gateway.App.Services.GetRequiredService<GatewayMetrics>(); // the page has those of other tests' gateways too
        using var cost = new Meters(metrics.CostUsd);
        using var strongest = new Meters(metrics.StrongestCostUsd);

        var pair = await gateway.PostAsync(Chat, Body("auto", user: "ann"), ("x-router-compare", "always"));

        pair.Status.ShouldBe(200, pair.Text);
        var (first, other) = ((string)pair.Body["model"]!, (string)pair.Body["router_comparison"]!["offered"]!);
        var second = (double)pair.Body["router_comparison"]!["cost_usd"]!;
        var chosen = double.Parse(pair.Headers["x-router-cost-usd"], System.Globalization.CultureInfo.InvariantCulture) - second;
        cost.SumOf(first).ShouldBe(chosen, 1e-9);
        cost.SumOf(other).ShouldBe(second, 1e-9);
        var overview = (await gateway.GetAsync("/v1/console/overview")).Body;
        double Shown(string model) => (double)overview["models"]!.AsArray().Single(m => (string)m!["name"]! == model)!["spent_usd"]!;
        Shown(first).ShouldBe(chosen, 1e-9);
        Shown(other).ShouldBe(second, 1e-9);
        ((double)overview["totals"]!["comparisons_usd"]!).ShouldBe(second, 1e-9);

        var row = (await gateway.GetAsync("/v1/console/decisions")).Body["decisions"]!.AsArray().Single()!;
        var predicted = (await gateway.GetAsync($"/v1/console/decisions/{row["id"]}")).Body["candidates"]!.AsArray().ToDictionary(c => (string)c!["model"]!, c => (double)c!["cost_usd"]!);
        strongest.Sum.ShouldBe(predicted[Strong] * Math.Clamp((chosen + second) / (predicted[first] + predicted[other]), 0.1, 10), 1e-8);
    }

    [Fact]
    public async Task Comparison_OfWhichOneUpstreamCountsNothing_IsToldAsCountedHere()
    {
        await using var gateway = await StartAsync();
        var offered = (await gateway.PostAsync(Chat, Body("auto"), ("x-router-compare", "always"))).Headers["x-router-offered"];
        _upstream.Script = async (context, body) =>
        {
            if ((string)body["model"]! == offered)
            {
                await context.Response.WriteAsync("""{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}""");
                return true;
            }

            return false;
        };

        var pair = await gateway.PostAsync(Chat, Body("auto"), ("x-router-compare", "always"));

        (pair.Headers["x-router-offered"], pair.Headers["x-router-cost-source"]).ShouldBe((offered, "counted"));
    }

    [Fact]
    public async Task Comparison_OfAStream_IsNotMade()
    {
        await using var gateway = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(Body("auto", streams: true)), Headers = { { "x-router-compare", "always" } } };

        using var answer = await gateway.Client.SendAsync(request);

        (answer.Content.Headers.ContentType!.MediaType, answer.Headers.Contains("x-router-offered"), _upstream.Calls).ShouldBe(("text/event-stream", false, 1));
        (await answer.Content.ReadAsStringAsync()).ShouldEndWith("data: [DONE]\n\n");
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
}
