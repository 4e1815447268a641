using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Routing;

/// <summary>
/// The hard rules: which models may answer a request at all. They come before everything learned, and nothing learned can lift them.
/// </summary>
/// <remarks>One pass over the catalog, O(K) look-ups for K models; allocates only to say that nothing is left.</remarks>
public sealed class Guardrails
{
    private readonly GuardrailOptions _options;

    /// <param name="options">Null: nothing is ruled out but what a request needs.</param>
    /// <exception cref="ArgumentException">An option is outside its range.</exception>
    public Guardrails(GuardrailOptions? options = null)
    {
        _options = options ?? new GuardrailOptions();
        _options.Validate();
    }

    /// <param name="catalog">The K models to judge.</param>
    /// <param name="needs">What the request asks of them.</param>
    /// <param name="predictedCostUsd">US dollars each model's call is predicted to cost, K long, in the catalog's order.</param>
    /// <param name="unhealthy">Models whose upstream is failing; null: none.</param>
    /// <param name="verdicts">K long; receives <see cref="ModelExclusion.None"/> for each model that may answer, else the reason.</param>
    /// <returns>How many may answer; 1 or more.</returns>
    /// <exception cref="ArgumentException">A span of another length than the catalog, or a need outside its range.</exception>
    /// <exception cref="NoModelAllowedException">No model may answer; the message gives each one's reason and what to change.</exception>
    public int Apply(ModelCatalog catalog, in RouteNeeds needs, ReadOnlySpan<float> predictedCostUsd, IReadOnlySet<ModelId>? unhealthy, Span<ModelExclusion> verdicts)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        Check(catalog, needs, predictedCostUsd, verdicts);
        var pin = needs.Category is null ? null : _options.CategoryPins?.GetValueOrDefault(needs.Category);
        var limit = (float)Limit(needs);
        var allowed = 0;
        for (var i = 0; i < catalog.Count; i++)
        {
            var model = catalog.Models[i];
            verdicts[i] =
                !model.Enabled ? ModelExclusion.Disabled
                : _options.AllowedModels?.Contains(model.Id) is false || needs.AllowedModels?.Contains(model.Id) is false || pin?.Contains(model.Id) is false ? ModelExclusion.NotAllowed
                : unhealthy?.Contains(model.Id) is true ? ModelExclusion.Unhealthy
                : (needs.Capabilities & ~model.Capabilities) != 0 ? ModelExclusion.MissingCapability
                : (long)needs.PromptTokens + needs.ExpectedOutputTokens > model.ContextWindow ? ModelExclusion.ContextTooSmall
                : IsOver(predictedCostUsd[i], limit) ? ModelExclusion.OverCostLimit
                : needs.UsedUpModels?.Contains(model.Id) is true ? ModelExclusion.ShareUsedUp
                : ModelExclusion.None;
            allowed += verdicts[i] == ModelExclusion.None ? 1 : 0;
        }

        return allowed > 0 ? allowed : throw NoModelAllowedException.For(catalog, needs, predictedCostUsd, Limit(needs), verdicts);
    }

    /// <summary>An unknown cost (NaN) is over any limit: a limit that lets the unknown pass limits nothing.</summary>
    private static bool IsOver(float costUsd, float limit) => limit < float.PositiveInfinity && !(costUsd <= limit);

    /// <summary>The most that what a request asks for may be predicted to cost, US dollars; infinity: any.</summary>
    internal double Limit(in RouteNeeds needs) => Math.Min(_options.MaxCostUsd ?? double.PositiveInfinity, needs.MaxCostUsd ?? double.PositiveInfinity);

    private static void Check(ModelCatalog catalog, in RouteNeeds needs, ReadOnlySpan<float> predictedCostUsd, Span<ModelExclusion> verdicts)
    {
        if (predictedCostUsd.Length != catalog.Count || verdicts.Length != catalog.Count)
        {
            throw new ArgumentException(
                $"The catalog has {catalog.Count} models, and there are {predictedCostUsd.Length} predicted costs and room for {verdicts.Length} verdicts; the three must be as many.",
                nameof(verdicts));
        }

        if (needs.PromptTokens < 0 || needs.ExpectedOutputTokens < 0)
        {
            throw new ArgumentException($"A request has {needs.PromptTokens} prompt tokens and {needs.ExpectedOutputTokens} expected output tokens; both must be 0 or more.", nameof(needs));
        }

        if (needs.MaxCostUsd is { } usd && !(usd >= 0))
        {
            throw new ArgumentException($"A request's cost limit is {usd} US dollars; it must be 0 or more, or be left out.", nameof(needs));
        }
    }
}
