using MetaRouter.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace MetaRouter.Gateway.Tests;

public sealed class ClientTests
{
    [Fact]
    public async Task Client_RoutesLearnsAndKeepsTheRightsOfAUser()
    {
        await using var gateway = await RunningGateway.StartAsync();
        using var host = HostOf(gateway);
        var client = host.Services.GetRequiredService<MetaRouterClient>();

        var route = await client.RouteAsync(new RouteCall("What is 7 times 8?", "a/b c") { Compare = true });
        var told = await client.SendFeedbackAsync(new FeedbackCall(route.Receipt, "a/b c", "comparison", "cheaper"));
        var again = await client.SendFeedbackAsync(new FeedbackCall(route.Receipt, "a/b c", "comparison", "cheaper"));
        var found = await client.FindDecisionAsync(route.Receipt, "a/b c");
        var user = await client.GetUserAsync("a/b c");
        var export = await client.ExportAsync("a/b c");
        var erased = await client.EraseAsync("a/b c");
        var late = await Should.ThrowAsync<MetaRouterException>(async () => await client.SendFeedbackAsync(new FeedbackCall(route.Receipt, "a/b c", "accept")));
        var imported = await client.ImportAsync("a/b c", export.Record);

        route.Offered.ShouldNotBeNull();
        route.Ranking.Sum(r => r.Propensity).ShouldBe(1, 1e-5);
        (route.Ranking[0].CountedQuality!.Value - route.LambdaCost * route.Ranking[0].CostUsd / route.CostScaleUsd).ShouldBe(route.Ranking[0].Utility!.Value * (1 + route.LambdaCost), 1e-4);
        (told.Counted, again.Counted, again.Outcome).ShouldBe((true, false, "repeat"));
        told.Preference.LambdaCost.P05.ShouldBeLessThan(told.Preference.LambdaCost.P95);
        (found.Model, found.Offered, found.Reason, found.Feedback!.Count(f => f.Counted)).ShouldBe((route.Model, route.Offered, "comparison", 1));
        found.Candidates.Select(c => c.Model).ShouldBe(route.Ranking.Select(r => r.Model));
        user.Kinds["comparison"].ShouldBe(1);
        erased.Erased.ShouldBeTrue();
        (late.Status, late.Code).ShouldBe((410, "user_erased"));
        imported.Signals.ShouldBe(1);
        (await client.ResetAsync("a/b c")).Done.ShouldBe("reset");
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status.ShouldBe(HealthStatus.Healthy);
    }

    /// <summary>Where the connection is reset as it is made, .NET has another exception for it.</summary>
    [Fact]
    public async Task Client_GatewayThatResetsEachConnectionAtOnce_CannotBeReached()
    {
        using var gateway = new ResettingServer();
        using var http = new HttpClient { BaseAddress = new Uri(gateway.Url) };
        var client = new MetaRouterClient(http);
        for (var i = 0; i < 500; i++)
        {
            await Should.ThrowAsync<HttpRequestException>(() => client.GetBudgetAsync());
        }
    }

    [Fact]
    public async Task Client_Budget_TellsWhatTenantAndUserMaySpendAndHave()
    {
        await using var gateway = await RunningGateway.StartAsync("--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "5", "--Tenants:0:UserBudgetUsd", "1", "--Tenants:0:BudgetPeriod", "month");
        await using var unlimited = await RunningGateway.StartAsync();
        using var host = HostOf(gateway);
        using var other = HostOf(unlimited);
        var client = host.Services.GetRequiredService<MetaRouterClient>();
        await gateway.PostAsync("/v1/chat/completions", """{"model":"auto","user":"a/b&c","messages":[{"role":"user","content":"hello"}]}""");

        var (all, own, nobody) = (await client.GetBudgetAsync(), await client.GetBudgetAsync("a/b&c"), await other.Services.GetRequiredService<MetaRouterClient>().GetBudgetAsync("ann"));

        (all.Tenant, all.Period, all.BudgetUsd, all.User).ShouldBe(("default", "month", 5, null));
        all.Ends.ShouldBeGreaterThan(gateway.Time.GetUtcNow());
        all.SpentUsd!.Value.ShouldBeGreaterThan(0);
        own.User.ShouldBe(new UserBudget("a/b&c", 1, all.SpentUsd));
        (nobody.BudgetUsd, nobody.SpentUsd, nobody.User).ShouldBe((null, null, new UserBudget("ann", null, null)));
    }

    [Fact]
    public async Task Client_GatewayGoneOrNoGateway_SaysSo()
    {
        await using var upstream = await EchoUpstream.StartAsync();
        (upstream.Status, upstream.Answer) = (404, "<html>");
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddMetaRouterClient(configureSettings: s => s.Endpoint = new Uri(upstream.Url));
        using var host = builder.Build();

        var refused = await Should.ThrowAsync<MetaRouterException>(async () => await host.Services.GetRequiredService<MetaRouterClient>().GetUserAsync("u"));

        refused.Status.ShouldBe(404);
        refused.Message.ShouldContain("no error of a gateway");

        (upstream.Status, upstream.Answer) = (200, "<html>sign in</html>");
        var strange = await Should.ThrowAsync<MetaRouterException>(async () => await host.Services.GetRequiredService<MetaRouterClient>().GetUserAsync("u"));
        (strange.Status, strange.Code).ShouldBe((200, "invalid_answer"));
    }

    [Theory]
    [InlineData("https://gateway.example.com", "https://gateway.example.com/", null)]
    [InlineData("Endpoint=http://127.0.0.1:8080/base; Key=secret", "http://127.0.0.1:8080/base", "secret")]
    public void Settings_ConnectionString_OutranksTheSection(string connection, string endpoint, string? key)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["MetaRouter:Client:Endpoint"] = "http://elsewhere.example.com";
        builder.Configuration["ConnectionStrings:router"] = connection;
        MetaRouterClientSettings seen = null!;

        builder.AddMetaRouterClient("router", s => seen = s);

        (seen.Endpoint!.ToString(), seen.ApiKey).ShouldBe((endpoint, key));
    }

    [Fact]
    public void Settings_NoAddressOrAnUnreadableOne_AreNamedWithoutTheKey()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        Should.Throw<InvalidOperationException>(() => builder.AddMetaRouterClient()).Message.ShouldContain("ConnectionStrings:metarouter");
        builder.Configuration["ConnectionStrings:metarouter"] = "gateway:8080;Key=secret";
        Should.Throw<InvalidOperationException>(() => builder.AddMetaRouterClient()).Message.ShouldNotContain("secret");
    }

    [Theory]
    [InlineData("localhost:8080")]
    [InlineData("127.0.0.1:8080")]
    [InlineData("ftp://gateway")]
    public void Settings_EndpointThatIsNoHttpAddress_IsNamedAtStart(string endpoint)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["MetaRouter:Client:Endpoint"] = endpoint;

        Should.Throw<InvalidOperationException>(() => builder.AddMetaRouterClient()).Message.ShouldContain($"MetaRouter:Client:Endpoint is '{endpoint}'; it must be an http or https address");
    }

    private static IHost HostOf(RunningGateway gateway)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["ConnectionStrings:metarouter"] = gateway.Client.BaseAddress!.ToString();
        builder.AddMetaRouterClient();
        return builder.Build();
    }
}
