using MetaRouter.Gateway.Chat;

namespace MetaRouter.Gateway.Upstream;

/// <summary>A request's body on its way to an upstream: forwarded byte for byte but for its model's name.</summary>
/// <param name="ModelAt">Where the value of <c>model</c> stands.</param>
/// <param name="Streams">The answer is to come as a stream.</param>
internal readonly record struct UpstreamBody(byte[] Bytes, Range ModelAt, bool Streams)
{
    /// <summary>The client says itself whether a stream is to end with its token counts.</summary>
    public bool HasStreamOptions { get; init; }

    /// <param name="asksUsage">Ask for the token counts of a stream whose client does not say.</param>
    public byte[] For(string model, bool asksUsage)
    {
        var bytes = Bytes.AsSpan();
        byte[] named = [.. bytes[..ModelAt.Start], .. JsonSplice.Quoted(model), .. bytes[ModelAt.End..]];
        return Streams && asksUsage && !HasStreamOptions ? JsonSplice.Prepend(named, "\"stream_options\":{\"include_usage\":true}"u8) : named;
    }
}
