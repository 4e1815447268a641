using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Router;

/// <summary><c>/v1/router/models</c>: the models to route among, which an operator can replace while the gateway runs.</summary>
internal sealed class CatalogEndpoints(IEdgeRouter router, CatalogKeeper keeper, PoolHolder pool, Upstreams upstreams, GatewaySettings settings) : IEndpoints
{
    private const string Models = "/v1/router/models";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapRead(Models, ModelsAsync).WithMetadata(NeedsScope.Read);
        routes.MapPut(Models, SetModelsAsync).WithMetadata(NeedsScope.Operator);
        routes.MapDelete(Models, ResetModelsAsync).WithMetadata(NeedsScope.Operator);
    }

    private Task ModelsAsync(HttpContext context)
    {
        var catalog = pool.Current.Catalog;
        context.Response.Headers.ETag = CatalogJson.Etag(catalog);
        return Answers.WriteJsonAsync(context, CatalogJson.Write(catalog));
    }

    private async Task SetModelsAsync(HttpContext context)
    {
        ShouldBeHere();
        var bytes = await RequestBody.ReadRouterAsync(context, settings.Gateway).ConfigureAwait(false);
        var catalog = Read(bytes);
        Check(catalog);
        if (!await keeper.ReplaceAsync(catalog, Expected(context), context.RequestAborted).ConfigureAwait(false))
        {
            throw new ApiException(
                412, ErrorCodes.InvalidRequest, "etag_mismatch",
                $"The catalog in service is {CatalogJson.Etag(pool.Current.Catalog)}, and If-Match names {context.Request.Headers.IfMatch}: "
                    + "somebody changed it meanwhile. Read it again and apply your change to that.",
                "If-Match");
        }

        await ModelsAsync(context).ConfigureAwait(false);
    }

    private static ModelCatalog Read(byte[] bytes)
    {
        try
        {
            return CatalogJson.Read(bytes);
        }
        catch (ArgumentException e)
        {
            throw new ApiException(
                400, ErrorCodes.InvalidRequest, "invalid_catalog",
                e.Message.ReplaceLineEndings(" ").Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal), "models");
        }
    }

    /// <summary>Checks that some model is enabled, all are served, and siblings are known.</summary>
    /// <exception cref="ApiException">400 or 422: one of these does not hold.</exception>
    private void Check(ModelCatalog catalog)
    {
        if (!catalog.Models.Any(m => m.Enabled))
        {
            throw new ApiException(422, ErrorCodes.InvalidRequest, "invalid_catalog", $"The catalog has {catalog.Count} models but none is enabled, "
                + "so nothing could be routed; enable one.", "models");
        }

        var known = catalog.Models.Concat(pool.Current.Snapshot.Models).Select(m => m.Id).ToHashSet();
        if (catalog.Models.FirstOrDefault(m => m.Sibling is { } sibling && !known.Contains(sibling)) is { } orphan)
        {
            throw new ApiException(
                400, ErrorCodes.InvalidRequest, "invalid_catalog",
                $"The model '{orphan.Id}' has the sibling '{orphan.Sibling}', which is neither in this catalog nor in the snapshot, "
                    + "so the model would be judged by its price. Name one that is, or leave it out.",
                "models");
        }

        var homeless = catalog.Models.Where(m => m.Enabled && !upstreams.Serves(m.Id)).Select(m => m.Id.Value).ToArray();
        if (homeless.Length > 0)
        {
            throw new ApiException(
                422, ErrorCodes.InvalidRequest, "model_not_served",
                $"No upstream serves {string.Join(", ", homeless)}. Upstreams come from the configuration only: "
                    + $"add each to section {UpstreamOptions.Section}, or an entry for *, or leave these models out or disabled.",
                "models");
        }
    }

    private async Task ResetModelsAsync(HttpContext context)
    {
        ShouldBeHere();
        await keeper.ResetAsync(context.RequestAborted).ConfigureAwait(false);
        await ModelsAsync(context).ConfigureAwait(false);
    }

    /// <summary>Silos decide by their own models; a change at the gateways alone would be half a change.</summary>
    private void ShouldBeHere()
    {
        if (router is not InProcessRouter)
        {
            throw new ApiException(
                501, ErrorCodes.InvalidRequest, "not_on_cluster",
                "On a cluster the models are those of the silos' configuration, section MetaRouter:Models. Change them there and restart the silos one by one.",
                "models");
        }
    }

    private static ulong? Expected(HttpContext context)
    {
        var etag = context.Request.Headers.IfMatch.ToString();
        return etag.Length is 0 || etag == "*" ? null
            : etag.Length == 18 && ulong.TryParse(etag.AsSpan(1, 16), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var version) ? version
            : throw ApiException.BadValue("If-Match", $"The header If-Match is '{etag}'; it must be the ETag that GET {Models} gave, with its quotes.");
    }
}
