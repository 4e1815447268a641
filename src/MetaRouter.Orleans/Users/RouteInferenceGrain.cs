using MetaRouter.Core.Routing;
using MetaRouter.Hosting.Stores;
using global::Orleans.Concurrency;

namespace MetaRouter.Orleans.Users;

/// <summary>Encodes, predicts and decides, on the silo that asks and off the user's turn.</summary>
[StatelessWorker]
internal sealed class RouteInferenceGrain(SiloRouter router) : Grain, IRouteInferenceGrain
{
    public ValueTask<RouteDecision> DecideAsync(UserAtHand user, RouteRequest request, DecisionMoment moment) => new(router.Decide(user.On(router.Pool.Current), request, moment));

    public ValueTask<RouteDecision> RouteAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        router.Enter();
        try
        {
            return new(router.Decide(router.Pool.Newcomer, request, router.Moment(new UserKey(router.TenantOf(tenant), 0), 0)));
        }
        finally
        {
            router.Leave();
        }
    }
}
