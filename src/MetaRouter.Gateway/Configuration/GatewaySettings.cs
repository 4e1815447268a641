using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Demo;
using MetaRouter.Gateway.Router;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Gateway.Configuration;

/// <summary>Everything an operator set, as <see cref="SettingsReader"/> has read and checked it, and what follows from it for the models in service.</summary>
internal sealed record GatewaySettings(GatewayOptions Gateway, IReadOnlyList<UpstreamOptions> Upstreams, IReadOnlyList<ApiKeyOptions> ApiKeys, IReadOnlyList<TenantOptions> Tenants)
{
    /// <summary>No upstream is configured: a built-in one answers, and says that it is simulated.</summary>
    public bool IsSimulated => Upstreams.Count == 0;

    /// <summary>Simulated users fill the console: <c>--demo</c>.</summary>
    public bool IsDemo => Demo is not null;

    /// <summary>The simulated users' settings; null: there are none.</summary>
    public DemoOptions? Demo { get; init; }

    /// <summary>What telemetry is sent, and where.</summary>
    public TelemetryOptions Telemetry { get; init; } = new();

    /// <summary>Settings that may be misspelt, or may be about a model yet to come: reported at the start, which they do not stop.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The models that make embeddings, each with the first of its upstreams.</summary>
    public IReadOnlyDictionary<string, UpstreamOptions> Embedders { get; } = Upstreams.Where(u => u.Embeddings).DistinctBy(u => u.Model).ToDictionary(u => u.Model);

    /// <summary>Whether a model makes embeddings and nothing else: it is in no catalog, since it is never routed to.</summary>
    public bool OnlyEmbeds(string model, ModelCatalog catalog) => Embedders.ContainsKey(model) && !CatalogModels.Has(catalog, model);

    private volatile Tuple<ModelCatalog, ModelProfile>? _strongest;

    /// <summary>Who answers <c>auto</c> without routing: what routing's savings are measured against. Every request asks.</summary>
    public ModelProfile Strongest(ModelCatalog catalog)
    {
        var known = _strongest;
        return (ReferenceEquals(known?.Item1, catalog) ? known : _strongest = Tuple.Create(catalog, FindStrongest(catalog))).Item2;
    }

    /// <summary>The same among the models that may answer a request: the dearest of them if the strongest may not. If none may, the strongest, so that the refusal names it.</summary>
    /// <param name="allowed">Null: all.</param>
    public ModelProfile Strongest(ModelCatalog catalog, IReadOnlySet<ModelId>? allowed)
    {
        var strongest = Strongest(catalog);
        return allowed?.Contains(strongest.Id) != false ? strongest : catalog.Models.Where(m => m.Enabled && allowed.Contains(m.Id)).DefaultIfEmpty(strongest).MaxBy(Price)!;
    }

    private ModelProfile FindStrongest(ModelCatalog catalog) => Gateway.OffModel.Length > 0 && catalog.TryFind(new ModelId(Gateway.OffModel), out var index)
        ? catalog.Models[index]
        : catalog.Models.Where(m => m.Enabled).DefaultIfEmpty(catalog.Models[0]).MaxBy(Price)!;

    /// <summary>Between which two models RouteLLM's names choose; null: the catalog does not have the two.</summary>
    public (ModelId Strong, ModelId Weak)? PairOf(ModelCatalog catalog)
    {
        var enabled = catalog.Models.Where(m => m.Enabled).ToArray();
        return Find(Gateway.StrongModel, enabled.MaxBy(Price)) is { } strong && Find(Gateway.WeakModel, enabled.MinBy(Price)) is { } weak && strong != weak ? (strong, weak) : null;

        ModelId? Find(string configured, ModelProfile? otherwise) =>
            configured.Length == 0 ? otherwise?.Id : catalog.TryFind(new ModelId(configured), out var index) ? catalog.Models[index].Id : null;
    }

    private static double Price(ModelProfile model) => model.InputPrice.Usd + model.OutputPrice.Usd;
}
