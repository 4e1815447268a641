using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway.Router;

/// <summary>What is still known of a decision whose receipt somebody has.</summary>
internal sealed class ReceiptLookup(
    RoutingPolicy policy,
    RouterSecrets secrets,
    IUserStore store,
    ConsoleRecorder recorder,
    ConsoleRows rows,
    TimeProvider time)
{
    /// <param name="user">Whose it must be; null: nobody's, or, for a key that may read everything of its tenant, anybody's.</param>
    /// <exception cref="ApiException">The receipt is refused, as by feedback.</exception>
    public async ValueTask<Receipt> OpenAsync(Caller caller, string token, string? user, CancellationToken cancellationToken)
    {
        var (tenant, now) = (secrets.HashOf(caller.Tenant), time.GetUtcNow().ToUnixTimeMilliseconds());
        var verdict = user is null && caller.Scopes.HasFlag(Scope.Read)
            ? policy.Sealer.OpenOfAnyUser(token, tenant, now, out var receipt)
            : policy.Sealer.Open(token, tenant, user is null ? 0 : secrets.HashOf(caller.Tenant, user), now, out receipt);
        if (verdict.Status == ReceiptStatus.Foreign)
        {
            throw FeedbackEndpoint.Refused(verdict with
            {
                Message = "The receipt belongs to another tenant or user. Name the user it was made for, as ?user= or in x-router-user; a key with the scope read need not name any.",
            });
        }

        if (!verdict.IsValid)
        {
            throw FeedbackEndpoint.Refused(verdict);
        }

        // A receipt would tell which of the rows and lines that name nobody were an erased user's.
        if (receipt.UserHash != 0)
        {
            var known = await store.LoadAsync(new UserKey(receipt.TenantHash, receipt.UserHash), cancellationToken).ConfigureAwait(false);
            if (Erasure.Covers(receipt, known.ErasedAtMs, policy.Sealer.ClockSkew) || Find(caller.Tenant, receipt.DecisionTimeMs, receipt.Nonce, e => e.Record.User == 0))
            {
                throw new ApiException(410, ErrorCodes.InvalidRequest, "user_erased", "The user was erased after this decision, so nothing is told of it any more.", "receipt");
            }
        }

        return receipt;
    }

    /// <summary>What the console knows of the decision.</summary>
    /// <returns>Null: this process does not remember it.</returns>
    public DecisionView? Remembered(string tenant, long timeMs, uint nonce) => Find(tenant, timeMs, nonce, e => rows.Decision(e));

    private T? Find<T>(string tenant, long timeMs, uint nonce, Func<JournalEntry, T> read)
    {
        if (recorder.IsOn)
        {
            foreach (var entry in recorder.Journal.NewestFirst(recorder.Of(tenant).Number))
            {
                if ((entry.Record.TimeMs, entry.Record.Nonce) == (timeMs, nonce))
                {
                    return read(entry); // here, since an entry lives as long as the enumeration
                }
            }
        }

        return default;
    }
}
