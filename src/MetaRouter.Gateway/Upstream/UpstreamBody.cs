using MetaRouter.Gateway.Chat;

namespace MetaRouter.Gateway.Upstream;

/// <summary>A request's body on its way to an upstream: forwarded byte for byte but for its model's name, and what the upstream's entry has changed.</summary>
/// <param name="Api">What it is written in.</param>
/// <param name="ModelAt">Where the value of <c>model</c> stands.</param>
/// <param name="Streams">The answer is to come as a stream.</param>
internal readonly record struct UpstreamBody(UpstreamApi Api, byte[] Bytes, Range ModelAt, bool Streams)
{
    /// <summary>Headers that go with it, where the upstream's entry has none of their names.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Null: the client sent none.</summary>
    public StreamOptions? Options { get; init; }

    /// <summary>What the upstream is told of users, as <see cref="ForwardedUsers.For"/> has it; null: what the body says.</summary>
    public Func<string, string?>? Users { get; init; }

    /// <param name="asksUsage">Ask for the token counts of a stream, whether or not its client does.</param>
    /// <param name="renamesLimit">Call the answer's limit max_completion_tokens, unless there is one of that name: the client cannot know which model is asked.</param>
    public byte[] For(string model, bool asksUsage, bool renamesLimit = false) =>
        Users is { } told ? ForwardedUsers.Rewrite(Named(model, asksUsage, renamesLimit), told) : Named(model, asksUsage, renamesLimit);

    private byte[] Named(string model, bool asksUsage, bool renamesLimit)
    {
        var quoted = JsonSplice.Quoted(model);
        if (Api != UpstreamApi.Chat)
        {
            return JsonSplice.Put(Bytes, ModelAt, quoted);
        }

        asksUsage &= Streams && Options?.AskUsage != true;
        var named = asksUsage && Options is { } options ? With(quoted, options) : JsonSplice.Put(Bytes, ModelAt, quoted);
        if (renamesLimit && JsonSplice.Find(named, "max_completion_tokens"u8).Count == 0)
        {
            named = JsonSplice.Rename(named, "max_tokens"u8, "max_completion_tokens"u8);
        }

        return asksUsage && Options is null ? JsonSplice.Prepend(named, "\"stream_options\":{\"include_usage\":true}"u8) : named;
    }

    /// <summary>With the model's name, and the counts asked for in options that do not. What stands later is put in first: the other's place stays where it was.</summary>
    private byte[] With(byte[] quotedModel, in StreamOptions options)
    {
        var asking = Asking(Bytes.AsSpan(options.At));
        return options.At.Start.Value > ModelAt.Start.Value
            ? JsonSplice.Put(JsonSplice.Put(Bytes, options.At, asking), ModelAt, quotedModel)
            : JsonSplice.Put(JsonSplice.Put(Bytes, ModelAt, quotedModel), options.At, asking);
    }

    private static byte[] Asking(ReadOnlySpan<byte> options)
    {
        if (options[0] != '{')
        {
            return "{\"include_usage\":true}"u8.ToArray();
        }

        var (at, count) = JsonSplice.Find(options, "include_usage"u8);
        return count > 0 ? JsonSplice.Put(options, at, "true"u8) : JsonSplice.Prepend(options, "\"include_usage\":true"u8);
    }
}

/// <summary>What a request's <c>stream_options</c> say.</summary>
/// <param name="At">Where their value stands in the body.</param>
/// <param name="AskUsage">The client asks for the token counts itself.</param>
internal readonly record struct StreamOptions(Range At, bool AskUsage);
