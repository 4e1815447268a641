using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>Request rates, and the models that a tenant or a category may use.</summary>
public sealed class TenantRuleTests : OneUpstream
{
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

    /// <summary>The tenant's own rate is the nearer one.</summary>
    [Fact]
    public async Task Rate_OfTheTenant_IsToldAndNotTheUpstreams()
    {
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:RequestsPerMinute", "5");
        _upstream.Script = (context, _) =>
        {
            (context.Response.Headers["x-ratelimit-limit-requests"], context.Response.Headers["x-ratelimit-limit-tokens"]) = ("10000", "30000");
            return Task.FromResult(false);
        };

        var answer = await gateway.PostAsync(Chat, Body("auto"));

        (answer.Headers["x-ratelimit-limit-requests"], answer.Headers["x-ratelimit-limit-tokens"]).ShouldBe(("5", "30000"));
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

    /// <summary>The share is of requests that are routed: who names models makes no room for dear ones.</summary>
    [Fact]
    public async Task DearShare_OfWhoNamesAModel_IsNotCounted()
    {
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:AllowedModels:0", Strong, "--Tenants:0:AllowedModels:1", Weak, "--Tenants:0:DearModels:0", Strong, "--Tenants:0:DearShare", "0.5");
        for (var i = 0; i < 4; i++)
        {
            (await gateway.PostAsync(Chat, Body(Weak))).Status.ShouldBe(200);
        }

        (await gateway.PostAsync(Chat, Body("auto:quality"))).Headers["x-router-model"].ShouldBe(Weak);
    }

    /// <summary>Nothing is routed, so the share of nothing would keep dear models from every decision, and the savings that are told would be others.</summary>
    [Fact]
    public async Task DearShare_WhereDecisionsAreOnlyNoted_LimitsNone()
    {
        await using var gateway = await StartAsync("--Tenants:0:Name", "default", "--Tenants:0:DearModels:0", Strong, "--Tenants:0:DearShare", "0.25", "--Gateway:Mode", "observe");

        (await gateway.PostAsync(Chat, Body("auto:quality"))).Headers["x-router-observed"].ShouldBe(Strong);
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
}
