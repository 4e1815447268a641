using System.Security.Cryptography;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting;

/// <summary>The secrets receipts are sealed and identities hashed with: made once, kept in the store, so that receipts outlive a restart.</summary>
public sealed record RouterSecrets(ReceiptKey ReceiptKey, byte[] IdentitySecret)
{
    private const string Name = "secrets.v1";

    /// <summary>As the store had them; empty: they are from elsewhere.</summary>
    private byte[] _stored = [];

    /// <summary>By what name a user of a tenant is hashed; the user id itself unless users go by pseudonyms.</summary>
    public Func<string, string, string> NameOf { get; init; } = static (_, user) => user;

    /// <summary>Stands for a user of a tenant in receipts.</summary>
    public ulong HashOf(string tenant, string user) => IdentityHash.Compute(IdentitySecret, tenant, NameOf(tenant, user));

    /// <summary>The length of the secrets as bytes.</summary>
    public const int Bytes = 64;

    public static byte[] Generate() => RandomNumberGenerator.GetBytes(Bytes);

    /// <summary>Null when there are not <see cref="Bytes"/> bytes.</summary>
    public static RouterSecrets? Read(ReadOnlySpan<byte> secret) => secret.Length == Bytes ? new RouterSecrets(new ReceiptKey(1, secret[..32]), secret[32..].ToArray()) : null;

    public static async Task<RouterSecrets> LoadOrCreateAsync(IUserStore store, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        var secret = await store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false);
        if (secret is null)
        {
            // Whoever writes first wins; everyone then reads the same.
            await store.WriteValueAsync(Name, Generate(), null, cancellationToken).ConfigureAwait(false);
            secret = await store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false);
        }

        return Read(secret ?? []) is { } read ? read with { _stored = secret! } : throw new StoreException($"The store's secrets have {secret?.Length ?? 0} bytes instead of {Bytes}; receipts and users cannot be recognised. Restore the store from a backup, or start with a new one.");
    }

    /// <summary>Looks whether the store still has them, and puts them back where it has none: users stay who they are, and what was decided can still be learned from.</summary>
    public async Task<StoredSecrets> CheckAsync(IUserStore store, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (_stored.Length == 0)
        {
            return StoredSecrets.Intact; // the store never had them
        }

        var isPutBack = false;
        while (true)
        {
            if (await store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false) is { } now)
            {
                return !now.AsSpan().SequenceEqual(_stored) ? StoredSecrets.Others : isPutBack ? StoredSecrets.PutBack : StoredSecrets.Intact;
            }

            isPutBack = await store.WriteValueAsync(Name, _stored, null, cancellationToken).ConfigureAwait(false);
        }
    }
}

/// <summary>What became of the secrets in the store.</summary>
public enum StoredSecrets
{
    Intact,

    /// <summary>They were gone, and are back.</summary>
    PutBack,

    /// <summary>Another router has put its own there.</summary>
    Others,
}
