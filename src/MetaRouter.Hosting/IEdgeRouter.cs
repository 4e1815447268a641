using MetaRouter.Core.Routing;

namespace MetaRouter.Hosting;

/// <summary>What an edge asks of a router beyond the port: callers nobody knows, and decisions whose fate it logs itself.</summary>
public interface IEdgeRouter : IRouter
{
    /// <summary>A decision for somebody nobody knows, from the prior alone; nothing is read or kept.</summary>
    ValueTask<RouteDecision> RouteAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="IRouter.RouteAsync"/>; the caller logs the decision when it knows what became of it.</summary>
    ValueTask<RouteDecision> DecideAsync(string tenant, string user, RouteRequest request, CancellationToken cancellationToken = default);

    /// <summary>As <see cref="RouteAnonymousAsync"/>; the caller logs the decision when it knows what became of it.</summary>
    ValueTask<RouteDecision> DecideAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default);
}
