using System.Text.Json;

namespace MetaRouter.Hosting.Stores;

/// <summary>Brings all that a router keeps from one store into another: users and erasures, the secrets they are known by, catalog, mode, priors, and what was spent.</summary>
/// <remarks>
/// The secrets come last: a copy that was cut short has none, and is done again from its beginning. A router writes its secrets first, so users without secrets are from a copy that was cut short,
/// and those of its users and named values that are no longer in the source are removed.
/// </remarks>
internal sealed class StoreCopy(IUserStore from, IUserStore to, TimeProvider time)
{
    private const int Page = 1000;
    private const string InUse = "Something else writes to the store that is copied to; stop what uses it, and copy again to an empty one.";

    private static readonly string[] s_values = [ValueNames.Catalog, ValueNames.Mode, ValueNames.PriorHistory, ValueNames.Prior], s_accounts = [ValueNames.Accounts, ValueNames.AccountChanges];

    /// <summary>The target's accounts, where it counts each by itself, on Redis; null: it takes the sums as they were written.</summary>
    public ISharedState? Shared { get; init; }

    /// <summary>No router may use either of the two meanwhile.</summary>
    /// <exception cref="StoreException">There is nothing to copy, the other store is in use already, or one of them failed.</exception>
    public async Task<StoreCopyReport> RunAsync(CancellationToken cancellationToken)
    {
        var secrets = await from.ReadValueAsync(ValueNames.Secrets, cancellationToken).ConfigureAwait(false)
            ?? throw new StoreException("The store to copy from has no secrets, so no router has used it; name another.");
        var others = await to.ReadValueAsync(ValueNames.Secrets, cancellationToken).ConfigureAwait(false);
        if (others is not null)
        {
            throw new StoreException(others.AsSpan().SequenceEqual(secrets)
                ? "The store to copy to has this one's secrets already: it was copied before, and a router may have gone on from there. Nothing was written. To copy again, name an empty one."
                : "The store to copy to belongs to another router: users of the two would be mixed up. Nothing was written. Name an empty one, or on Redis another MetaRouter:RedisPrefix.");
        }

        await ClearLeftoversAsync(cancellationToken).ConfigureAwait(false);
        var (users, erasures) = (0, 0);
        for (var sequence = 0L; await from.ChangedAsync(sequence, Page, cancellationToken).ConfigureAwait(false) is { Count: > 0 } changed; sequence = changed[^1].Sequence)
        {
            await Task.WhenAll(changed.Select(c => PutAsync(c.Key, c.Record, cancellationToken))).ConfigureAwait(false); // writes that come together share a flush
            users += changed.Count(c => c.Record.State.Length > 0);
            erasures += changed.Count(c => c.Record.ErasedAtMs > 0);
        }

        foreach (var name in s_values)
        {
            if (await from.ReadValueAsync(name, cancellationToken).ConfigureAwait(false) is { } value)
            {
                await PutAsync(name, value, cancellationToken).ConfigureAwait(false);
            }
        }

        var accounts = await CopyAccountsAsync(cancellationToken).ConfigureAwait(false);
        if (!await to.WriteValueAsync(ValueNames.Secrets, secrets, null, cancellationToken).ConfigureAwait(false))
        {
            throw new StoreException(InUse); // another router wrote its own secrets by now, and its users are kept under them
        }

        return new StoreCopyReport(users, erasures, accounts);
    }

    /// <summary>
    /// Removes every user whom an earlier copy brought and the source no longer has: set aside there, or erased so long ago that not even
    /// the tombstone is kept. Likewise every named value.
    /// </summary>
    private async Task ClearLeftoversAsync(CancellationToken cancellationToken)
    {
        for (var sequence = 0L; await to.ChangedAsync(sequence, Page, cancellationToken).ConfigureAwait(false) is { Count: > 0 } changed; sequence = changed[^1].Sequence)
        {
            await ShouldBeUnusedAsync(cancellationToken).ConfigureAwait(false); // a router that has begun since: these may be its users
            await Task.WhenAll(changed.Where(c => c.Record.State.Length > 0).Select(c => ClearAsync(c.Key, c.Record.Etag, cancellationToken))).ConfigureAwait(false);
        }

        foreach (var name in s_values.Concat(s_accounts))
        {
            await ClearValueAsync(name, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ClearValueAsync(string name, CancellationToken cancellationToken)
    {
        if (await from.ReadValueAsync(name, cancellationToken).ConfigureAwait(false) is null && await to.ReadValueAsync(name, cancellationToken).ConfigureAwait(false) is { } left)
        {
            await ShouldBeUnusedAsync(cancellationToken).ConfigureAwait(false);
            if (!await to.RemoveValueAsync(name, left, cancellationToken).ConfigureAwait(false))
            {
                throw new StoreException(InUse);
            }
        }
    }

    private async Task ShouldBeUnusedAsync(CancellationToken cancellationToken)
    {
        if (await to.ReadValueAsync(ValueNames.Secrets, cancellationToken).ConfigureAwait(false) is not null)
        {
            throw new StoreException(InUse);
        }
    }

    private async Task ClearAsync(UserKey key, long etag, CancellationToken cancellationToken)
    {
        if ((await from.LoadAsync(key, cancellationToken).ConfigureAwait(false)).State.Length == 0
            && await to.SaveAsync(key, ReadOnlyMemory<byte>.Empty, etag, cancellationToken).ConfigureAwait(false) == 0)
        {
            throw new StoreException(InUse);
        }
    }

    private async Task PutAsync(UserKey key, StoredUser record, CancellationToken cancellationToken)
    {
        var there = await to.LoadAsync(key, cancellationToken).ConfigureAwait(false);
        if (record.ErasedAtMs > there.ErasedAtMs)
        {
            await to.EraseAsync(key, record.ErasedAtMs, cancellationToken).ConfigureAwait(false);
            there = await to.LoadAsync(key, cancellationToken).ConfigureAwait(false);
        }

        if (record.State.Length > 0 && await to.SaveAsync(key, record.State, there.Etag, cancellationToken).ConfigureAwait(false) == 0)
        {
            throw new StoreException(InUse);
        }
    }

    private async Task PutAsync(string name, byte[] value, CancellationToken cancellationToken)
    {
        if (!await to.WriteValueAsync(name, value, await to.ReadValueAsync(name, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false))
        {
            throw new StoreException(InUse);
        }
    }

    private async Task<int> CopyAccountsAsync(CancellationToken cancellationToken)
    {
        var own = new MemorySharedState(time);
        foreach (var name in s_accounts)
        {
            if (await from.ReadValueAsync(name, cancellationToken).ConfigureAwait(false) is not { } bytes)
            {
                continue;
            }

            try
            {
                own.Read(bytes);
            }
            catch (Exception e) when (e is JsonException or FormatException)
            {
                throw new StoreException($"What was spent cannot be read from the store to copy from: {e.Message}", e);
            }

            if (Shared is null)
            {
                await PutAsync(name, bytes, cancellationToken).ConfigureAwait(false);
            }
        }

        var open = own.Open();
        if (Shared is not { } shared)
        {
            return open.Count;
        }

        foreach (var (partition, name, held, left) in open)
        {
            var there = await shared.ReserveAsync(partition, [new Account(name, 0, Account.QueryOnly, left)], cancellationToken).ConfigureAwait(false);
            var put = await shared.ReserveAsync(partition, [new Account(name, held - there.Held[0], Account.NoLimit, left)], cancellationToken).ConfigureAwait(false);
            if (there.IsOwn || put.IsOwn)
            {
                throw new StoreException("What was spent could not be written to the store that is copied to; copy again when it is back.");
            }
        }

        return open.Count;
    }
}

/// <param name="Users">Records with something in them.</param>
/// <param name="Erasures">Users who were erased once, whether they came back or not.</param>
/// <param name="Accounts">Sums of budgets and rates that are still open.</param>
internal sealed record StoreCopyReport(int Users, int Erasures, int Accounts);
