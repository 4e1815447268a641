using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Limits;

/// <summary>Which models may answer a request: those that its tenant and its category allow, without the dear ones that have had their share.</summary>
internal sealed class ModelAccess(Tenants tenants, GatewaySettings settings)
{
    public const string CategoryHeader = "x-router-category";

    /// <summary>The models that the tenant and the category allow; null: all.</summary>
    /// <exception cref="ApiException">400: no such category.</exception>
    public IReadOnlySet<ModelId>? Allowed(ModelCatalog catalog, string tenant, string? category)
    {
        var (rules, pins) = (tenants.RulesOf(tenant), PinsOf(category));
        return rules?.Allowed is null && pins is null ? null
            : catalog.Models.Select(m => m.Id).Where(m => rules?.Allowed?.Contains(m) != false && pins?.Contains(m) != false).ToHashSet();
    }

    /// <summary>The dear models, if one more request to them would exceed their share of the tenant's routed requests; null: it would not. Requests that name a model are not limited.</summary>
    public IReadOnlySet<ModelId>? UsedUp(string tenant) => tenants.RulesOf(tenant) is { } rules && rules.IsDearShareUsedUp() ? rules.Dear : null;

    /// <summary>Whether the tenant and the category allow a model asked for by name, which need not be in the catalog.</summary>
    /// <exception cref="ApiException">400: no such category.</exception>
    public bool Allows(string tenant, string? category, ModelId model) => PinsOf(category)?.Contains(model) != false && tenants.RulesOf(tenant)?.Allowed?.Contains(model) != false;

    /// <summary>Whether the tenant's completions are always routed, by what was learned or the dial.</summary>
    public bool IsRoutedOnly(string tenant) => tenants.RulesOf(tenant)?.Options.RoutedOnly == true;

    /// <summary>Notes which model a routed request went to.</summary>
    public void Count(string tenant, ModelId model) => tenants.RulesOf(tenant)?.Count(model);

    private IReadOnlySet<ModelId>? PinsOf(string? category) => category is null ? null
        : settings.Gateway.Pins.TryGetValue(category, out var pins) ? pins
        : throw ApiException.BadValue(
            CategoryHeader,
            $"The header {CategoryHeader} is '{category}', but no models are pinned to that category; "
                + $"{(settings.Gateway.Pins.Count == 0 ? "Gateway:CategoryPins has none, so leave it out" : $"it must be one of {string.Join(", ", settings.Gateway.Pins.Keys)}, or be left out")}.");
}
