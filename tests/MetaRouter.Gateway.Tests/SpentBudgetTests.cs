using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>What an answer or embeddings cost, when that is taken from the budget, and what is told of it.</summary>
public sealed class SpentBudgetTests : OneUpstream
{
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

    /// <summary>Whoever the header alone names is held to a user's rate and budget, as in a chat.</summary>
    [Fact]
    public async Task Embeddings_UserInTheHeader_HasARateAndABudget()
    {
        await using var gateway = await StartLateAsync(Nothing, Nothing, "--Tenants:0:UserBudgetUsd", "1", "--Tenants:0:UserRequestsPerMinute", "1");
        gateway.Time.Ahead += TimeSpan.FromSeconds(60 - gateway.Time.GetUtcNow().Second);
        const string body = """{"model":"embedder","input":"hello"}""";

        (await gateway.PostAsync("/v1/embeddings", body, ("x-router-user", "ann"))).Status.ShouldBe(200);
        (await gateway.PostAsync("/v1/embeddings", body, ("x-router-user", "ann"))).ShouldFail(429, "rate_limit_exceeded", "This user");
        (await gateway.PostAsync("/v1/embeddings", body, ("x-router-user", "ben"))).Status.ShouldBe(200);
        ((double)(await gateway.GetAsync("/v1/router/budget?user=ann")).Body["user"]!["spent_usd"]!).ShouldBe(8 * 5e-6, 1e-9);
    }

    [Fact]
    public async Task Embeddings_ClientThatLeaves_PaysForWhatWasSent()
    {
        await using var gateway = await StartLateAsync(Nothing, Nothing);
        _upstream.Script = async (context, _) =>
        {
            await Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted);
            return true;
        };
        using var leaves = new CancellationTokenSource();
        var asked = gateway.Client.PostAsync("/v1/embeddings", new StringContent($$"""{"model":"embedder","input":"{{new string('a', 3998)}}"}"""), leaves.Token);
        await Eventually.TrueAsync(() => _upstream.Calls > 0, TimeSpan.FromSeconds(10));

        await leaves.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asked);

        await Eventually.TrueAsync(() => _upstream.Aborted > 0, TimeSpan.FromSeconds(10));
        (await SettledUsdAsync(gateway)).ShouldBe(0.005, 1e-8); // 1,000 tokens at $5
    }
}
