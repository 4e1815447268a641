namespace MetaRouter.Orleans.Storage;

/// <summary>A record that a grain keeps in memory and writes now and then: whether the store has what the grain has, and over what it may write. To be used on the grain's turn.</summary>
/// <param name="aside">The name under which a record that cannot be read is kept.</param>
internal sealed class StoredRecord(RecordStore store, string name, string aside, GrainId grain)
{
    private string? _etag;

    /// <summary>Nothing changed since it was last written or read.</summary>
    public bool IsSaved { get; private set; } = true;

    /// <summary>The grain has something that the store has not.</summary>
    public void Change() => IsSaved = false;

    /// <summary>Reads it; a later write replaces what was read. As with users' records, one that cannot be read is not overwritten silently: it is kept aside first, and the first one kept stays.</summary>
    /// <param name="problemOf">Why a record cannot be read; null: it can.</param>
    /// <returns>The record, empty where there is none, and why it cannot be read.</returns>
    /// <exception cref="RouterStoreException">It cannot be read, or not be kept aside.</exception>
    public async Task<(byte[] Value, string? Problem)> ReadAsync(Func<byte[], string?> problemOf)
    {
        var (value, etag) = await store.ReadAsync(name, grain).ConfigureAwait(true);
        var problem = problemOf(value);
        if (problem is not null && await store.ReadAsync(aside, grain).ConfigureAwait(true) is ([], var none))
        {
            await store.WriteAsync(aside, grain, value, none).ConfigureAwait(true);
        }

        _etag = etag;
        return (value, problem);
    }

    /// <summary>Writes it if it changed.</summary>
    /// <returns>False: the store has something else than was read.</returns>
    /// <exception cref="RouterStoreException">It may or may not have been written.</exception>
    public async Task<bool> TryWriteAsync(Func<byte[]> value)
    {
        if (!IsSaved)
        {
            if (await store.WriteAsync(name, grain, value(), _etag).ConfigureAwait(true) is not { } etag)
            {
                return false;
            }

            (_etag, IsSaved) = (etag, true);
        }

        return true;
    }

    /// <summary>Removes what was kept aside.</summary>
    /// <exception cref="RouterStoreException">It may or may not have been removed.</exception>
    public Task ClearAsideAsync() => store.ClearAsync(aside, grain);
}
