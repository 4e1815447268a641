using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Router;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway.Chat;

/// <summary>The models on offer, and whether the gateway is well.</summary>
internal sealed class ModelEndpoints(IEdgeRouter router, PoolHolder pool, IUserStore store, StoreGuard guard, Upstreams upstreams, RoutedNames names, GatewaySettings settings)
{
    private static readonly Lazy<byte[]> s_openApi = new(() =>
    {
        using var document = typeof(ModelEndpoints).Assembly.GetManifestResourceStream("openapi.json")!;
        var bytes = new byte[document.Length];
        document.ReadExactly(bytes);
        return bytes;
    });

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/models", ListAsync).WithMetadata(new NeedsScope(Scope.Inference | Scope.Read, "inference or read"));
        routes.MapGet("/v1/models/{**model}", OneAsync).WithMetadata(new NeedsScope(Scope.Inference | Scope.Read, "inference or read")); // some names have slashes
        routes.MapGet("/health", HealthAsync).WithMetadata(new NoKeyNeeded());
        routes.MapGet("/openapi/v1.json", context => Answers.WriteJsonAsync(context, s_openApi.Value)).WithMetadata(new NoKeyNeeded());
        routes.MapGet("/alive", context => Answers.WriteAsync(context, new AliveAnswer("ok"))).WithMetadata(new NoKeyNeeded());
    }

    private Task ListAsync(HttpContext context) => Answers.WriteAsync(
        context,
        new ModelsAnswer("list",
        [
            .. Aliases(),
            .. pool.Current.Catalog.Models.Select(Model),
        ]));

    private Task OneAsync(HttpContext context)
    {
        var name = Uri.UnescapeDataString((string?)context.Request.RouteValues["model"] ?? ""); // %2F stays as it is in a path
        return Answers.WriteAsync(context, Aliases().FirstOrDefault(a => a.Id == name) ?? Model(CatalogModels.Find(pool.Current.Catalog, name, "model")));
    }

    private IEnumerable<ModelAnswer> Aliases() => names.Listed(pool.Current.Catalog).Select(n => Alias(n.Name, n.LambdaCost, n.Description));

    /// <summary>Ready: the snapshot is loaded. Without its store it is degraded and still routes, so it stays in service; without its cluster it waits for that.</summary>
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
        var resting = upstreams.Open().Select(o => new RestingAnswer(o.Model.Value, o.Until.UtcDateTime.ToString("O", CultureInfo.InvariantCulture))).ToArray();
        await Answers.WriteAsync(context, new HealthAnswer(status, Names.Snapshot(current.Snapshot.Version), current.Catalog.Count, settings.IsDemo) { Resting = resting.Length > 0 ? resting : null, StoreLostAt = guard.LossSeen?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture) }).ConfigureAwait(false);
    }

    private static ModelAnswer Alias(string id, double? lambda, string description) => new(id, "model", 0, "metarouter") { LambdaCost = lambda, Description = description };

    private ModelAnswer Model(ModelProfile model) => new(model.Id.Value, "model", 0, settings.IsDemo ? "simulated" : "upstream")
    {
        InputPriceUsdPerMillion = model.InputPrice.Usd,
        OutputPriceUsdPerMillion = model.OutputPrice.Usd,
        ContextWindow = model.ContextWindow,
        Enabled = model.Enabled,
    };
}
