using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Router;

/// <summary><c>POST /v1/router/route</c>: a decision, for callers that call the model themselves.</summary>
internal sealed class RoutingEndpoint(IEdgeRouter router, PoolHolder pool, RateLimits rates, ModelAccess access, Upstreams upstreams, ConsoleRecorder recorder, GatewaySettings settings) : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/router/route", RouteAsync).WithMetadata(NeedsScope.Inference);

    private async Task RouteAsync(HttpContext context)
    {
        var bytes = await RequestBody.ReadRouterAsync(context, settings.Gateway).ConfigureAwait(false);
        var body = RouteBody.Read(bytes, context, pool.Current.Catalog);
        var tenant = Edge.TenantOf(context);
        var request = Narrowed(body.Request, context, tenant);
        await rates.AdmitUserAsync(context, tenant, body.User).ConfigureAwait(false);
        var decision = await EvenResting.DecideAsync(
            request,
            r => body.User is { } user ? router.RouteAsync(tenant, user, r, context.RequestAborted) : router.RouteAnonymousAsync(tenant, r, context.RequestAborted)).ConfigureAwait(false);
        recorder.Decided(tenant, decision);
        await Answers.WriteAsync(context, Answer(decision, pool.Current)).ConfigureAwait(false);
    }

    /// <summary>The request limited to the models that its tenant and category allow, without those that are failing.</summary>
    public RouteRequest Narrowed(RouteRequest request, HttpContext context, string tenant)
    {
        var category = context.Request.Headers[ModelAccess.CategoryHeader].ToString();
        var catalog = pool.Current.Catalog;
        var (allowed, unhealthy, usedUp, own) = (
            access.Allowed(catalog, tenant, category.Length == 0 ? null : category),
            upstreams.Unhealthy(catalog), access.UsedUp(tenant), request.Needs.AllowedModels);
        return allowed is null && unhealthy is null && usedUp is null ? request
            : request with { Needs = request.Needs with { UnhealthyModels = unhealthy, UsedUpModels = usedUp, AllowedModels = allowed is null ? own
                : own is null ? allowed
                : allowed.Where(own.Contains).ToHashSet() } };
    }

    private static RouteAnswer Answer(RouteDecision decision, RoutingPool pool)
    {
        var candidates = decision.Candidates;
        var ranking = new RankedAnswer[candidates.Count];
        for (var i = 0; i < ranking.Length; i++)
        {
            var one = candidates[i];
            var allowed = one.Exclusion == ModelExclusion.None;
            ranking[i] = new(
                one.Model.Value, one.Predicted.Quality, allowed ? one.Counted(decision.Preference, decision.CostScaleUsd).Quality : null,
                one.Predicted.CostUsd, one.Predicted.LatencySeconds > 0 ? one.Predicted.LatencySeconds : null,
                allowed ? one.Utility : null, one.Propensity, pool.JudgedByPrice.Contains(one.Model) ? "price" : null, allowed ? null : ApiNames.Of(one.Exclusion));
        }

        Array.Sort(ranking, static (a, b) => (b.Utility ?? float.NegativeInfinity).CompareTo(a.Utility ?? float.NegativeInfinity));
        return new(
            new SealedReceipt(decision), decision.Model.Value, decision.Offered?.Value,
            DecisionReasonNames.Of(decision.Reason), Explanation.Of(decision, pool.JudgedByPrice), (float)decision.Propensity,
            decision.Reason == DecisionReason.Explored, BeliefAnswers.Rounded(decision.LambdaCost), BeliefAnswers.Rounded(decision.LambdaLatency),
            pool.IsFree || !(decision.CostScaleUsd > 0) ? 0 : decision.CostScaleUsd, ApiNames.Snapshot(decision.SnapshotVersion), ranking);
    }
}
