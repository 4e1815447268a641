using System.Globalization;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway.Limits;

/// <summary>Holds tenants and their users to what they may spend in a day or a month, together on all gateways of the store.</summary>
/// <remarks>
/// A cost is reserved as predicted before the call and settled as counted after it, so simultaneous requests cannot spend the same dollar twice. Only what the prediction
/// fell short by can be overspent, and it is counted.
/// </remarks>
internal sealed partial class Budgets(Tenants tenants, ISharedState shared, RouterSecrets secrets, TimeProvider time, GatewayMetrics metrics, ILogger<Budgets> logger)
{
    /// <summary>Accounts hold whole billionths of a dollar: a cheap model's token costs some tens of them.</summary>
    private const double Unit = 1e-9;

    /// <summary>The longest that an answer is held back for its cost to be settled.</summary>
    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(500);

    /// <summary>How long an account lives that was only looked at and never added to.</summary>
    private static readonly TimeSpan s_asked = TimeSpan.FromMinutes(1);

    /// <summary>Whether a budget is set that such a call is paid from; without one nothing is set aside or counted.</summary>
    public bool HasBudget(string tenant, string? user) => BudgetOf(tenant, user) is not null;

    private TenantOptions? BudgetOf(string tenant, string? user) =>
        tenants.RulesOf(tenant)?.Options is { } rules && (rules.BudgetUsd is not null || (user is not null && rules.UserBudgetUsd is not null)) ? rules : null;

    /// <summary>Sets an amount aside for a call.</summary>
    /// <returns>What to settle afterwards, with null; or default, with the budget that is too small for it.</returns>
    public async ValueTask<(Hold Hold, Shortage? Short)> ReserveAsync(string tenant, string? user, double usd, CancellationToken cancellationToken)
    {
        if (BudgetOf(tenant, user) is not { } rules)
        {
            return (default, null);
        }

        var (period, ends) = Period(rules);
        var lifetime = ends - time.GetUtcNow() + TimeSpan.FromHours(1); // calls still running when the period ends settle into it
        var accounts = Budgeted(rules, period, tenant, user, Units(usd), lifetime);
        var partition = secrets.HashOf(tenant);
        var asked = Units(usd) == 0 ? accounts.ConvertAll(a => a with { Limit = Account.NoLimit }) : accounts; // a free call fits even an overspent budget
        var reserved = await shared.ReserveAsync(partition, asked, cancellationToken).ConfigureAwait(false);
        if (reserved.Refused < 0)
        {
            return (new Hold(partition, accounts, usd, reserved.IsOwn), null);
        }

        var (left, least) = Enumerable.Range(0, accounts.Count).Select(i => (Left: accounts[i].Limit - reserved.Held[i], i)).Min();
        return (default, new Shortage(Math.Max(0, left * Unit), IsOfUser: least > 0 || rules.BudgetUsd is null));
    }

    /// <summary>What a tenant, and one of its users, may spend in this period and has spent, including what is set aside for calls in hand.</summary>
    /// <exception cref="StoreException">What all gateways of the store have spent cannot be read.</exception>
    public async ValueTask<Standing> StandingAsync(string tenant, string? user, CancellationToken cancellationToken)
    {
        var rules = tenants.RulesOf(tenant)?.Options ?? new TenantOptions();
        var (period, ends) = Period(rules);

        // Only read, so that asking for invented users fills no memory.
        var accounts = Budgeted(rules, period, tenant, user, 0, s_asked).ConvertAll(a => a with { Limit = Account.QueryOnly });
        var told = accounts.Count == 0 ? default : await shared.ReserveAsync(secrets.HashOf(tenant), accounts, cancellationToken).ConfigureAwait(false);
        return told.IsOwn ? throw new StoreException("What was spent cannot be read from the store. Try again when it is back.")
            : new Standing(rules.BudgetPeriod, ends, Side(rules.BudgetUsd, 0), user is null ? null : Side(rules.UserBudgetUsd, accounts.Count - 1));

        Spending? Side(double? budget, int at) => budget is { } usd ? new Spending(usd, Math.Round(told.Held[at] * Unit, 9)) : null;
    }

    /// <summary>The sums that a budget is set for, the tenant's first; empty: there is none.</summary>
    private List<Account> Budgeted(TenantOptions rules, string period, string tenant, string? user, long amount, TimeSpan lifetime)
    {
        var accounts = new List<Account>(2);
        if (rules.BudgetUsd is { } all)
        {
            accounts.Add(new($"usd:{period}", amount, Units(all), lifetime));
        }

        if (user is not null && rules.UserBudgetUsd is { } own)
        {
            accounts.Add(new($"usd:{period}:{IdentityHash.Compute(secrets.IdentitySecret, tenant, user):x16}", amount, Units(own), lifetime));
        }

        return accounts;
    }

    /// <summary>Sets more aside for a call that is expected to cost more than was thought.</summary>
    /// <param name="usd">The total to be set aside.</param>
    /// <returns>Null: too little is left, and what was set aside stays.</returns>
    public async ValueTask<Hold?> RaiseAsync(Hold hold, double usd, CancellationToken cancellationToken)
    {
        if (hold.Accounts is null || usd <= hold.Usd)
        {
            return hold;
        }

        var more = Units(usd) - Units(hold.Usd);
        var reserved = await shared.ReserveAsync(hold.Partition, [.. hold.Accounts.Select(a => a with { Amount = more })], cancellationToken).ConfigureAwait(false);
        if (reserved.Refused >= 0)
        {
            return null;
        }

        if (reserved.IsOwn != hold.IsOwn)
        {
            // The store went away or came back in between; amounts set aside in two places cannot be settled as one.
            await shared.SettleAsync(hold.Partition, [.. hold.Accounts.Select(a => a with { Amount = -more })], reserved.IsOwn, CancellationToken.None).ConfigureAwait(false);
            return hold;
        }

        return hold with { Usd = usd };
    }

    /// <summary>Replaces what was set aside for a call by what it really cost. If that fails, the amount set aside stays, and no answer is lost.</summary>
    public async Task SettleAsync(Hold hold, double usd)
    {
        if (hold.Accounts is null)
        {
            return;
        }

        if (usd > hold.Usd)
        {
            metrics.OverspentUsd.Add(usd - hold.Usd);
        }

        var difference = Units(usd) - Units(hold.Usd);
        if (difference == 0)
        {
            return;
        }

        try
        {
            await shared.SettleAsync(hold.Partition, [.. hold.Accounts.Select(a => a with { Amount = difference })], hold.IsOwn, CancellationToken.None).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever is wrong with the store, the answer was paid for.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogUnsettled(e);
        }
    }

    /// <summary>
    /// Settles before an answer is sent, so that the next request, at the edge of a budget, sees what is left. A slow store holds no answer back for
    /// longer than a moment, and none is lost: an error goes to whoever awaits the task to its end.
    /// </summary>
    /// <param name="settling">Such as <see cref="SettleAsync"/>; to be awaited after the answer was sent.</param>
    public static async Task WaitBrieflyAsync(Task settling) => await settling.WaitAsync(s_moment).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>The refusal of a request that costs more than is left.</summary>
    public ApiException OverBudget(string tenant, double needed, Shortage shortage)
    {
        var rules = tenants.RulesOf(tenant)?.Options ?? new TenantOptions(); // they may have been taken away since
        var ends = Period(rules).Ends;
        var whose = shortage.IsOfUser ? "This user's" : "The tenant's";
        return new(429, "insufficient_quota", "budget_exceeded", string.Create(
            CultureInfo.InvariantCulture,
            $"{whose} budget of this {rules.BudgetPeriod} has ${shortage.LeftUsd:0.########} left, and the request is expected to cost ${needed:0.########} "
                + $"even with the cheapest model that may answer it. Wait until {ends.UtcDateTime:yyyy-MM-dd} UTC, or have the budget raised."))
        {
            RetryAfter = Math.Max(1, (int)Math.Ceiling((ends - time.GetUtcNow()).TotalSeconds)),
        };
    }

    private (string Name, DateTimeOffset Ends) Period(TenantOptions rules)
    {
        var today = new DateTimeOffset(time.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero);
        return rules.BudgetPeriod == "day"
            ? (today.ToString("yyyyMMdd", CultureInfo.InvariantCulture), today.AddDays(1))
            : (today.ToString("yyyyMM", CultureInfo.InvariantCulture), today.AddDays(1 - today.Day).AddMonths(1));
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "What a call cost could not be settled, and what was set aside for it counts as spent.")]
    private partial void LogUnsettled(Exception exception);

    private static long Units(double usd) => (long)Math.Ceiling(Math.Min(usd, 4e6) / Unit);

    /// <summary>What is set aside for one call.</summary>
    /// <param name="IsOwn">As <see cref="Reservation.IsOwn"/>.</param>
    internal readonly record struct Hold(ulong Partition, IReadOnlyList<Account>? Accounts, double Usd, bool IsOwn);

    /// <summary>A budget with too little left for a request.</summary>
    internal readonly record struct Shortage(double LeftUsd, bool IsOfUser);

    internal readonly record struct Spending(double BudgetUsd, double SpentUsd);

    /// <summary>Null: there is no budget, and nothing is counted.</summary>
    internal sealed record Standing(string Period, DateTimeOffset Ends, Spending? Tenant, Spending? User);
}
