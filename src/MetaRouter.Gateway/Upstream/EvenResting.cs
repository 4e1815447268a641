using MetaRouter.Core.Routing;

namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// Where all that may answer a request are left alone just now, one of them is chosen all the same. It may be tried by then; else its client is told when to ask again, whereas what
/// the rules refuse is refused for good.
/// </summary>
internal static class EvenResting
{
    /// <param name="decide">Is asked again, without regard to health, if it refuses.</param>
    /// <exception cref="NoModelAllowedException">No model may answer, resting or not.</exception>
    public static async ValueTask<RouteDecision> DecideAsync(RouteRequest request, Func<RouteRequest, ValueTask<RouteDecision>> decide)
    {
        try
        {
            return await decide(request).ConfigureAwait(false);
        }
        catch (NoModelAllowedException) when (request.Needs.UnhealthyModels is not null)
        {
            return await decide(request with { MayCompare = false, Needs = request.Needs with { UnhealthyModels = null } }).ConfigureAwait(false);
        }
    }
}
