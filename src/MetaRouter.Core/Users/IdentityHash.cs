using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MetaRouter.Core.Users;

/// <summary>
/// Stands for a tenant or a user wherever an identity is kept or sent: the first 8 bytes of HMAC-SHA256 under a secret of the deployment.
/// Raw ids are not stored, and without the secret nobody can test whether a guessed id is in a store.
/// Two of a million users share a hash with a chance of 1 in 37 million. Changing the secret loses every stored user.
/// </summary>
public static class IdentityHash
{
    /// <summary>The shortest secret, in bytes.</summary>
    public const int MinSecretBytes = 16;

    /// <summary>The key used last: setting one up takes longer than hashing with it, and a process has only one.</summary>
    [ThreadStatic]
    private static (byte[] Secret, IncrementalHash Hash) t_keyed;

    /// <summary>The hash of a tenant.</summary>
    /// <exception cref="ArgumentException">The secret is shorter than 16 bytes.</exception>
    public static ulong Compute(ReadOnlySpan<byte> secret, string tenant) => Hash(secret, tenant, null);

    /// <summary>The hash of one user of a tenant; the same user id under another tenant has another hash.</summary>
    /// <exception cref="ArgumentException">The secret is shorter than 16 bytes.</exception>
    public static ulong Compute(ReadOnlySpan<byte> secret, string tenant, string user)
    {
        ArgumentNullException.ThrowIfNull(user);
        return Hash(secret, tenant, user);
    }

    private static ulong Hash(ReadOnlySpan<byte> secret, string tenant, string? user)
    {
        ArgumentNullException.ThrowIfNull(tenant);
        if (secret.Length < MinSecretBytes)
        {
            throw new ArgumentException($"The identity secret has {secret.Length} bytes; it must have at least {MinSecretBytes}, from a cryptographic random source.", nameof(secret));
        }

        // The tenant's length goes first, so that ("ab", "c") and ("a", "bc") differ; its sign tells a tenant from a tenant's user of empty name.
        var tenantBytes = Encoding.UTF8.GetByteCount(tenant);
        var length = sizeof(int) + tenantBytes + Encoding.UTF8.GetByteCount(user ?? "");
        Span<byte> text = length <= 512 ? stackalloc byte[length] : new byte[length];
        BinaryPrimitives.WriteInt32LittleEndian(text, user is null ? ~tenantBytes : tenantBytes);
        Encoding.UTF8.GetBytes(tenant, text[sizeof(int)..]);
        Encoding.UTF8.GetBytes(user ?? "", text[(sizeof(int) + tenantBytes)..]);

        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        var keyed = Keyed(secret);
        keyed.AppendData(text);
        keyed.GetHashAndReset(hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    private static IncrementalHash Keyed(ReadOnlySpan<byte> secret)
    {
        ref var keyed = ref t_keyed;
        if (!secret.SequenceEqual(keyed.Secret)) // none yet: no secret is as short
        {
            var before = keyed.Hash;
            keyed = (secret.ToArray(), IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret));
            before?.Dispose();
        }

        return keyed.Hash;
    }
}
