namespace MetaRouter.Hosting.Stores;

/// <summary>
/// A named value that all routers of a store share, and the version that this router applied last. Nobody removes it: if it is gone, the store was emptied, and
/// it is put back. Not thread-safe.
/// </summary>
internal sealed class SharedValue(IUserStore store, string name)
{
    /// <summary>As it was last applied or written here; null: it was not there.</summary>
    public byte[]? Applied { get; private set; }

    /// <returns>The value, if it differs from the one applied; else null. A caller that has used it says so by <see cref="MarkApplied"/>, and is not given it again.</returns>
    /// <exception cref="StoreException">The store is away.</exception>
    public async Task<byte[]?> FindNewAsync(CancellationToken cancellationToken)
    {
        var bytes = await store.ReadValueAsync(name, cancellationToken).ConfigureAwait(false);
        if (bytes is null && Applied is not null)
        {
            // The next look sees this one, or another router's.
            await store.WriteValueAsync(name, Applied, null, cancellationToken).ConfigureAwait(false);
        }

        return bytes is null || (Applied is not null && bytes.AsSpan().SequenceEqual(Applied)) ? null : bytes;
    }

    public void MarkApplied(byte[] bytes) => Applied = bytes;

    /// <summary>Replaces the value if it still is the one that was applied.</summary>
    /// <returns>False: another router of the store was faster.</returns>
    /// <exception cref="StoreException">It may or may not have been written.</exception>
    public async Task<bool> TryWriteAsync(byte[] bytes, CancellationToken cancellationToken)
    {
        if (!await store.WriteValueAsync(name, bytes, Applied, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        Applied = bytes;
        return true;
    }

    /// <summary>Replaces whatever is there.</summary>
    /// <exception cref="StoreException">It may or may not have been written.</exception>
    public async Task WriteAsync(byte[] bytes, CancellationToken cancellationToken) =>
        Applied = await store.ChangeValueAsync(name, _ => bytes, cancellationToken).ConfigureAwait(false);
}
