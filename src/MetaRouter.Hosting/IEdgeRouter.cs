using MetaRouter.Core.Routing;

namespace MetaRouter.Hosting;

/// <summary>What an edge asks of a router beyond the port: decisions whose fate it logs itself.</summary>
public interface IEdgeRouter : IRouter
{
    /// <summary>False: decisions are taken elsewhere, and that place did not answer when last asked.</summary>
    bool IsThere => true;

    /// <summary>As <see cref="IRouter.RouteAsync"/>; the caller logs the decision when it knows what became of it.</summary>
    ValueTask<RouteDecision> DecideAsync(string tenant, string user, RouteRequest request, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="IRouter.RouteAnonymousAsync"/>; the caller logs the decision when it knows what became of it.</summary>
    ValueTask<RouteDecision> DecideAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default);
}
