using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Router;

/// <summary>What an operator sets while the gateway runs, beside the models: the mode, and the key that receipts are sealed with.</summary>
internal sealed class OperatorEndpoints(IEdgeRouter router, ModeKeeper mode, KeyRotation keys, RoutingPolicy policy, TimeProvider time, GatewaySettings settings) : IEndpoints
{
    private const string Mode = "/v1/router/mode";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapRead(Mode, context => Answers.WriteAsync(context, InForce())).WithMetadata(NeedsScope.Read);
        routes.MapPut(Mode, SetModeAsync).WithMetadata(NeedsScope.Operator);
        routes.MapPost("/v1/router/keys/rotate", RotateAsync).WithMetadata(NeedsScope.Operator);
    }

    private ModeAnswer InForce() => mode.Mode is ModeKeeper.Apply and var apply && settings.Gateway.ApplyShare < 1 ? new(apply, settings.Gateway.ApplyShare) : new(mode.Mode);

    private async Task SetModeAsync(HttpContext context)
    {
        var wanted = await RequestBody.ReadTextAsync(context, settings.Gateway, "mode", "apply, observe or static, or \"\" for the configuration's").ConfigureAwait(false);
        if (wanted is not ("" or ModeKeeper.Apply or ModeKeeper.Observe or ModeKeeper.Static))
        {
            throw ApiException.BadValue("mode", $"'mode' is '{wanted}'; it must be apply, observe or static, or \"\" for the configuration's.");
        }

        await mode.SetAsync(wanted.Length == 0 ? null : wanted, context.RequestAborted).ConfigureAwait(false);
        await Answers.WriteAsync(context, InForce()).ConfigureAwait(false);
    }

    /// <summary>Receipts sealed with the earlier keys stay valid until they expire, unless these keys are dropped at once.</summary>
    private async Task RotateAsync(HttpContext context)
    {
        if (router is not InProcessRouter)
        {
            throw new ApiException(
                501, ErrorCodes.InvalidRequest, "not_on_cluster",
                "On a cluster silos and gateways read the receipt keys at their start only, so they are not rotated while it runs.");
        }

        var body = await RequestBody.ReadRouterAsync(context, settings.Gateway).ConfigureAwait(false);
        using var document = RequestBody.ParseObject(body.Length > 0 ? body : "{}"u8.ToArray()); // its one field may be missing
        var atOnce = new Fields(document.RootElement, ["at_once"]).Flag("at_once");
        var key = await keys.RotateAsync(atOnce, context.RequestAborted).ConfigureAwait(false);
        var from = atOnce ? time.GetUtcNow() : DateTimeOffset.FromUnixTimeMilliseconds(key.SealsFromMs);
        await Answers.WriteAsync(context, new RotatedAnswer(key.Id, ApiNames.Time(from), ApiNames.Time(atOnce ? from : from + policy.Sealer.Lifetime))).ConfigureAwait(false);
    }
}
