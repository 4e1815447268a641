namespace MetaRouter.Core.Catalog;

/// <summary>
/// One routable model as its operator declares it. Prices are data: changing one needs no training.
/// </summary>
/// <param name="Id">The upstream's name.</param>
/// <param name="InputPrice">US dollars per million prompt tokens.</param>
/// <param name="OutputPrice">US dollars per million completion tokens.</param>
public sealed record ModelProfile(ModelId Id, PricePerMillionTokens InputPrice, PricePerMillionTokens OutputPrice)
{
    /// <summary>Prompt tokens, and completion tokens, of a call about which nothing is known.</summary>
    public const double TypicalTokens = 300;

    /// <summary>Prompt and completion tokens that fit together. Default 128,000; at least 1.</summary>
    public int ContextWindow { get; init; } = 128_000;

    /// <summary>Default: everything.</summary>
    public ModelCapabilities Capabilities { get; init; } = ModelCapabilities.All;

    /// <summary>A model this one resembles (an earlier version, the same family): where the snapshot has never seen this model, the sibling's abilities are its prior.</summary>
    public ModelId? Sibling { get; init; }

    /// <summary>
    /// Further names that callers ask for it by, such as a dated model's name without the date. Everything else knows it by its id, and answers tell that. Default: none.
    /// </summary>
    public IReadOnlyList<ModelId> Aliases { get; init; } = [];

    /// <summary>US dollars per million prompt tokens read from the upstream's prompt cache; null: cached tokens cost what others do.</summary>
    public PricePerMillionTokens? CachedInputPrice { get; init; }

    /// <summary>What a cached prompt token costs, declared or not.</summary>
    public PricePerMillionTokens CachedPrice => CachedInputPrice ?? InputPrice;

    /// <summary>US dollars per million prompt tokens written to the upstream's prompt cache; null: they cost what others do.</summary>
    public PricePerMillionTokens? CacheWritePrice { get; init; }

    /// <summary>Expected seconds to a full answer, where the operator knows better than the snapshot; null: the snapshot's estimate. 0 to <see cref="ModelCatalog.MostLatencySeconds"/>.</summary>
    public double? LatencySeconds { get; init; }

    /// <summary>
    /// Completion tokens of this model's answers for each that the snapshot predicts, where the operator knows better: a reasoning model that is taken for another bills what
    /// it thinks. Default 1; <see cref="ModelCatalog.LeastOutputScale"/> to <see cref="ModelCatalog.MostOutputScale"/>. What is predicted of quality and latency does not depend on it.
    /// </summary>
    public double OutputScale { get; init; } = 1;

    /// <summary>What an answer costs, US dollars.</summary>
    /// <param name="promptTokens">All of the prompt, what was read from the cache among it.</param>
    /// <param name="completionTokens">Reasoning among it.</param>
    /// <param name="cachedTokens">Of the prompt; more than that counts as all of it.</param>
    /// <param name="writtenTokens">Of the rest of the prompt, what was written to the cache; likewise.</param>
    public double CostUsd(double promptTokens, double completionTokens, double cachedTokens = 0, double writtenTokens = 0)
    {
        var cached = Math.Min(cachedTokens, promptTokens);
        var written = Math.Min(writtenTokens, promptTokens - cached);
        return InputPrice.CostUsd(promptTokens - cached - written) + CachedPrice.CostUsd(cached) + (CacheWritePrice ?? InputPrice).CostUsd(written) + OutputPrice.CostUsd(completionTokens);
    }

    /// <summary>What a call of <see cref="TypicalTokens"/> prompt and as many completion tokens costs, US dollars: what prices are compared by where nothing was called.</summary>
    public double TypicalCostUsd => CostUsd(TypicalTokens, TypicalTokens);

    /// <summary>The same with an answer as long as this model's are: what it is expected to cost, US dollars.</summary>
    public double TypicalExpectedUsd => CostUsd(TypicalTokens, TypicalTokens * OutputScale);

    /// <summary>A disabled model stays in the catalog but is never chosen.</summary>
    public bool Enabled { get; init; } = true;
}
