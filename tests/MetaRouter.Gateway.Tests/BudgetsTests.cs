using MetaRouter.Gateway.Limits;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

/// <summary>The books themselves, to the cent, without an upstream whose answers cost what they cost.</summary>
public sealed class BudgetsTests
{
    private const string Tenant = "default";

    [Fact]
    public async Task Settle_AfterMoreWasSetAside_TakesWhatTheCallCostAndNoMore()
    {
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "1");
        var budgets = Of(gateway);
        var (hold, _) = await budgets.ReserveAsync(Tenant, null, 0.3, default);

        var raised = (await budgets.RaiseAsync(hold, 0.5, default)).ShouldNotBeNull();
        (await SpentAsync(budgets)).ShouldBe(0.5);
        (await budgets.RaiseAsync(raised, 0.4, default)).ShouldBe(raised);
        (await budgets.RaiseAsync(raised, 1.1, default)).ShouldBeNull();
        await budgets.SettleAsync(raised, 0.4);

        (await SpentAsync(budgets)).ShouldBe(0.4);
    }

    [Fact]
    public async Task Overspent_IsWhatACallCostBeyondWhatWasSetAside_AndLeavesNothing()
    {
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "0.5");
        using var overspent = new Meters(gateway.App.Services.GetRequiredService<GatewayMetrics>().OverspentUsd);
        var budgets = Of(gateway);
        foreach (var cost in (double[])[0.1, 0.5])
        {
            var (hold, _) = await budgets.ReserveAsync(Tenant, null, 0.3, default);
            await budgets.SettleAsync(hold, cost);
        }

        overspent.Sum.ShouldBe(0.2, 1e-9);
        (await budgets.ReserveAsync(Tenant, null, 0.01, default)).Short.ShouldBe(new Budgets.Shortage(0, IsOfUser: false));
        (await budgets.ReserveAsync(Tenant, null, 0, default)).Short.ShouldBeNull("what is free fits");
    }

    [Fact]
    public async Task Shortage_WhereUsersAloneHaveBudgets_IsTheUsers()
    {
        await using var gateway = await StartAsync("--Tenants:0:UserBudgetUsd", "0.1");

        (await Of(gateway).ReserveAsync(Tenant, "ann", 0.2, default)).Short.ShouldBe(new Budgets.Shortage(0.1, IsOfUser: true));
        (await Of(gateway).ReserveAsync(Tenant, null, 0.2, default)).Short.ShouldBeNull("nobody is named");
    }

    [Theory]
    [InlineData("day")]
    [InlineData("month")]
    public async Task Period_EndsAtItsMidnight_WhichIsWhenARefusedCallMayComeBack(string period)
    {
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "1", "--Tenants:0:BudgetPeriod", period);
        var noon = gateway.Time.GetUtcNow().UtcDateTime.Date.AddHours(12);
        gateway.Time.Ahead += (period == "day" ? noon.AddDays(1) : new DateTime(noon.Year, noon.Month, 17, 12, 0, 0, DateTimeKind.Utc).AddMonths(1)) - gateway.Time.GetUtcNow().UtcDateTime;
        var today = gateway.Time.GetUtcNow().UtcDateTime.Date;
        DateTimeOffset ends = period == "day" ? today.AddDays(1) : new DateTime(today.Year, today.Month, 1, 0, 0, 0, DateTimeKind.Utc).AddMonths(1);

        (await Of(gateway).StandingAsync(Tenant, null, default)).Ends.ShouldBe(ends);
        var refused = Of(gateway).OverBudget(Tenant, 2, new Budgets.Shortage(1, false));
        refused.RetryAfter.ShouldNotBeNull().ShouldBeInRange((int)(ends - gateway.Time.GetUtcNow()).TotalSeconds, (int)(ends - today).TotalSeconds);
    }

    /// <summary>Calls of the period before settle into it, and nothing of it counts in the next.</summary>
    [Fact]
    public async Task Period_ThatEnds_CountsToItsEndAndNoFurther()
    {
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "1", "--Tenants:0:UserBudgetUsd", "1");
        var budgets = Of(gateway);
        var ends = (await budgets.StandingAsync(Tenant, null, default)).Ends;
        gateway.Time.Ahead += ends - gateway.Time.GetUtcNow() - TimeSpan.FromMinutes(1);

        var (hold, _) = await budgets.ReserveAsync(Tenant, "ann", 0.5, default);
        var before = await budgets.StandingAsync(Tenant, "ann", default);
        gateway.Time.Ahead += TimeSpan.FromMinutes(1);
        await budgets.SettleAsync(hold, 0.75);
        var after = await budgets.StandingAsync(Tenant, "ann", default);

        (before.Ends, before.Tenant, before.User).ShouldBe((ends, new Budgets.Spending(1, 0.5), new Budgets.Spending(1, 0.5)));
        (after.Tenant, after.User).ShouldBe((new Budgets.Spending(1, 0), new Budgets.Spending(1, 0)));
    }

    /// <summary>Else asking for invented users would fill the memory.</summary>
    [Fact]
    public async Task Standing_OfWhoHasSpentNothing_IsReadAndKeptNowhere()
    {
        await using var gateway = await StartAsync("--Tenants:0:UserBudgetUsd", "1");

        (await Of(gateway).StandingAsync(Tenant, "invented", default)).User.ShouldBe(new Budgets.Spending(1, 0));

        gateway.App.Services.GetRequiredService<MemorySharedState>().Open().ShouldBeEmpty();
    }

    private static Task<RunningGateway> StartAsync(params string[] rules) => RunningGateway.StartAsync(["--Tenants:0:Name", Tenant, "--MetaRouter:Store", "memory", .. rules]);

    private static Budgets Of(RunningGateway gateway) => gateway.App.Services.GetRequiredService<Budgets>();

    private static async Task<double> SpentAsync(Budgets budgets) => (await budgets.StandingAsync(Tenant, null, default)).Tenant!.Value.SpentUsd;
}
