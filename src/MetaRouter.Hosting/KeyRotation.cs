using MetaRouter.Core.Routing;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting;

/// <summary>
/// Gives receipts a new key while the router runs, on every router of the store. A key is announced before it is used: for <see cref="Notice"/> every router opens with it and
/// none seals with it yet, so no router is sent a receipt sealed with a key it has not heard of.
/// </summary>
public sealed class KeyRotation(IUserStore store, RouterSecrets secrets, RoutingPolicy policy, TimeProvider time)
{
    /// <summary>Other routers look for new keys every second.</summary>
    public static readonly TimeSpan Notice = TimeSpan.FromSeconds(10);

    /// <param name="atOnce">Because the key in use leaked: it is thrown away, and feedback on everything decided so far is refused. Otherwise old receipts stay valid for their lifetime.</param>
    /// <returns>The new key.</returns>
    /// <exception cref="StoreException">The store is away, or has another router's secrets.</exception>
    public async Task<ReceiptKey> RotateAsync(bool atOnce, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var from = store.Freshness is null ? now : now + Notice;
        var needed = now - policy.Sealer.Lifetime - policy.Sealer.ClockSkew;
        await secrets.RotateAsync(store, atOnce ? 0 : from.ToUnixTimeMilliseconds(), needed.ToUnixTimeMilliseconds(), cancellationToken).ConfigureAwait(false);
        policy.Sealer.Replace(secrets.ReceiptKeys);
        return secrets.ReceiptKeys[0];
    }
}
