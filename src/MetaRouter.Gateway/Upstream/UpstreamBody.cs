using MetaRouter.Gateway.Chat;

namespace MetaRouter.Gateway.Upstream;

/// <summary>A request's body on its way to an upstream: forwarded byte for byte but for its model's name.</summary>
/// <param name="ModelAt">Where the value of <c>model</c> stands.</param>
/// <param name="Streams">The answer is to come as a stream.</param>
internal readonly record struct UpstreamBody(byte[] Bytes, Range ModelAt, bool Streams)
{
    /// <summary>The client says itself whether a stream is to end with its token counts.</summary>
    public bool HasStreamOptions { get; init; }

    /// <summary>It was written here for a request of another API, so its limit goes by whichever name the upstream knows.</summary>
    public bool IsTranslated { get; init; }

    /// <param name="asksUsage">Ask for the token counts of a stream whose client does not say.</param>
    /// <param name="renamesLimit">Call the limit of a translated request max_completion_tokens.</param>
    public byte[] For(string model, bool asksUsage, bool renamesLimit = false)
    {
        var bytes = Bytes.AsSpan();
        byte[] named = [.. bytes[..ModelAt.Start], .. JsonSplice.Quoted(model), .. bytes[ModelAt.End..]];
        if (IsTranslated && renamesLimit)
        {
            named = JsonSplice.Rename(named, "max_tokens"u8, "max_completion_tokens"u8);
        }

        return Streams && asksUsage && !HasStreamOptions ? JsonSplice.Prepend(named, "\"stream_options\":{\"include_usage\":true}"u8) : named;
    }
}
