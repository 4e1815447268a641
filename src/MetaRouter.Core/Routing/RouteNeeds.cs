using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Routing;

/// <summary>What a model must offer to be considered for one request. The default asks for nothing.</summary>
public readonly record struct RouteNeeds
{
    /// <summary>All of these must be among the model's.</summary>
    public ModelCapabilities Capabilities { get; init; }

    /// <summary>0 or more.</summary>
    public int PromptTokens { get; init; }

    /// <summary>The completion's limit in tokens: the context window must have room for so many, and no cost counts more. 0: no limit, and both go by the predicted length.</summary>
    public int ExpectedOutputTokens { get; init; }

    /// <summary>The most this request may be predicted to cost, in US dollars, both answers where two are shown; 0 or more, null: no limit of its own.</summary>
    public double? MaxCostUsd { get; init; }

    /// <summary>The only models the request or its tenant accepts; null: all.</summary>
    public IReadOnlySet<ModelId>? AllowedModels { get; init; }

    /// <summary>Models whose upstream is failing; null: none.</summary>
    public IReadOnlySet<ModelId>? UnhealthyModels { get; init; }

    /// <summary>Models that have had their share of the tenant's requests; null: none.</summary>
    public IReadOnlySet<ModelId>? UsedUpModels { get; init; }

    /// <summary>The category of <see cref="GuardrailOptions.CategoryPins"/> the request falls into; null: none.</summary>
    public string? Category { get; init; }
}
