using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Router;

/// <summary>What a user may ask to have done with what was learned, and what an operator sets while the gateway runs.</summary>
internal sealed class AdminEndpoints(IEdgeRouter router, CatalogKeeper keeper, PoolHolder pool, Upstreams upstreams, ModeKeeper mode, Deeds deeds, KeyRotation keys, RoutingPolicy policy, RouterSecrets secrets, WebConsole.Watch watch, SavingsReports savings, MetaRouterOptions options, TimeProvider time, GatewaySettings settings)
{
    private const string User = RouterEndpoints.Users + "{id}", Models = "/v1/router/models", Mode = "/v1/router/mode";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapRead(User + "/export", ExportAsync).WithMetadata(NeedsScope.Read);
        routes.MapPost(User + "/import", ImportAsync).WithMetadata(NeedsScope.Admin);
        routes.MapPost(User + "/reset", ResetAsync).WithMetadata(NeedsScope.Admin);
        routes.MapPost(User + "/verify", VerifyAsync).WithMetadata(NeedsScope.Read);
        routes.MapRead(Models, ModelsAsync).WithMetadata(NeedsScope.Read);
        routes.MapPut(Models, SetModelsAsync).WithMetadata(NeedsScope.Admin);
        routes.MapDelete(Models, ResetModelsAsync).WithMetadata(NeedsScope.Admin);
        routes.MapRead(Mode, context => Answers.WriteAsync(context, new ModeAnswer(mode.Mode))).WithMetadata(NeedsScope.Read);
        routes.MapPut(Mode, SetModeAsync).WithMetadata(NeedsScope.Admin);
        routes.MapPost("/v1/router/keys/rotate", RotateAsync).WithMetadata(NeedsScope.Admin);
        routes.MapRead("/v1/router/decisions", DecisionsAsync).WithMetadata(NeedsScope.Admin);
        routes.MapRead("/v1/router/savings", SavingsAsync).WithMetadata(NeedsScope.Read);
    }

    private async Task ExportAsync(HttpContext context)
    {
        var id = RouterEndpoints.IdOf(context, "/export");
        var record = await router.ExportAsync(Tenant(context), id, context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, new ExportAnswer(id, Convert.ToBase64String(record), UserState.Read(record).Count, Now())).ConfigureAwait(false);
    }

    private async Task ImportAsync(HttpContext context)
    {
        var id = RouterEndpoints.IdOf(context, "/import");
        var record = await RequestBody.ReadTextAsync(context, settings.Gateway, "record", "what /export gave").ConfigureAwait(false);
        UserModel user;
        try
        {
            user = await router.ImportAsync(Tenant(context), id, Convert.FromBase64String(record), context.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FormatException or UserStateException)
        {
            throw ApiException.BadValue("record", $"'record' cannot be taken: {e.Message} Send the text that /export gave, unchanged.");
        }

        await DoneAsync(context, Deeds.Imported, id, user.State.Count).ConfigureAwait(false);
    }

    private async Task ResetAsync(HttpContext context)
    {
        var id = RouterEndpoints.IdOf(context, "/reset");
        await router.EraseAsync(Tenant(context), id, context.RequestAborted).ConfigureAwait(false);
        watch.Forget(Tenant(context), id);
        await DoneAsync(context, Deeds.Reset, id, 0).ConfigureAwait(false);
    }

    private async Task VerifyAsync(HttpContext context)
    {
        var id = RouterEndpoints.IdOf(context, "/verify");
        var receipt = await RequestBody.ReadTextAsync(context, settings.Gateway, "receipt", "what erase, reset or import gave").ConfigureAwait(false);
        var found = deeds.Check(receipt, Tenant(context), id);
        await Answers.WriteAsync(context, new VerifyAnswer(found is not null, found?.Deed, found is var (_, at) ? Names.Time(at) : null)).ConfigureAwait(false);
    }

    private Task DoneAsync(HttpContext context, string deed, string id, int signals) =>
        Answers.WriteAsync(context, new DeedAnswer(deed, id, signals, Now(), deeds.Certify(deed, Tenant(context), id, time.GetUtcNow())));

    private Task ModelsAsync(HttpContext context)
    {
        var catalog = pool.Current.Catalog;
        context.Response.Headers.ETag = CatalogJson.Etag(catalog);
        return Answers.WriteJsonAsync(context, CatalogJson.Write(catalog));
    }

    private async Task SetModelsAsync(HttpContext context)
    {
        NotOnCluster();
        var bytes = await RequestBody.ReadRouterAsync(context, settings.Gateway).ConfigureAwait(false);
        ModelCatalog catalog;
        try
        {
            catalog = CatalogJson.Read(bytes);
        }
        catch (ArgumentException e)
        {
            throw new ApiException(400, ErrorCodes.InvalidRequest, "invalid_catalog", e.Message.ReplaceLineEndings(" ").Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal), "models");
        }

        if (!catalog.Models.Any(m => m.Enabled))
        {
            throw new ApiException(422, ErrorCodes.InvalidRequest, "invalid_catalog", $"The catalog has {catalog.Count} models and none is enabled, so nothing could be routed; enable one.", "models");
        }

        var known = catalog.Models.Concat(pool.Current.Snapshot.Models).Select(m => m.Id).ToHashSet();
        if (catalog.Models.FirstOrDefault(m => m.Sibling is { } sibling && !known.Contains(sibling)) is { } orphan)
        {
            throw new ApiException(400, ErrorCodes.InvalidRequest, "invalid_catalog", $"The model '{orphan.Id}' has the sibling '{orphan.Sibling}', which neither this catalog nor the snapshot has, so it would be judged by its price. Name one that they have, or leave it out.", "models");
        }

        var homeless = catalog.Models.Where(m => m.Enabled && !upstreams.Serves(m.Id)).Select(m => m.Id.Value).ToArray();
        if (homeless.Length > 0)
        {
            throw new ApiException(422, ErrorCodes.InvalidRequest, "model_not_served", $"No upstream serves {string.Join(", ", homeless)}. Upstreams come from the configuration only: add each to section {UpstreamOptions.Section}, or an entry for *, or leave these models out or disabled.", "models");
        }

        if (!await keeper.ReplaceAsync(catalog, Expected(context), context.RequestAborted).ConfigureAwait(false))
        {
            throw new ApiException(412, ErrorCodes.InvalidRequest, "etag_mismatch", $"The catalog in service is {CatalogJson.Etag(pool.Current.Catalog)}, and If-Match names {context.Request.Headers.IfMatch}: somebody changed it meanwhile. Read it again and apply your change to that.", "If-Match");
        }

        await ModelsAsync(context).ConfigureAwait(false);
    }

    private async Task ResetModelsAsync(HttpContext context)
    {
        NotOnCluster();
        await keeper.ResetAsync(context.RequestAborted).ConfigureAwait(false);
        await ModelsAsync(context).ConfigureAwait(false);
    }

    /// <summary>Silos decide by their own models; a change that reached the gateways alone would be half a change.</summary>
    private void NotOnCluster()
    {
        if (router is not InProcessRouter)
        {
            throw new ApiException(501, ErrorCodes.InvalidRequest, "not_on_cluster", "On a cluster the models are those of the silos' configuration, section MetaRouter:Models. Change them there and restart the silos one by one.", "models");
        }
    }

    private async Task SetModeAsync(HttpContext context)
    {
        var wanted = await RequestBody.ReadTextAsync(context, settings.Gateway, "mode", "apply, observe or static, or \"\" for the configuration's").ConfigureAwait(false);
        if (wanted is not ("" or ModeKeeper.Apply or ModeKeeper.Observe or ModeKeeper.Static))
        {
            throw ApiException.BadValue("mode", $"'mode' is '{wanted}'; it must be apply, observe or static, or \"\" for the configuration's.");
        }

        await mode.SetAsync(wanted.Length == 0 ? null : wanted, context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, new ModeAnswer(mode.Mode)).ConfigureAwait(false);
    }

    /// <summary>The earlier keys open what they sealed until it expires, unless they are thrown away at once.</summary>
    private async Task RotateAsync(HttpContext context)
    {
        if (router is not InProcessRouter)
        {
            throw new ApiException(501, ErrorCodes.InvalidRequest, "not_on_cluster", "On a cluster silos and gateways read the receipt keys at their start only, so they are not rotated while it runs.");
        }

        var body = await RequestBody.ReadRouterAsync(context, settings.Gateway).ConfigureAwait(false);
        using var document = RequestBody.ParseObject(body.Length > 0 ? body : "{}"u8.ToArray()); // its one field may be missing
        var atOnce = new Fields(document.RootElement, ["at_once"]).Flag("at_once");
        var key = await keys.RotateAsync(atOnce, context.RequestAborted).ConfigureAwait(false);
        var from = atOnce ? time.GetUtcNow() : DateTimeOffset.FromUnixTimeMilliseconds(key.SealsFromMs);
        await Answers.WriteAsync(context, new RotatedAnswer(key.Id, Names.Time(from), Names.Time(atOnce ? from : from + policy.Sealer.Lifetime))).ConfigureAwait(false);
    }

    private async Task DecisionsAsync(HttpContext context)
    {
        var lines = Log(Tenant(context), context.RequestAborted);
        context.Response.ContentType = "application/x-ndjson";
        await using var output = new StreamWriter(context.Response.Body, leaveOpen: true);
        await foreach (var line in lines.ConfigureAwait(false))
        {
            await output.WriteLineAsync(line.AsMemory(), context.RequestAborted).ConfigureAwait(false);
        }
    }

    private async Task SavingsAsync(HttpContext context)
    {
        var tenant = Tenant(context);
        var report = await savings.GetAsync(tenant, () => SavingsReport.ReadAsync(Log(tenant, CancellationToken.None)), context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, report).ConfigureAwait(false);
    }

    /// <summary>What was noted of a tenant.</summary>
    private IAsyncEnumerable<string> Log(string tenant, CancellationToken cancellationToken)
    {
        try
        {
            return DecisionLog.Read(options.DecisionLog, secrets.HashOf(tenant), cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ApiException(404, ErrorCodes.InvalidRequest, "no_decision_log", options.DecisionLog.Length == 0 ? "No decisions are logged. Name a file in MetaRouter:DecisionLog." : $"The decision log '{options.DecisionLog}' cannot be read: {e.Message}");
        }
    }

    private static ulong? Expected(HttpContext context)
    {
        var etag = context.Request.Headers.IfMatch.ToString();
        return etag.Length is 0 || etag == "*" ? null
            : etag.Length == 18 && ulong.TryParse(etag.AsSpan(1, 16), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var version) ? version
            : throw ApiException.BadValue("If-Match", $"The header If-Match is '{etag}'; it must be the ETag that GET {Models} gave, with its quotes.");
    }

    private static string Tenant(HttpContext context) => Edge.CallerOf(context).Tenant;

    private string Now() => Names.Time(time.GetUtcNow());
}
