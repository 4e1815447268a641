using System.Buffers.Binary;
using System.Security.Cryptography;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting;

/// <summary>
/// The secrets receipts are sealed and identities hashed with: made once, kept in the store, so that receipts outlive a restart. Receipt keys can be rotated; the
/// identity secret cannot, since users are kept under hashes made with it.
/// </summary>
/// <remarks>
/// As bytes: the newest receipt key's secret and the identity secret, 32 bytes each, and nothing else until the first rotation. After it the newest key's id and the time
/// from which it seals (Unix milliseconds, little-endian), then id, time and secret of each earlier key, the newest first.
/// </remarks>
public sealed class RouterSecrets
{
    private const string Name = ValueNames.Secrets;
    private const int SecretBytes = ReceiptKey.SecretBytes, HeadBytes = 1 + sizeof(long), KeyBytes = HeadBytes + SecretBytes;
    private const byte FirstKey = 1;

    /// <summary>The length of secrets that were never rotated, as bytes.</summary>
    public const int Bytes = 2 * SecretBytes;

    private readonly Func<string, string, string>? _nameOf;

    /// <summary>The bytes as the store had them; empty: they are from elsewhere.</summary>
    private byte[] _stored = [];

    private RouterSecrets(IReadOnlyList<ReceiptKey> keys, byte[] identitySecret, Func<string, string, string>? nameOf) => (ReceiptKeys, IdentitySecret, _nameOf) = (keys, identitySecret, nameOf);

    /// <summary>The newest first; until the first rotation only the original one.</summary>
    public IReadOnlyList<ReceiptKey> ReceiptKeys { get; private set; }

    public byte[] IdentitySecret { get; }

    /// <summary>Stands for a user of a tenant in receipts.</summary>
    public ulong HashOf(string tenant, string user) => IdentityHash.Compute(IdentitySecret, tenant, _nameOf?.Invoke(tenant, user) ?? user);

    /// <summary>Stands for a tenant in receipts.</summary>
    internal ulong HashOf(string tenant) => IdentityHash.Compute(IdentitySecret, tenant);

    public static byte[] Generate() => RandomNumberGenerator.GetBytes(Bytes);

    /// <param name="nameOf">The name under which a user of a tenant is hashed, where users go by pseudonyms; null: the user id itself.</param>
    /// <returns>Null: these bytes are not secrets.</returns>
    public static RouterSecrets? Read(ReadOnlySpan<byte> secret, Func<string, string, string>? nameOf = null)
    {
        if (secret.Length < Bytes || (secret.Length != Bytes && (secret.Length < Bytes + HeadBytes || (secret.Length - Bytes - HeadBytes) % KeyBytes != 0)))
        {
            return null;
        }

        var keys = new List<ReceiptKey> { Key(secret.Length == Bytes ? [FirstKey, 0, 0, 0, 0, 0, 0, 0, 0] : secret[Bytes..], secret[..SecretBytes]) };
        for (var at = Bytes + HeadBytes; at < secret.Length; at += KeyBytes)
        {
            keys.Add(Key(secret[at..], secret.Slice(at + HeadBytes, SecretBytes)));
        }

        return keys.DistinctBy(k => k.Id).Count() == keys.Count ? new RouterSecrets(keys, secret[SecretBytes..Bytes].ToArray(), nameOf) : null;

        static ReceiptKey Key(ReadOnlySpan<byte> head, ReadOnlySpan<byte> secret) => new(head[0], secret) { SealsFromMs = BinaryPrimitives.ReadInt64LittleEndian(head[1..]) };
    }

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

        var read = Read(secret ?? []) ?? throw Unreadable(secret);
        read._stored = secret!;
        return read;
    }

    /// <summary>
    /// Looks whether the store still has them, and puts them back where it has none: users stay who they are, and what was decided can still be learned from. Receipt keys that
    /// another router put there are taken over.
    /// </summary>
    internal async Task<StoredSecrets> CheckAsync(IUserStore store, CancellationToken cancellationToken)
    {
        if (_stored.Length == 0)
        {
            return StoredSecrets.Intact; // the store never had them
        }

        var isPutBack = false;
        while (true)
        {
            if (await store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false) is { } now)
            {
                return !now.AsSpan().SequenceEqual(_stored) ? Take(now) ? StoredSecrets.Rotated : StoredSecrets.Others
                    : isPutBack ? StoredSecrets.PutBack
                    : StoredSecrets.Intact;
            }

            // Whether this router's or another's: the next look finds some, unless the store is emptied once more.
            isPutBack = await store.WriteValueAsync(Name, _stored, null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Puts a new receipt key into the store and into use. Those that no receipt can need any more are left out.</summary>
    /// <param name="sealsFromMs">Unix milliseconds; 0: at once, and the earlier keys are thrown away with all their receipts.</param>
    /// <param name="neededMs">Unix milliseconds of the oldest decision whose receipt is still accepted.</param>
    /// <exception cref="StoreException">The store is away, or has another router's secrets.</exception>
    internal async Task RotateAsync(IUserStore store, long sealsFromMs, long neededMs, CancellationToken cancellationToken)
    {
        Take(await store.ChangeValueAsync(Name, Rotate, cancellationToken).ConfigureAwait(false));

        byte[] Rotate(byte[]? now) => now is null ? throw Unreadable(now)
            : now.AsSpan().SequenceEqual(_stored) || Take(now) ? Rotated(sealsFromMs, neededMs)
            : throw new StoreException("The store has another router's secrets; restart this one before its keys are rotated.");
    }

    private byte[] Rotated(long sealsFromMs, long neededMs)
    {
        // A key was in use until its successor began to seal.
        var kept = sealsFromMs == 0 ? [] : ReceiptKeys.Where((_, i) => i == 0 || ReceiptKeys[i - 1].SealsFromMs >= neededMs).ToArray();
        var id = ReceiptKeys[0].Id;
        do
        {
            id = id == byte.MaxValue ? FirstKey : (byte)(id + 1);
        }
        while (ReceiptKeys.Any(k => k.Id == id));

        var bytes = new byte[Bytes + HeadBytes + (kept.Length * KeyBytes)];
        RandomNumberGenerator.Fill(bytes.AsSpan(0, SecretBytes));
        IdentitySecret.CopyTo(bytes, SecretBytes);
        Head(bytes.AsSpan(Bytes), id, sealsFromMs);
        for (var i = 0; i < kept.Length; i++)
        {
            var at = Bytes + HeadBytes + (i * KeyBytes);
            Head(bytes.AsSpan(at), kept[i].Id, kept[i].SealsFromMs);
            kept[i].Secret.CopyTo(bytes.AsSpan(at + HeadBytes));
        }

        return bytes;

        static void Head(Span<byte> to, byte id, long sealsFromMs)
        {
            to[0] = id;
            BinaryPrimitives.WriteInt64LittleEndian(to[1..], sealsFromMs);
        }
    }

    /// <returns>False: they are another router's, and nothing was changed.</returns>
    private bool Take(byte[] stored)
    {
        if (Read(stored) is not { } read || !CryptographicOperations.FixedTimeEquals(read.IdentitySecret, IdentitySecret))
        {
            return false;
        }

        (ReceiptKeys, _stored) = (read.ReceiptKeys, stored);
        return true;
    }

    private static StoreException Unreadable(byte[]? secret) =>
        new($"The store's secrets have {secret?.Length ?? 0} bytes, and were not written by this program; "
            + "receipts and users cannot be recognised. Restore the store from a backup, or start with a new one.");
}

/// <summary>What became of the secrets in the store.</summary>
internal enum StoredSecrets
{
    Intact,

    /// <summary>They were gone, and are back.</summary>
    PutBack,

    /// <summary>Another router has put its own there.</summary>
    Others,

    /// <summary>Another router of the store has rotated the receipt keys, and they were taken over.</summary>
    Rotated,
}
