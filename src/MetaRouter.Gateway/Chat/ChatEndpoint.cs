using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Router;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Chat;

/// <summary><c>POST /v1/chat/completions</c>: chooses a model, lets its upstream answer, and says which it was.</summary>
internal sealed class ChatEndpoint(InProcessRouter router, PoolHolder pool, Upstreams upstreams, GatewaySettings settings)
{
    public const string Auto = "auto";
    private const string Requested = "requested", Off = "off";

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/chat/completions", ChatAsync).WithMetadata(new NeedsScope(Scope.Inference, "inference"));

    private async Task ChatAsync(HttpContext context)
    {
        // 1. Read as little as possible of the request.
        var controls = ChatControls.Read(context.Request.Headers);
        var bytes = await RequestBody.ReadAsync(context, settings.Gateway.ChatBodyBytes, "Gateway:ChatBodyBytes").ConfigureAwait(false);
        var body = ChatBody.Read(bytes);

        // 2. Choose.
        var catalog = pool.Current.Catalog;
        var isAuto = TryDial(body.Model, out var dial);
        var unrouted = !isAuto ? CatalogModels.Find(catalog, body.Model, "model") : controls.Mode == RoutingMode.Apply ? null : Strongest(catalog);
        var request = new RouteRequest(body.Asked.Text) { PromptTokens = body.Asked.PromptTokens, LambdaCost = dial, Needs = body.Needs with { MaxCostUsd = controls.MaxCostUsd } };
        var decision = controls.Mode == RoutingMode.Observe || unrouted is null ? await DecideAsync(context, body, request).ConfigureAwait(false) : null;
        if (unrouted is not null && controls.MaxCostUsd is not null)
        {
            // Named or not, a model over the caller's limit is refused.
            _ = router.RouteAnonymous(Edge.CallerOf(context).Tenant, request with { Needs = request.Needs with { AllowedModels = new HashSet<ModelId> { unrouted.Id } } });
        }

        // 3. Say who answers, why, and by which receipt feedback finds its way back; a failure of the upstream is told with it.
        var model = unrouted ?? catalog.Models[decision!.ChosenIndex];
        var headers = context.Response.Headers;
        headers["x-router-model"] = model.Id.Value;
        headers["x-router-reason"] = unrouted is null ? Names.Of(decision!.Reason) : isAuto ? Off : Requested;
        headers["x-router-explored"] = unrouted is null && decision!.Reason == DecisionReason.Explored ? "true" : "false";
        headers["x-router-policy-version"] = Names.Snapshot(pool.Current.Snapshot.Version);
        if (decision is not null)
        {
            headers["x-router-policy-version"] = Names.Snapshot(decision.SnapshotVersion);
            headers[unrouted is null ? "x-router-decision" : "x-router-observed"] = unrouted is null ? decision.Token : decision.Model.Value;
        }

        // 4. Let it answer.
        var answer = await upstreams.ChatAsync(model.Id, bytes, context.RequestAborted).ConfigureAwait(false);

        if (answer.Status != StatusCodes.Status200OK)
        {
            context.Response.StatusCode = answer.Status;
            headers.RetryAfter = answer.RetryAfter;
            await Answers.WriteAsync(context, answer.Body).ConfigureAwait(false);
            return;
        }

        double? cost = answer.Usage is { Prompt: 0, Completion: 0 } ? unrouted is not null ? null : decision?.Candidates[decision.ChosenIndex].Predicted.CostUsd
            : model.InputPrice.CostUsd(answer.Usage.Prompt) + model.OutputPrice.CostUsd(answer.Usage.Completion);
        if (cost is { } usd)
        {
            headers["x-router-cost-usd"] = usd.ToString("0.##########", CultureInfo.InvariantCulture);
        }

        var json = JsonSplice.Set(answer.Body, "model", model.Id.Value);
        await Answers.WriteAsync(context, unrouted is null ? JsonSplice.Set(json, "id", decision!.Token) : json).ConfigureAwait(false);
    }

    private async ValueTask<RouteDecision> DecideAsync(HttpContext context, ChatBody body, RouteRequest request)
    {
        var tenant = Edge.CallerOf(context).Tenant;
        var user = body.User ?? UserId.Check(context.Request.Headers[ChatControls.UserHeader], ChatControls.UserHeader);
        return user is null ? router.RouteAnonymous(tenant, request) : await router.RouteAsync(tenant, user, request, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>True for auto and its aliases; the alias' place on the dial, null: the user's own.</summary>
    private bool TryDial(string model, out double? lambda)
    {
        lambda = model switch
        {
            "auto:quality" => settings.Gateway.QualityLambda,
            "auto:balanced" => settings.Gateway.BalancedLambda,
            "auto:cheap" => settings.Gateway.CheapLambda,
            _ => null,
        };
        return lambda is not null || model == Auto;
    }

    /// <summary>Who answers <c>auto</c> without routing: what routing's savings are measured against.</summary>
    private ModelProfile Strongest(ModelCatalog catalog) => settings.Gateway.OffModel.Length > 0
        ? catalog.Models[catalog.IndexOf(new ModelId(settings.Gateway.OffModel))]
        : catalog.Models.Where(m => m.Enabled).DefaultIfEmpty(catalog.Models[0]).MaxBy(m => m.InputPrice.Usd + m.OutputPrice.Usd)!;
}
