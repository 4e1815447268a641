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

    /// <summary>The upstream did not say.</summary>
    public bool IsUnknown => Prompt == 0 && Completion == 0;

    public double CostUsd(ModelProfile model) => model.CostUsd(Prompt, Completion, Cached);

    /// <param name="usage">
    /// OpenAI's usage object. Cached tokens are read in OpenAI's spelling, Moonshot's and DeepSeek's. Some upstreams (xAI's, Google's) have what the model thought in the
    /// total alone, and bill it as completion all the same: so the completion is all of the total that is not prompt.
    /// </param>
    public static TokenUsage Read(JsonElement usage)
    {
        var cached = Math.Max(Count(Field(usage, "prompt_tokens_details"), "cached_tokens"), Math.Max(Count(usage, "cached_tokens"), Count(usage, "prompt_cache_hit_tokens")));
        var (prompt, total) = (Count(usage, "prompt_tokens"), Count(usage, "total_tokens"));
        return new(prompt, Math.Max(Count(usage, "completion_tokens"), prompt > 0 ? total - prompt : 0), cached) { Reasoning = Count(Field(usage, "completion_tokens_details"), "reasoning_tokens") };
    }

    private static long Count(JsonElement of, string name) =>
        Field(of, name) is { ValueKind: JsonValueKind.Number } count && count.TryGetInt64(out var tokens) && tokens is >= 0 and <= Most ? tokens : 0;
}
