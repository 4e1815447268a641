using MetaRouter.Core.Routing;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting;

/// <summary>
/// Notices that a store several routers share has lost what it held (FLUSHALL, a new disk, an old dump): the secrets that each of those routers has read are no longer
/// there. What was learned of users is gone with them and cannot be made again; it is reported, and what is still in memory (secrets, catalog, prior, mode) is put back.
/// </summary>
/// <remarks>A router that sees its own secrets gone puts them back. The other routers then find their secrets unchanged, and learn of the loss by <see cref="LossSeen"/>.</remarks>
public sealed partial class StoreGuard(IUserStore store, RouterSecrets secrets, RoutingPolicy policy, TimeProvider time, RouterMetrics metrics, ILogger<StoreGuard> logger)
{
    private const string Name = ValueNames.Lost;

    private byte[]? _seen;
    private bool _isFirst = true;

    /// <summary>When the store was last found emptied, by this router or another of it; null: never since this one started.</summary>
    public DateTimeOffset? LossSeen { get; private set; }

    /// <summary>The store belongs to another router now: receipts and users of this one mean nothing there.</summary>
    public bool IsForeign { get; private set; }

    /// <exception cref="StoreException">The store is away.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var before = secrets.ReceiptKeys[0].Id;
        var secretsAre = await secrets.CheckAsync(store, cancellationToken).ConfigureAwait(false);
        if (secretsAre == StoredSecrets.Rotated)
        {
            policy.Sealer.Replace(secrets.ReceiptKeys);
            if (secrets.ReceiptKeys[0].Id is var now && unchecked((sbyte)(now - before)) < 0)
            {
                LogPutBack(now, before); // key ids count up and wrap after 255
            }
        }

        if (secretsAre == StoredSecrets.PutBack)
        {
            // A note for the others: by the time they look, everything is as it was.
            await store.WriteValueAsync(Name, BitConverter.GetBytes(time.GetUtcNow().ToUnixTimeMilliseconds()), null, CancellationToken.None).ConfigureAwait(false);
        }

        if (secretsAre == StoredSecrets.Others != IsForeign)
        {
            IsForeign = !IsForeign;
            if (IsForeign)
            {
                metrics.StoreLosses.Add(1);
                LogForeign();
            }
        }

        var note = await store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false);
        if (note is { Length: 8 } && !(_seen ?? []).AsSpan().SequenceEqual(note) && (!_isFirst || secretsAre == StoredSecrets.PutBack))
        {
            LossSeen = DateTimeOffset.FromUnixTimeMilliseconds(BitConverter.ToInt64(note));
            metrics.StoreLosses.Add(1);
            LogLost();
        }

        (_seen, _isFirst) = (note, false);
    }

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "The store was emptied: what was learned of every user is gone, and cannot be made again from here; restore a backup if there is one, "
            + "and find out who emptied it. Keys, catalog and prior were put back from memory; routing goes on, each user as a new one.")]
    private partial void LogLost();

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The store has receipt key {Now} again, which had been rotated to {Before}: an older copy of the store was restored. "
            + "Receipts that key {Before} sealed are refused. Rotate again if key {Now} had leaked, and repeat the erasures made since that copy.")]
    private partial void LogPutBack(byte now, byte before);

    [LoggerMessage(
        Level = LogLevel.Critical,
        Message = "The store's keys are another router's: it was emptied or replaced, and a router started over it before this one noticed. "
            + "Users and receipts of this process mean nothing there; restart it.")]
    private partial void LogForeign();
}
