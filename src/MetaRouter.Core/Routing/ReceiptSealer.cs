using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace MetaRouter.Core.Routing;

/// <summary>
/// Seals a decision's receipt into a token and opens it again: AES-256-GCM with a synthetic nonce, under a ring of keys.
/// <code>
/// bytes 0-2    'R', version, key id: associated data, and exactly the first four characters
/// bytes 3-14   nonce = first 12 bytes of HMAC-SHA256(k_nonce, header and plain receipt)     (1)
/// 137 bytes    AES-256-GCM(k_seal, nonce, plain receipt)                                    (2)
/// 16 bytes     tag
/// </code>
/// Always 224 characters of base64url, without prefix or padding.
/// </summary>
/// <remarks>
/// The nonce comes from the content because chance is not at hand here and a counter would need memory: sealing is a pure function, the same decision gives the same
/// bytes on any node. Equal nonces then mean equal receipts, which is harmless, except for a collision of 96 bits among different ones: below 1 in 100,000 after 2^40 receipts
/// of one key. Such a collision would give away GCM's authentication key, so opening also makes (1) again and compares, which a forger cannot satisfy without k_nonce.
/// Encrypted and not only signed, because predicted scores would help whoever games the router.
/// The first key in force at the decision's time seals, every key opens; but a key that another has replaced opens no later decision, so that a leaked one dies with
/// the receipts it sealed. To rotate, put a new key first, in force as soon as every node has it.
/// Cost: one HMAC and one AES pass over 137 bytes, a few microseconds; sealing allocates the token, where it is to be a string, and nothing else. Safe for concurrent use.
/// Sources: NIST SP 800-38D (GCM); RFC 5297, section 1.3 (deterministic authenticated encryption).
/// </remarks>
public sealed class ReceiptSealer : IDisposable
{
    /// <summary>The length of every token of this version, in characters.</summary>
    public const int TokenLength = TokenBytes / 3 * 4;

    private const byte Magic = (byte)'R';
    private const byte Version = 1;
    private const int HeaderBytes = 3;
    private const int NonceBytes = ReceiptKeyRing.NonceBytes;
    private const int TagBytes = ReceiptKeyRing.TagBytes;
    private const int TokenBytes = HeaderBytes + NonceBytes + ReceiptCodec.Bytes + TagBytes;

    private volatile ReceiptKeyRing _ring;
    private readonly ReceiptOptions _options;

    /// <param name="keys">At least one, ids unique, the newest first.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="ArgumentException">No key, two keys of one id, or an option outside its range.</exception>
    public ReceiptSealer(IReadOnlyList<ReceiptKey> keys, ReceiptOptions? options = null)
    {
        _ring = new ReceiptKeyRing(keys);
        _options = options ?? new ReceiptOptions();
        _options.Validate();
    }

    /// <summary>By how much two nodes' clocks may differ, see <see cref="ReceiptOptions.ClockSkew"/>.</summary>
    public TimeSpan ClockSkew => _options.ClockSkew;

    /// <summary>How long a receipt is accepted, see <see cref="ReceiptOptions.Lifetime"/>.</summary>
    public TimeSpan Lifetime => _options.Lifetime;

    /// <summary>Takes other keys into use; what is being sealed and opened at this moment ends with the ones it began with.</summary>
    /// <param name="keys">At least one, ids unique, the newest first.</param>
    /// <exception cref="ArgumentException">No key, or two keys of one id.</exception>
    public void Replace(IReadOnlyList<ReceiptKey> keys) => _ring = new ReceiptKeyRing(keys);

    /// <exception cref="ArgumentException">A part of the receipt is outside its range; the message names it.</exception>
    public string Seal(in Receipt receipt)
    {
        Span<byte> token = stackalloc byte[TokenBytes];
        SealBytes(receipt, token);
        return Base64Url.EncodeToString(token);
    }

    /// <param name="utf8">Receives the token; at least <see cref="TokenLength"/> long.</param>
    /// <returns><see cref="TokenLength"/>.</returns>
    /// <inheritdoc cref="Seal(in Receipt)"/>
    public int Seal(in Receipt receipt, Span<byte> utf8)
    {
        Span<byte> token = stackalloc byte[TokenBytes];
        SealBytes(receipt, token);
        return Base64Url.EncodeToUtf8(token, utf8);
    }

    private void SealBytes(in Receipt receipt, Span<byte> token)
    {
        var key = _ring.SealingAt(receipt.DecisionTimeMs);
        Span<byte> plain = stackalloc byte[HeaderBytes + ReceiptCodec.Bytes];
        plain[0] = Magic;
        plain[1] = Version;
        plain[2] = key.Id;
        ReceiptCodec.Write(receipt, plain[HeaderBytes..]);

        var header = token[..HeaderBytes];
        var nonce = token.Slice(HeaderBytes, NonceBytes);
        plain[..HeaderBytes].CopyTo(header);
        var primitives = key.Primitives;
        primitives.DeriveNonce(plain, nonce); // (1)
        primitives.Cipher.Encrypt(nonce, plain[HeaderBytes..], token.Slice(HeaderBytes + NonceBytes, ReceiptCodec.Bytes), token[^TagBytes..], header); // (2)
    }

    /// <param name="token">What <see cref="Seal(in Receipt)"/> returned.</param>
    /// <param name="tenantHash">Who sends the feedback.</param>
    /// <param name="userHash">Who sends the feedback.</param>
    /// <param name="nowMs">Unix milliseconds.</param>
    /// <param name="receipt">The decision when the verdict is valid, else empty: nothing of a refused receipt is told.</param>
    public ReceiptVerdict Open(ReadOnlySpan<char> token, ulong tenantHash, ulong userHash, long nowMs, out Receipt receipt) => OpenFor(token, tenantHash, userHash, nowMs, out receipt);

    /// <summary>As <see cref="Open"/>, whichever of the tenant's users it is for: to read it, never to learn from it.</summary>
    public ReceiptVerdict OpenOfAnyUser(ReadOnlySpan<char> token, ulong tenantHash, long nowMs, out Receipt receipt) => OpenFor(token, tenantHash, null, nowMs, out receipt);

    private ReceiptVerdict OpenFor(ReadOnlySpan<char> token, ulong tenantHash, ulong? userHash, long nowMs, out Receipt receipt)
    {
        receipt = default;
        Span<byte> bytes = stackalloc byte[TokenBytes];
        if (FindFrameError(token, bytes) is { } error)
        {
            return error;
        }

        if (_ring.Find(bytes[2], out var successor) is not { } key)
        {
            return new(ReceiptStatus.UnknownKey, $"The receipt was sealed with key {bytes[2]}, which is no longer in use here; feedback on that decision can no longer be taken.");
        }

        Span<byte> plain = stackalloc byte[HeaderBytes + ReceiptCodec.Bytes];
        if (!TryDecrypt(key, bytes, plain))
        {
            return new(ReceiptStatus.Forged, "The receipt is not genuine: it was changed, or sealed by someone else. Send it back exactly as the router returned it.");
        }

        // Only now is anything in it known to be true.
        var opened = ReceiptCodec.Read(plain[HeaderBytes..]);
        if (opened.TenantHash != tenantHash || opened.UserHash != (userHash ?? opened.UserHash))
        {
            return new(ReceiptStatus.Foreign, "The receipt belongs to another tenant or user; feedback is taken only from the one the decision was made for.");
        }

        if (successor is { SealsFromMs: > 0 } && opened.DecisionTimeMs - successor.SealsFromMs > _options.ClockSkew.TotalMilliseconds)
        {
            return new(
                ReceiptStatus.UnknownKey,
                $"The receipt was sealed with key {key.Id} after key {successor.Id} had taken its place; "
                    + "it is forged, or its router does not see the store. Feedback on that decision is not taken.");
        }

        if (Age(opened, nowMs) is { } tooOldOrYoung)
        {
            return tooOldOrYoung;
        }

        receipt = opened;
        return new(ReceiptStatus.Valid, "");
    }

    public void Dispose() => _ring.Dispose();

    private static ReceiptVerdict? FindFrameError(ReadOnlySpan<char> token, Span<byte> bytes)
    {
        // The header is the first four characters, so a token of another version and length is still told from noise.
        if (token.Length < 4 || !TryDecode(token[..4], bytes[..HeaderBytes]) || bytes[0] != Magic)
        {
            return new(
                ReceiptStatus.Malformed,
                "This is not a receipt; send back the id or the receipt exactly as the router returned it. An answer has one only if the router decided: where its model was asked for by name, "
                    + "or routing was switched off (mode off or static), the id is the model's own. For feedback ask for auto, in the mode apply or observe.");
        }

        if (bytes[1] != Version)
        {
            return new(ReceiptStatus.UnknownVersion, $"The receipt has version {bytes[1]}, which this router does not know; it understands version {Version}.");
        }

        if (token.Length != TokenLength)
        {
            return new(ReceiptStatus.Malformed, $"The receipt has {token.Length} characters and should have {TokenLength}; it was cut or added to on its way.");
        }

        return TryDecode(token, bytes)
            ? null
            : new(ReceiptStatus.Malformed, "The receipt has a character outside A-Z, a-z, 0-9, '-' and '_'; send it back exactly as the router returned it.");
    }

    /// <summary>False unless the text fills the bytes exactly: white space, which a decoder may skip, does not pass.</summary>
    private static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes) =>
        Base64Url.DecodeFromChars(text, bytes, out _, out var written) == OperationStatus.Done && written == bytes.Length;

    private static bool TryDecrypt(ReceiptKeyRing.Key key, ReadOnlySpan<byte> token, Span<byte> plain)
    {
        var header = token[..HeaderBytes];
        var nonce = token.Slice(HeaderBytes, NonceBytes);
        header.CopyTo(plain);
        var primitives = key.Primitives;
        try
        {
            primitives.Cipher.Decrypt(nonce, token.Slice(HeaderBytes + NonceBytes, ReceiptCodec.Bytes), token[^TagBytes..], plain[HeaderBytes..], header);
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        Span<byte> expected = stackalloc byte[NonceBytes];
        primitives.DeriveNonce(plain, expected);
        return CryptographicOperations.FixedTimeEquals(nonce, expected);
    }

    private ReceiptVerdict? Age(in Receipt receipt, long nowMs)
    {
        var issued = DateTimeOffset.FromUnixTimeMilliseconds(receipt.DecisionTimeMs);
        if (nowMs - receipt.DecisionTimeMs > _options.Lifetime.TotalMilliseconds)
        {
            return new(
                ReceiptStatus.Expired,
                FormattableString.Invariant($"The receipt was issued {issued:u} and is accepted for {_options.Lifetime.TotalDays:0.###} days; feedback on that decision can no longer be taken."));
        }

        return receipt.DecisionTimeMs - nowMs > _options.ClockSkew.TotalMilliseconds
            ? new(
                ReceiptStatus.FromTheFuture,
                FormattableString.Invariant(
                    $"The receipt was issued {issued:u}, more than {_options.ClockSkew.TotalMinutes:0.###} minutes ahead of this router's clock; synchronise the clocks of the nodes."))
            : null;
    }
}
