using System.Globalization;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway.Limits;

/// <summary>Limits tenants and their users to so many requests a minute, together on all gateways of the store.</summary>
internal sealed class RateLimits(Tenants tenants, ISharedState shared, RouterSecrets secrets, TimeProvider time)
{
    private static readonly TimeSpan s_kept = TimeSpan.FromMinutes(2);

    /// <summary>Counts a request against the tenant's rate, and says in OpenAI's headers what is left.</summary>
    /// <exception cref="ApiException">429: the requests of this minute are used up.</exception>
    public ValueTask AdmitAsync(HttpContext context, Caller caller)
    {
        var limit = tenants.RulesOf(caller.Tenant)?.Options.RequestsPerMinute;
        return limit is null ? default : CountAsync(context, caller.Tenant, null, limit.Value);
    }

    /// <summary>Counts a request against its user's rate.</summary>
    /// <exception cref="ApiException">429: the requests of this minute are used up.</exception>
    public ValueTask AdmitUserAsync(HttpContext context, string tenant, string? user)
    {
        var limit = user is null ? null : tenants.RulesOf(tenant)?.Options.UserRequestsPerMinute;
        return limit is null ? default : CountAsync(context, tenant, user, limit.Value);
    }

    private async ValueTask CountAsync(HttpContext context, string tenant, string? user, int limit)
    {
        var now = time.GetUtcNow();
        var minute = now.ToUnixTimeSeconds() / 60;
        var name = user is null ? $"n:{minute}" : $"n:{minute}:{IdentityHash.Compute(secrets.IdentitySecret, tenant, user):x16}";
        var (partition, account) = (secrets.HashOf(tenant), new Account(name, 1, limit, s_kept));
        var counted = await shared.ReserveAsync(partition, [account], context.RequestAborted).ConfigureAwait(false);
        var reset = (int)(60 - (now.ToUnixTimeSeconds() % 60));
        var headers = context.Response.Headers;
        headers["x-ratelimit-limit-requests"] = limit.ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-remaining-requests"] = Math.Max(0, limit - counted.Held[0]).ToString(CultureInfo.InvariantCulture);
        headers["x-ratelimit-reset-requests"] = FormattableString.Invariant($"{reset}s");
        if (counted.Refused >= 0)
        {
            if (context.Features.Get<Admitted>() is { } admitted)
            {
                // A user over its own limit must not use up the tenant's rate.
                await shared.SettleAsync(partition, [admitted.Account with { Amount = -1 }], admitted.IsOwn, CancellationToken.None).ConfigureAwait(false);
            }

            throw new ApiException(
                429, "requests", "rate_limit_exceeded",
                $"{(user is null ? "This tenant" : "This user")} may send {limit} requests a minute, and has sent them. Try again in {reset} s.") { RetryAfter = reset };
        }

        if (user is null)
        {
            context.Features.Set(new Admitted(account, counted.IsOwn));
        }
    }

    /// <summary>The account in which a request was counted against its tenant's rate.</summary>
    /// <param name="IsOwn">As <see cref="Reservation.IsOwn"/>.</param>
    private sealed record Admitted(Account Account, bool IsOwn);
}
