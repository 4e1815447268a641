using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Routing;

/// <summary>What an operator rules out for every request, before anything learned is asked. Each rule narrows what the others leave.</summary>
public sealed record GuardrailOptions
{
    /// <value>The only models that may be routed to. Null, the default: all of the catalog. Not empty.</value>
    public IReadOnlySet<ModelId>? AllowedModels { get; init; }

    /// <value>Request categories (safety, privacy) with the only models that may see them. Default none; a category that is not named here is free. No list is empty.</value>
    public IReadOnlyDictionary<string, IReadOnlySet<ModelId>>? CategoryPins { get; init; }

    /// <value>The most one request may be predicted to cost, in US dollars, both answers where two are shown; finite, 0 or more. Null, the default: no limit. A
    /// request can lower it, never raise it.</value>
    public double? MaxCostUsd { get; init; }

    /// <exception cref="ArgumentException">An option is outside its range; every problem is named.</exception>
    public void Validate()
    {
        var problems = new List<string>();
        if (AllowedModels is { Count: 0 })
        {
            problems.Add($"{nameof(AllowedModels)} names no model, which would refuse every request; name one, or leave it out to allow all");
        }

        foreach (var (category, models) in CategoryPins ?? new Dictionary<string, IReadOnlySet<ModelId>>())
        {
            if (models.Count == 0)
            {
                problems.Add($"{nameof(CategoryPins)} pins '{category}' to no model, which would refuse all its requests; name a model, or leave the category out");
            }
        }

        if (MaxCostUsd is { } usd && !(double.IsFinite(usd) && usd >= 0))
        {
            problems.Add($"{nameof(MaxCostUsd)} is {usd}; set a finite number of US dollars, 0 or more, or leave it out");
        }

        if (problems.Count > 0)
        {
            throw new ArgumentException("The guardrail options cannot be used: " + string.Join("; ", problems) + ".");
        }
    }
}
