using System.Collections.Concurrent;
using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway.Limits;

/// <summary>Holds every tenant to what it may do: how often, at what cost, with which models.</summary>
/// <remarks>
/// A cost is reserved as predicted before the call and settled as counted after it, so requests at once cannot spend the same dollar twice. What the prediction
/// fell short of is overspent at most, and counted.
/// </remarks>
internal sealed partial class Governor(ISharedState shared, GatewaySettings settings, RouterSecrets secrets, TimeProvider time, GatewayMetrics metrics, ILogger<Governor> logger)
{
    /// <summary>Accounts hold whole billionths of a dollar: a cheap model's token costs some tens of them.</summary>
    private const double Unit = 1e-9;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>The longest that an answer is held back for its cost to be settled.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(500);

    private readonly Dictionary<string, TenantOptions> _options = settings.Tenants.ToDictionary(t => t.Name);

    /// <summary>Tenants that share the options of <c>*</c> share nothing else. They come from the configured keys, so there are as many as of those.</summary>
    private readonly ConcurrentDictionary<string, TenantRules?> _tenants = new();

    /// <summary>Counts a request against the tenant's rate, and says in OpenAI's headers what is left.</summary>
    /// <exception cref="ApiException">429: there were as many as may be in this minute.</exception>
    public ValueTask AdmitAsync(HttpContext context, Caller caller)
    {
        var limit = Of(caller.Tenant)?.Options.RequestsPerMinute;
        return limit is null ? default : CountAsync(context, caller.Tenant, null, limit.Value);
    }

    /// <summary>Counts a request against its user's rate.</summary>
    /// <exception cref="ApiException">429: there were as many as may be in this minute.</exception>
    public ValueTask AdmitUserAsync(HttpContext context, string tenant, string? user)
    {
        var limit = user is null ? null : Of(tenant)?.Options.UserRequestsPerMinute;
        return limit is null ? default : CountAsync(context, tenant, user, limit.Value);
    }

    /// <summary>The models that the tenant and the category leave; null: all.</summary>
    /// <exception cref="ApiException">400: no such category.</exception>
    public IReadOnlySet<ModelId>? Allowed(ModelCatalog catalog, string tenant, string? category)
    {
        var (rules, pins) = (Of(tenant), PinsOf(category));
        return rules?.Allowed is null && pins is null ? null
            : catalog.Models.Select(m => m.Id).Where(m => rules?.Allowed?.Contains(m) != false && pins?.Contains(m) != false).ToHashSet();
    }

    /// <summary>The dear models, where one more request to them would be more than their share of the tenant's routed ones; null: it would not. Who names a model is not held to it.</summary>
    public IReadOnlySet<ModelId>? UsedUp(string tenant) => Of(tenant) is { } rules && rules.IsDearShareUsedUp() ? rules.Dear : null;

    /// <summary>Whether the tenant and the category leave a model that is named and need not be in the catalog.</summary>
    /// <exception cref="ApiException">400: no such category.</exception>
    public bool Allows(string tenant, string? category, ModelId model) => PinsOf(category)?.Contains(model) != false && Of(tenant)?.Allowed?.Contains(model) != false;

    /// <summary>Notes which model a routed request went to.</summary>
    public void Count(string tenant, ModelId model) => Of(tenant)?.Count(model);

    /// <summary>Whether a budget is set that such a call is paid from; without one nothing is set aside, and nobody counts.</summary>
    public bool HasBudget(string tenant, string? user) => Of(tenant)?.Options is { } rules && (rules.BudgetUsd is not null || (user is not null && rules.UserBudgetUsd is not null));

    /// <summary>Sets so much aside for a call.</summary>
    /// <returns>What to settle afterwards, and null; or default, and the budget it does not fit.</returns>
    public async ValueTask<(Hold Hold, Shortage? Short)> ReserveAsync(string tenant, string? user, double usd, CancellationToken cancellationToken)
    {
        if (!HasBudget(tenant, user))
        {
            return (default, null);
        }

        var rules = Of(tenant)!.Options;
        var (period, ends) = Period(rules);
        var lifetime = ends - time.GetUtcNow() + TimeSpan.FromHours(1); // what is still running when the period ends settles into it
        var accounts = Budgeted(rules, period, tenant, user, Units(usd), lifetime);
        var partition = Partition(tenant);
        var asked = Units(usd) == 0 ? accounts.ConvertAll(a => a with { Limit = Account.NoLimit }) : accounts; // what is free fits a budget that was overspent, too
        var reserved = await shared.ReserveAsync(partition, asked, cancellationToken).ConfigureAwait(false);
        if (reserved.Refused < 0)
        {
            return (new Hold(partition, accounts, usd, reserved.IsOwn), null);
        }

        var (left, least) = Enumerable.Range(0, accounts.Count).Select(i => (Left: accounts[i].Limit - reserved.Held[i], i)).Min();
        return (default, new Shortage(Math.Max(0, left * Unit), IsOfUser: least > 0 || rules.BudgetUsd is null));
    }

    /// <summary>What a tenant, and one of its users, may spend in this period and has, with what is set aside for calls in hand.</summary>
    /// <exception cref="StoreException">What all gateways of the store have spent cannot be read.</exception>
    public async ValueTask<Standing> StandingAsync(string tenant, string? user, CancellationToken cancellationToken)
    {
        var rules = Of(tenant)?.Options ?? new TenantOptions();
        var (period, ends) = Period(rules);

        // Told only, so that whoever asks for invented users fills no memory.
        var accounts = Budgeted(rules, period, tenant, user, 0, Minute).ConvertAll(a => a with { Limit = Account.Told });
        var told = accounts.Count == 0 ? default : await shared.ReserveAsync(Partition(tenant), accounts, cancellationToken).ConfigureAwait(false);
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
    /// <param name="usd">All that is to be set aside.</param>
    /// <returns>Null: so much is not left, and what was set aside stays.</returns>
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
            // The store went or came back in between, and what is set aside in two places cannot be settled as one.
            await shared.SettleAsync(hold.Partition, [.. hold.Accounts.Select(a => a with { Amount = -more })], reserved.IsOwn, CancellationToken.None).ConfigureAwait(false);
            return hold;
        }

        return hold with { Usd = usd };
    }

    /// <summary>Puts what a call really cost in the place of what was set aside for it. Where that fails it stays as it was set aside, and nobody loses an answer for it.</summary>
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
#pragma warning disable CA1031 // Whatever is wrong with the store: the answer was paid for.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogUnsettled(e);
        }
    }

    /// <summary>
    /// What comes before an answer leaves: who then asks on, at the edge of a budget, finds what the answer left of it. A store that is slow holds no answer back for
    /// longer than a moment, and none is lost for it: whatever goes wrong is for whoever waits to the end.
    /// </summary>
    /// <param name="settling">Such as <see cref="SettleAsync"/>; to be waited for once the answer is out.</param>
    public static async Task BrieflyAsync(Task settling) => await settling.WaitAsync(Moment).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Why a request is refused whose cost does not fit what is left.</summary>
    public ApiException OverBudget(string tenant, double needed, Shortage shortage)
    {
        var rules = Of(tenant)!.Options;
        var ends = Period(rules).Ends;
        return new(429, "insufficient_quota", "budget_exceeded", FormattableString.Invariant($"{(shortage.IsOfUser ? "This user's" : "The tenant's")} budget of this {rules.BudgetPeriod} has ${shortage.LeftUsd:0.########} left, and the request is expected to cost ${needed:0.########} even of the cheapest model that may answer it. Wait until {ends.UtcDateTime:yyyy-MM-dd} UTC, or have the budget raised."))
        {
            RetryAfter = Math.Max(1, (int)Math.Ceiling((ends - time.GetUtcNow()).TotalSeconds)),
        };
    }

    public const string CategoryHeader = "x-router-category";

    private TenantRules? Of(string tenant) => _tenants.GetOrAdd(tenant, static (name, all) => (all.GetValueOrDefault(name) ?? all.GetValueOrDefault(TenantOptions.AnyTenant)) is { } options ? new TenantRules(options) : null, _options);

    private IReadOnlySet<ModelId>? PinsOf(string? category) => category is null ? null
        : settings.Gateway.Pins.TryGetValue(category, out var pins) ? pins
        : throw ApiException.BadValue(CategoryHeader, $"The header {CategoryHeader} is '{category}', and no models are pinned to that category; {(settings.Gateway.Pins.Count == 0 ? "Gateway:CategoryPins has none, so leave it out" : $"it must be one of {Listed(settings.Gateway.Pins.Keys)}, or be left out")}.");

    private ulong Partition(string tenant) => secrets.HashOf(tenant);

    private async ValueTask CountAsync(HttpContext context, string tenant, string? user, int limit)
    {
        var now = time.GetUtcNow();
        var minute = now.ToUnixTimeSeconds() / 60;
        var name = user is null ? $"n:{minute}" : $"n:{minute}:{IdentityHash.Compute(secrets.IdentitySecret, tenant, user):x16}";
        var account = new Account(name, 1, limit, Minute * 2);
        var counted = await shared.ReserveAsync(Partition(tenant), [account], context.RequestAborted).ConfigureAwait(false);
        var reset = (int)(60 - (now.ToUnixTimeSeconds() % 60));
        var headers = context.Response.Headers;
        headers["x-ratelimit-limit-requests"] = limit.ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-remaining-requests"] = Math.Max(0, limit - counted.Held[0]).ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-reset-requests"] = FormattableString.Invariant($"{reset}s");
        if (counted.Refused >= 0)
        {
            if (context.Features.Get<Admitted>() is { } admitted)
            {
                // One user who goes on asking takes nothing of the tenant's rate from the others.
                await shared.SettleAsync(Partition(tenant), [admitted.Account with { Amount = -1 }], admitted.IsOwn, CancellationToken.None).ConfigureAwait(false);
            }

            throw new ApiException(429, "requests", "rate_limit_exceeded", $"{(user is null ? "This tenant" : "This user")} may send {limit} requests a minute, and has. Try again in {reset} s.") { RetryAfter = reset };
        }

        if (user is null)
        {
            context.Features.Set(new Admitted(account, counted.IsOwn));
        }
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

    private static string Listed(IEnumerable<string> names) => string.Join(", ", names.DefaultIfEmpty("none"));

    /// <summary>Where a request was counted against its tenant's rate.</summary>
    /// <param name="IsOwn">As <see cref="Reservation.IsOwn"/>.</param>
    private sealed record Admitted(Account Account, bool IsOwn);

    /// <summary>What is set aside for one call.</summary>
    /// <param name="IsOwn">As <see cref="Reservation.IsOwn"/>.</param>
    internal readonly record struct Hold(ulong Partition, IReadOnlyList<Account>? Accounts, double Usd, bool IsOwn);

    /// <summary>A budget that a request does not fit.</summary>
    internal readonly record struct Shortage(double LeftUsd, bool IsOfUser);

    internal readonly record struct Spending(double BudgetUsd, double SpentUsd);

    /// <summary>Null: there is no budget, and nobody counts.</summary>
    internal sealed record Standing(string Period, DateTimeOffset Ends, Spending? Tenant, Spending? User);

    private sealed class TenantRules(TenantOptions options)
    {
        /// <summary>The share is that of the last so many requests or more: older ones fade.</summary>
        private const int Window = 1000;

        private readonly Lock _gate = new();
        private double _all, _dear;

        public TenantOptions Options => options;

        public HashSet<ModelId>? Allowed { get; } = options.AllowedModels.Count == 0 ? null : options.AllowedModels.Select(m => new ModelId(m)).ToHashSet();

        public HashSet<ModelId> Dear { get; } = options.DearModels.Select(m => new ModelId(m)).ToHashSet();

        /// <summary>One more dear request would be more than the share.</summary>
        public bool IsDearShareUsedUp()
        {
            lock (_gate)
            {
                return options.DearShare is { } share && _dear + 1 > share * (_all + 1);
            }
        }

        public void Count(ModelId model)
        {
            if (options.DearShare is null)
            {
                return;
            }

            lock (_gate)
            {
                (_all, _dear) = (_all + 1, _dear + (Dear.Contains(model) ? 1 : 0));
                if (_all > 2 * Window)
                {
                    (_all, _dear) = (_all / 2, _dear / 2);
                }
            }
        }
    }
}
