using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Core.Traffic;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Router;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>Trying requests without making them, and the models as they are.</summary>
internal sealed class PlaygroundPages(
    IEdgeRouter router,
    RoutingEndpoint routing,
    RoutingPolicy policy,
    PoolHolder pool,
    Upstreams upstreams,
    ConsoleFigures figures,
    AnswerLengths lengths,
    TimeProvider time,
    GatewaySettings settings) : IEndpoints
{
    private const string Path = ConsoleEndpoints.Root + "/playground";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Path, PlayAsync).WithMetadata(NeedsScope.Read);
        routes.MapRead(ConsoleEndpoints.Root + "/models", ModelsAsync).WithMetadata(NeedsScope.Read);
    }

    /// <summary>Predicts and ranks as a decision would, and keeps nothing of it: there is no receipt to learn by.</summary>
    private async Task PlayAsync(HttpContext context)
    {
        using var document = RequestBody.ParseObject(await RequestBody.ReadRouterAsync(context, settings.Gateway).ConfigureAwait(false));
        var (input, id) = RequestBody.AsText(() =>
        {
            var fields = new Fields(document.RootElement, ["input", "user"]);
            return (fields.Text("input"), fields.Text("user"));
        });
        var text = input ?? throw ApiException.Missing("input", "the request to try as a text");
        var tenant = Edge.TenantOf(context);
        var user = UserId.Check(id, "user") is { } named ? await router.GetUserAsync(tenant, named, context.RequestAborted).ConfigureAwait(false) : pool.Newcomer;
        var belief = user.Belief;
        var request = routing.Narrowed(new RouteRequest(text) { MayExplore = false }, context, tenant);
        var decision = user.Decide(request, policy, new DecisionMoment(0, 0, time.GetUtcNow().ToUnixTimeMilliseconds(), 0, 0), new RequestEncoding());
        var (outcomes, allowed) = (
            decision.Candidates.Select(c => c.Counted(decision.Preference, decision.CostScaleUsd)).ToArray(),
            decision.Candidates.Select(c => c.Exclusion == ModelExclusion.None).ToArray());
        await ConsoleEndpoints.WriteAsync(
            context,
            new PlaygroundView(
                [.. decision.Candidates.Select((c, k) => new PlaygroundCandidateView(
                    c.Model.Value, outcomes[k].Quality,
                    ConsoleRows.Digits(user.Pool.QualityDeviation(c)),
                    c.Predicted.CostUsd, ConsoleRows.Latency(c.Predicted),
                    c.Exclusion == ModelExclusion.None ? null : ApiNames.Of(c.Exclusion)))],
                user.Pool.ReportedScaleUsd,
                new(belief.GeometricMean, belief.Quantile(0.05), belief.Quantile(0.95), decision.LambdaCost),
                [.. DialReplay.Positions.Select(lambda => new DialModelView(
                    lambda,
                    decision.Candidates[DialReplay.Best(outcomes, allowed, lambda, user.Pool.CostScaleUsd)].Model.Value))])).ConfigureAwait(false);
    }

    private Task ModelsAsync(HttpContext context)
    {
        var catalog = pool.Current.Catalog;
        var used = figures.ModelsOfDay(Edge.TenantOf(context));
        var models = catalog.Models.Select(m =>
        {
            var use = used.GetValueOrDefault(m.Id.Value);
            return new ModelLineView(
                m.Id.Value, m.InputPrice.Usd, m.OutputPrice.Usd, m.CachedInputPrice?.Usd, m.OutputScale, m.ContextWindow,
                MetaRouterOptions.ModelOptions.NamesOf(m.Capabilities), m.LatencySeconds, m.Sibling?.Value, m.Enabled,
                upstreams.CircuitOf(m.Id), use.Requests, use.Errors, use.P50Ms, upstreams.HostsOf(m.Id), pool.Current.JudgedByPrice.Contains(m.Id), lengths.RatioOf(m));
        });
        context.Response.Headers.ETag = CatalogJson.Etag(catalog);
        return ConsoleEndpoints.WriteAsync(context, new ModelsView(CatalogJson.Etag(catalog), [.. models], [.. pool.Current.Snapshot.Models.Select(m => m.Id.Value)]));
    }
}
