using System.Text.Json;
using MetaRouter.Core.Catalog;
using static MetaRouter.Gateway.Http.LenientJson;

namespace MetaRouter.Gateway.Upstream;

/// <summary>Tokens as the upstream counted them; a count that it did not give, or that cannot be, is 0.</summary>
/// <param name="Prompt">All prompt tokens, the cached ones among them.</param>
/// <param name="Completion">Reasoning among them.</param>
/// <param name="Cached">Prompt tokens read from the upstream's cache, which are cheaper.</param>
internal readonly record struct TokenUsage(long Prompt, long Completion, long Cached)
{
    /// <summary>More than any request takes: an upstream that counts further, as with a -1 without its sign, has lost count.</summary>
    private const long Most = 1_000_000_000;

    /// <summary>Of the completion, what the model thought; 0 also where the upstream does not say.</summary>
    public long Reasoning { get; init; }

    /// <summary>Prompt tokens written to the upstream's cache, which are dearer at some.</summary>
    public long Written { get; init; }

    /// <summary>The upstream did not say.</summary>
    public bool IsUnknown => Prompt == 0 && Completion == 0;

    public double CostUsd(ModelProfile model) => model.CostUsd(Prompt, Completion, Cached, Written);

    /// <param name="usage">
    /// OpenAI's usage object. Cached tokens are read in OpenAI's spelling, Moonshot's and DeepSeek's, written ones in OpenRouter's and LiteLLM's. Some upstreams (xAI's, Google's) have what the model thought in the
    /// total alone, and bill it as completion all the same: so the completion is all of the total that is not prompt.
    /// </param>
    public static TokenUsage Read(JsonElement usage)
    {
        var details = Field(usage, "prompt_tokens_details");
        var cached = Math.Max(Count(details, "cached_tokens"), Math.Max(Count(usage, "cached_tokens"), Count(usage, "prompt_cache_hit_tokens")));
        var written = Math.Max(Count(details, "cache_write_tokens"), Count(details, "cache_creation_tokens"));
        var (prompt, total) = (Count(usage, "prompt_tokens"), Count(usage, "total_tokens"));
        return new(prompt, Math.Max(Count(usage, "completion_tokens"), prompt > 0 ? total - prompt : 0), cached) { Written = written, Reasoning = Count(Field(usage, "completion_tokens_details"), "reasoning_tokens") };
    }

    /// <param name="usage">Anthropic's, which counts the cached part of the prompt apart.</param>
    public static TokenUsage OfMessage(JsonElement usage)
    {
        var (read, written) = (Count(usage, "cache_read_input_tokens"), Count(usage, "cache_creation_input_tokens"));
        return new(Count(usage, "input_tokens") + read + written, Count(usage, "output_tokens"), read) { Written = written };
    }

    /// <summary>These counts, where a stream gave others before: what it does not count again stays.</summary>
    public TokenUsage After(in TokenUsage earlier)
    {
        var (prompt, completion) = (Prompt > 0 ? this : earlier, Completion > 0 ? this : earlier);
        return prompt with { Completion = completion.Completion, Reasoning = completion.Reasoning };
    }

    private static long Count(JsonElement of, string name) =>
        Field(of, name) is { ValueKind: JsonValueKind.Number } count && count.TryGetInt64(out var tokens) && tokens is >= 0 and <= Most ? tokens : 0;
}
