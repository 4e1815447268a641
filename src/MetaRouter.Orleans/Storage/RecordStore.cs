using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.DependencyInjection;
using global::Orleans.Storage;

namespace MetaRouter.Orleans.Storage;

/// <summary>Records of bytes under Orleans' own grain storage, etag-checked.</summary>
/// <remarks>It touches nothing of the calling grain, so it does not resume on the grain's turn; its caller does, once.</remarks>
internal sealed class RecordStore([FromKeyedServices(RecordStore.Provider)] IGrainStorage storage)
{
    /// <summary>The storage provider's name.</summary>
    public const string Provider = "metarouter";

    /// <summary>How often a change is made again because somebody else wrote first.</summary>
    public const int MostRetries = 20;

    /// <returns>An empty value and no etag when there is none.</returns>
    /// <exception cref="RouterStoreException">It cannot be read.</exception>
    public async Task<(byte[] Value, string? Etag)> ReadAsync(string name, GrainId grain)
    {
        var state = new GrainState<StoredBytes>(new StoredBytes());
        try
        {
            await storage.ReadStateAsync(name, grain, state).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            throw Failed("loaded", e);
        }

        return (state.RecordExists ? state.State!.Value : [], state.ETag);
    }

    /// <summary>Writes if the record still has this etag.</summary>
    /// <returns>The new etag; null when somebody else wrote first.</returns>
    /// <exception cref="RouterStoreException">It may or may not have been written.</exception>
    public async Task<string?> WriteAsync(string name, GrainId grain, byte[] value, string? etag)
    {
        var state = new GrainState<StoredBytes>(new StoredBytes { Value = value }, etag) { RecordExists = etag is not null };
        try
        {
            await storage.WriteStateAsync(name, grain, state).ConfigureAwait(false);
            return state.ETag;
        }
        catch (InconsistentStateException)
        {
            return null;
        }
        catch (Exception e)
        {
            throw Failed("saved", e);
        }
    }

    /// <summary>Removes the record, whatever it is.</summary>
    /// <exception cref="RouterStoreException">It may or may not have been removed.</exception>
    public async Task ClearAsync(string name, GrainId grain)
    {
        var state = new GrainState<StoredBytes>(new StoredBytes());
        try
        {
            await storage.ReadStateAsync(name, grain, state).ConfigureAwait(false);
            if (state.RecordExists)
            {
                await storage.ClearStateAsync(name, grain, state).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            throw Failed("removed", e);
        }
    }

    /// <summary>A change was made as often as <see cref="MostRetries"/> says.</summary>
    /// <param name="what">What was to be changed, as a sentence begins.</param>
    public static RouterStoreException Contended(string what) =>
        new($"{what} changed {MostRetries} times while one change was being saved; something else writes to this store without pause. Try again later.");

    /// <summary>A message that may reach a client: the provider's own names the record, and with it the user.</summary>
    private static RouterStoreException Failed(string what, Exception e) =>
        new($"What the cluster keeps could not be {what}: {RedisFailure.Remedy(e.GetBaseException().Message)}. What was not acknowledged may be sent again.", e);
}
