namespace MetaRouter.Hosting.Stores;

/// <summary>
/// Where users' states live. A write is durable when its task ends, as far as the store promises (each says what it survives). Every call throws <see cref="StoreException"/>
/// while the store is away; a write may then have been done.
/// </summary>
public interface IUserStore : IAsyncDisposable
{
    /// <summary>How long what was read may be trusted, where others write to the same store; null: nobody else does.</summary>
    TimeSpan? Freshness => null;

    /// <summary>The record, or <see cref="StoredUser.None"/>.</summary>
    ValueTask<StoredUser> LoadAsync(UserKey key, CancellationToken cancellationToken = default);

    /// <summary>Writes the state if the record still has this etag (0: there must be none).</summary>
    /// <returns>The new etag; 0 when somebody else wrote first.</returns>
    ValueTask<long> SaveAsync(UserKey key, ReadOnlyMemory<byte> state, long etag, CancellationToken cancellationToken = default);

    /// <summary>
    /// Replaces the record by a tombstone with its time, whatever the etag, and removes what was set aside of the user. If an earlier erasure has a later time, because a clock was ahead, the time is
    /// a millisecond after it: else the second would be taken for the first, and what was decided between the two would come back.
    /// </summary>
    /// <param name="nowMs">Unix milliseconds.</param>
    ValueTask EraseAsync(UserKey key, long nowMs, CancellationToken cancellationToken = default);

    /// <summary>Keeps a record that cannot be read aside, for people, and clears its place.</summary>
    /// <param name="reason">Why it cannot be read.</param>
    /// <param name="nowMs">Unix milliseconds.</param>
    ValueTask QuarantineAsync(UserKey key, StoredUser record, string reason, long nowMs, CancellationToken cancellationToken = default);

    /// <summary>Up to <paramref name="limit"/> users written after <paramref name="sequence"/>, oldest first, erased ones too; after 0: from the first.</summary>
    ValueTask<IReadOnlyList<ChangedUser>> ChangedAsync(long sequence, int limit, CancellationToken cancellationToken = default);

    /// <summary>Removes tombstones older than this: their decisions' receipts have expired.</summary>
    /// <param name="beforeMs">Unix milliseconds.</param>
    /// <returns>How many went.</returns>
    ValueTask<int> PurgeTombstonesAsync(long beforeMs, CancellationToken cancellationToken = default);

    /// <summary>A named value that all who share the store see (keys, the serving prior), or null.</summary>
    ValueTask<byte[]?> ReadValueAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Writes a named value if it still is <paramref name="expected"/> (null: absent).</summary>
    /// <returns>False when somebody else wrote first.</returns>
    ValueTask<bool> WriteValueAsync(string name, ReadOnlyMemory<byte> value, byte[]? expected, CancellationToken cancellationToken = default);

    /// <summary>Removes a named value if it still is <paramref name="expected"/>. Not for a store that routers use: whoever has taken a value there puts it back.</summary>
    /// <returns>False when somebody else wrote first.</returns>
    ValueTask<bool> RemoveValueAsync(string name, byte[] expected, CancellationToken cancellationToken = default);
}

/// <param name="Sequence">Its place in the order of writes.</param>
public readonly record struct ChangedUser(UserKey Key, StoredUser Record, long Sequence);
