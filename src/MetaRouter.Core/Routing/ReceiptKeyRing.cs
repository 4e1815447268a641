using System.Security.Cryptography;
using System.Text;

namespace MetaRouter.Core.Routing;

/// <summary>The keys of a <see cref="ReceiptSealer"/>, the newest first, each with the two that are derived from its secret by HKDF-SHA256: k_nonce and k_seal. Safe for concurrent use.</summary>
/// <remarks>Source: RFC 5869 (HKDF).</remarks>
internal sealed class ReceiptKeyRing : IDisposable
{
    public const int NonceBytes = 12;
    public const int TagBytes = 16;

    private readonly Key[] _keys;

    /// <param name="keys">At least one, ids unique, the newest first.</param>
    /// <exception cref="ArgumentException">No key, or two keys of one id.</exception>
    public ReceiptKeyRing(IReadOnlyList<ReceiptKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        if (keys.Count == 0)
        {
            throw new ArgumentException("The receipt key ring is empty; give it at least one key.", nameof(keys));
        }

        if (keys.CountBy(key => key.Id).FirstOrDefault(pair => pair.Value > 1) is { Value: > 1 } twice)
        {
            throw new ArgumentException($"The receipt key ring has {twice.Value} keys of id {twice.Key}; give each key an id of its own.", nameof(keys));
        }

        _keys = [.. keys.Select(key => new Key(key))];
    }

    /// <summary>The newest that is in force at the decision's time, Unix milliseconds; of keys that all come later the oldest.</summary>
    public Key SealingAt(long decisionTimeMs)
    {
        foreach (var key in _keys)
        {
            if (key.SealsFromMs <= decisionTimeMs)
            {
                return key;
            }
        }

        return _keys[^1];
    }

    /// <param name="successor">The key that took its place; null: none did.</param>
    public Key? Find(byte id, out Key? successor)
    {
        successor = null;
        foreach (var key in _keys)
        {
            if (key.Id == id)
            {
                return key;
            }

            successor = key;
        }

        return null;
    }

    public void Dispose()
    {
        foreach (var key in _keys)
        {
            key.Dispose();
        }
    }

    public sealed class Key : IDisposable
    {
        /// <summary>Values are not tracked: what a thread that ended had is left to its finalisers instead of being held for good.</summary>
        private readonly ThreadLocal<KeyedPrimitives> _primitives;

        public Key(ReceiptKey key)
        {
            (Id, SealsFromMs) = (key.Id, key.SealsFromMs);
            var nonceKey = Derive(key, "MetaRouter receipt v1 nonce");
            var sealKey = Derive(key, "MetaRouter receipt v1 seal");
            _primitives = new ThreadLocal<KeyedPrimitives>(() => new KeyedPrimitives(nonceKey, sealKey));
        }

        public byte Id { get; }

        /// <inheritdoc cref="ReceiptKey.SealsFromMs"/>
        public long SealsFromMs { get; }

        public KeyedPrimitives Primitives => _primitives.Value!;

        public void Dispose() => _primitives.Dispose();

        private static byte[] Derive(ReceiptKey key, string purpose)
        {
            var derived = new byte[32];
            HKDF.DeriveKey(HashAlgorithmName.SHA256, key.Secret, derived, salt: [], info: Encoding.ASCII.GetBytes(purpose));
            return derived;
        }
    }

    /// <summary>One per thread: neither promises concurrent use, and setting up a key costs as much as using it.</summary>
    public sealed class KeyedPrimitives(byte[] nonceKey, byte[] sealKey)
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, nonceKey);

        public AesGcm Cipher { get; } = new(sealKey, TagBytes);

        /// <param name="nonce">Receives <see cref="NonceBytes"/>.</param>
        public void DeriveNonce(ReadOnlySpan<byte> headerAndPlain, Span<byte> nonce)
        {
            Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
            _hash.AppendData(headerAndPlain);
            _hash.GetHashAndReset(hash);
            hash[..NonceBytes].CopyTo(nonce);
        }
    }
}
