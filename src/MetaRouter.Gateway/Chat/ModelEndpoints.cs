using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Router;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway.Chat;

/// <summary>The models on offer, and whether the gateway is well.</summary>
internal sealed class ModelEndpoints(
    IEdgeRouter router,
    PoolHolder pool,
    IUserStore store,
    StoreGuard guard,
    Upstreams upstreams,
    RoutedNames names,
    ModelAccess access,
    GatewaySettings settings) : IEndpoints
{
    private const string Models = "/v1/models";
    private static readonly NeedsScope Listing = new(Scope.Inference, Scope.Read);

    private static readonly Lazy<byte[]> s_openApi = new(() =>
    {
        using var document = typeof(ModelEndpoints).Assembly.GetManifestResourceStream("openapi.json")!;
        var bytes = new byte[document.Length];
        document.ReadExactly(bytes);
        return bytes;
    });

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapRead(Models, ListAsync).WithMetadata(Listing);
        routes.MapRead(Models + "/{**id}", FindAsync).WithMetadata(Listing); // matches slashes too: many names have them, and clients do not escape them
        routes.MapRead("/health", HealthAsync).WithMetadata(new NoKeyNeeded());
        routes.MapRead("/openapi/v1.json", context => Answers.WriteJsonAsync(context, s_openApi.Value)).WithMetadata(new NoKeyNeeded());
        routes.MapRead("/alive", context => Answers.WriteAsync(context, new AliveAnswer("ok"))).WithMetadata(new NoKeyNeeded());
    }

    private Task ListAsync(HttpContext context)
    {
        var catalog = pool.Current.Catalog;
        var usable = Usable(context, catalog);
        IEnumerable<ModelAnswer> all =
        [
            .. names.Listed(catalog).Where(n => MayAsk(context, n)).Select(Routed), .. usable.Select(Model), .. usable.SelectMany(m => m.Aliases.Select(a => Alias(m, a.Value))), .. Embedders(context, catalog).Select(Embedder),
        ];
        return Answers.WriteAsync(context, new ModelsAnswer("list", [.. all.DistinctBy(m => m.Id)])); // a routed name may be a model's, too, and comes first here as elsewhere
    }

    /// <exception cref="ApiException">404: there is no such model, or the key's tenant may not use it; 400: a routed name that is malformed.</exception>
    private Task FindAsync(HttpContext context)
    {
        var (catalog, id) = (pool.Current.Catalog, PathName.Of(context, Models + "/"));
        var usable = Usable(context, catalog);
        var found = names.Find(id, catalog) is { } name && MayAsk(context, name) ? Routed(name) : usable.FirstOrDefault(m => m.Id.Value == id) is { } model ? Model(model)
            : usable.FirstOrDefault(m => m.Aliases.Any(a => a.Value == id)) is { } meant ? Alias(meant, id)
            : Embedders(context, catalog).FirstOrDefault(u => u.Model == id) is { } embedder ? Embedder(embedder)
            : throw CatalogModels.NotFound(id, usable, "model");
        return Answers.WriteAsync(context, found);
    }

    /// <summary>A threshold names its models, which a tenant that is always routed may not.</summary>
    private bool MayAsk(HttpContext context, RoutedNames.Described name) => !name.IsThreshold || !access.IsRoutedOnly(Edge.TenantOf(context));

    /// <summary>What the key's tenant may ask for.</summary>
    private ModelProfile[] Usable(HttpContext context, ModelCatalog catalog) => access.IsRoutedOnly(Edge.TenantOf(context)) ? [] : [.. catalog.Models.Where(m => access.Allows(Edge.TenantOf(context), null, m.Id))];

    private IEnumerable<UpstreamOptions> Embedders(HttpContext context, ModelCatalog catalog) =>
        settings.Embedders.Values.Where(u => settings.OnlyEmbeds(u.Model, catalog) && access.Allows(Edge.TenantOf(context), null, new ModelId(u.Model)));

    /// <summary>Ready: the snapshot is loaded. Without its store it is degraded and still routes, so it stays in service; without its cluster it is degraded and waits for it.</summary>
    private async Task HealthAsync(HttpContext context)
    {
        var status = guard.IsForeign || !router.IsThere ? "degraded" : "ok";
        try
        {
            await store.ReadValueAsync("health", context.RequestAborted).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            status = "degraded";
        }

        var current = pool.Current;
        var resting = upstreams.Open().Select(o => new RestingAnswer(o.Model.Value, o.Until is { } until ? ApiNames.Time(until) : null)).ToArray();
        await Answers.WriteAsync(context, new HealthAnswer(status, ApiNames.Snapshot(current.Snapshot.Version), current.Catalog.Count, settings.IsSimulated)
        {
            Resting = resting.Length > 0 ? resting : null,
            StoreLostAt = guard.LossSeen is { } seen ? ApiNames.Time(seen) : null,
        }).ConfigureAwait(false);
    }

    private static ModelAnswer Routed(RoutedNames.Described name) => new(name.Name, "model", 0, "metarouter") { LambdaCost = name.LambdaCost, Description = name.Description };

    private static ModelAnswer Embedder(UpstreamOptions upstream) => new(upstream.Model, "model", 0, "upstream")
    {
        InputPriceUsdPerMillion = upstream.EmbeddingPrice,
        Description = "makes embeddings (POST /v1/embeddings), and is never routed to",
    };

    private ModelAnswer Alias(ModelProfile model, string name) => Model(model) with { Id = name, Description = $"another name of {model.Id}" };

    private ModelAnswer Model(ModelProfile model) => new(model.Id.Value, "model", 0, settings.IsSimulated ? "simulated" : "upstream")
    {
        InputPriceUsdPerMillion = model.InputPrice.Usd,
        OutputPriceUsdPerMillion = model.OutputPrice.Usd,
        ContextWindow = model.ContextWindow,
        Enabled = model.Enabled,
    };
}
