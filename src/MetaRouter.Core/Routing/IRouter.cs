using MetaRouter.Core.Users;

namespace MetaRouter.Core.Routing;

/// <summary>
/// The port every way of running implements: in one process, among replicas, on a cluster. A user is (tenant, user id); a user nobody has met gets the prior.
/// </summary>
public interface IRouter
{
    /// <summary>Which model answers; nothing is written.</summary>
    /// <exception cref="NoModelAllowedException">The guardrails leave no model.</exception>
    ValueTask<RouteDecision> RouteAsync(string tenant, string user, RouteRequest request, CancellationToken cancellationToken = default);

    /// <summary>A decision for somebody nobody knows, from the prior alone; nothing is read or kept.</summary>
    /// <exception cref="NoModelAllowedException">The guardrails leave no model.</exception>
    ValueTask<RouteDecision> RouteAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default);

    /// <summary>Learns from feedback; returns once what was learned is durable.</summary>
    ValueTask<FeedbackResult> LearnAsync(string tenant, string user, Feedback feedback, CancellationToken cancellationToken = default);

    /// <summary>The user as believed now.</summary>
    ValueTask<UserModel> GetUserAsync(string tenant, string user, CancellationToken cancellationToken = default);

    /// <summary>Forgets the user; feedback on decisions taken before this is refused from now on.</summary>
    ValueTask EraseAsync(string tenant, string user, CancellationToken cancellationToken = default);

    /// <summary>The user's state record, for the user to keep or take elsewhere; empty of text and identity.</summary>
    ValueTask<byte[]> ExportAsync(string tenant, string user, CancellationToken cancellationToken = default);

    /// <summary>Joins an exported record into the user's state; importing twice is importing once.</summary>
    /// <exception cref="UserStateException">The record cannot be read, or has a signal of a decision later than now and what clocks may differ by.</exception>
    ValueTask<UserModel> ImportAsync(string tenant, string user, ReadOnlyMemory<byte> record, CancellationToken cancellationToken = default);
}
