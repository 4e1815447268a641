namespace MetaRouter.Core.Routing;

/// <summary>One secret of a <see cref="ReceiptSealer"/>. Not a record, so that no log prints the secret by accident.</summary>
public sealed class ReceiptKey
{
    public const int SecretBytes = 32;

    private readonly byte[] _secret;

    /// <param name="id">Names the key in each receipt it sealed, readable by anyone. An id is never given to a second secret.</param>
    /// <param name="secret">32 bytes from a cryptographic random source; copied.</param>
    /// <exception cref="ArgumentException">The secret has another length.</exception>
    public ReceiptKey(byte id, ReadOnlySpan<byte> secret)
    {
        if (secret.Length != SecretBytes)
        {
            throw new ArgumentException($"The secret of receipt key {id} has {secret.Length} bytes; it must have {SecretBytes}, from a cryptographic random source.", nameof(secret));
        }

        Id = id;
        _secret = secret.ToArray();
    }

    public byte Id { get; }

    /// <value>Decisions from then on are sealed with it, Unix milliseconds; 0, the default: all. By the decision's time, so that every node that knows the key agrees.</value>
    public long SealsFromMs { get; init; }

    public ReadOnlySpan<byte> Secret => _secret;

    public override string ToString() => $"receipt key {Id}";
}
