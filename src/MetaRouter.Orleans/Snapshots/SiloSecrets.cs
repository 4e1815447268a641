using MetaRouter.Hosting;
using MetaRouter.Orleans.Storage;

namespace MetaRouter.Orleans.Snapshots;

/// <summary>The cluster's secrets, made by whichever silo or edge starts first.</summary>
internal sealed class SiloSecrets(RecordStore store)
{
    private const string Name = "secrets";
    private static readonly GrainId Id = GrainId.Create("metarouter-shared", "0");

    private RouterSecrets? _secrets;
    private byte[] _stored = []; // the same as bytes

    public RouterSecrets Value => _secrets ?? throw new InvalidOperationException("This silo has not read the cluster's secrets yet; it takes requests only when it is active.");

    /// <exception cref="RouterStoreException">The store cannot be reached, or what is there is not secrets.</exception>
    public async Task LoadAsync()
    {
        var (secret, _) = await store.ReadAsync(Name, Id).ConfigureAwait(false);
        if (secret.Length == 0)
        {
            // Whoever writes first wins; everyone then reads the same.
            await store.WriteAsync(Name, Id, RouterSecrets.Generate(), null).ConfigureAwait(false);
            (secret, _) = await store.ReadAsync(Name, Id).ConfigureAwait(false);
        }

        _stored = secret;
        _secrets = RouterSecrets.Read(secret)
            ?? throw new RouterStoreException(
                $"The cluster's secrets have {secret.Length} bytes, and were not written by this program; "
                    + "receipts and users cannot be recognised. Restore Redis from a backup, or start with another ServiceId.");
    }

    /// <summary>Checks that the store still has the secrets that this silo works with, and puts them back if it has none.</summary>
    /// <returns>False: it has others.</returns>
    /// <exception cref="RouterStoreException">It cannot be reached.</exception>
    public async Task<bool> CheckAsync()
    {
        var (secret, _) = await store.ReadAsync(Name, Id).ConfigureAwait(false);
        if (secret.Length == 0)
        {
            await store.WriteAsync(Name, Id, _stored, null).ConfigureAwait(false); // if another silo was faster, the next check shows it
            return true;
        }

        return secret.AsSpan().SequenceEqual(_stored);
    }
}
