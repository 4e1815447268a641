using MetaRouter.Core.Routing;

namespace MetaRouter.Orleans;

/// <summary>A stateless worker on every silo: encodes, predicts and decides off the user's turn, with the snapshot in service there.</summary>
[Alias("metarouter.inference")]
public interface IRouteInferenceGrain : IGrainWithIntegerKey
{
    /// <summary>Called by the user's grain on its own silo, where everything is passed by reference.</summary>
    [Alias("decide")]
    ValueTask<RouteDecision> DecideAsync(UserAtHand user, RouteRequest request, DecisionMoment moment);

    /// <summary>A decision for somebody nobody knows, from the prior alone; nothing is read or kept.</summary>
    /// <exception cref="RouterBusyException">The silo has as many requests in hand as it takes.</exception>
    [Alias("anonymous"), ResponseTimeout(IUserRouterGrain.CallTimeout)]
    ValueTask<RouteDecision> RouteAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default);
}
