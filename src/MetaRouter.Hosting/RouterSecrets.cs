using System.Security.Cryptography;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting;

/// <summary>The secrets receipts are sealed and identities hashed with: made once, kept in the store, so that receipts outlive a restart.</summary>
public sealed record RouterSecrets(ReceiptKey ReceiptKey, byte[] IdentitySecret)
{
    private const string Name = "secrets.v1";

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

        return Read(secret ?? []) ?? throw new StoreException($"The store's secrets have {secret?.Length ?? 0} bytes instead of {Bytes}; receipts and users cannot be recognised. Restore the store from a backup, or start with a new one.");
    }
}
