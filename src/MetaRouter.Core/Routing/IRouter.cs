using MetaRouter.Core.Users;

namespace MetaRouter.Core.Routing;

/// <summary>
/// The port every way of running implements: in one process, among replicas, on a cluster. A user is (tenant, user id); a user nobody has met gets the prior.
/// </summary>
/// <remarks>
/// What cannot be read or saved is an <see cref="IOException"/>, whose message names the store and what to do; the call may be made again, and feedback, erasure and import
/// are the same done twice.
/// </remarks>
public interface IRouter
{
    /// <summary>Which model answers; nothing is written. While the store is away, users it does not remember are routed as newcomers.</summary>
    /// <exception cref="NoModelAllowedException">The guardrails leave no model.</exception>
    /// <exception cref="ArgumentException">A number of the request is outside its range; the message names it.</exception>
    ValueTask<RouteDecision> RouteAsync(string tenant, string user, RouteRequest request, CancellationToken cancellationToken = default);

    /// <summary>A decision for somebody nobody knows, from the prior alone; nothing is read or kept.</summary>
    /// <exception cref="NoModelAllowedException">The guardrails leave no model.</exception>
    /// <exception cref="ArgumentException">A number of the request is outside its range; the message names it.</exception>
    ValueTask<RouteDecision> RouteAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default);

    /// <summary>Learns from feedback; returns once what was learned is durable. A receipt that is forged, expired or another user's throws nothing: the result says so.</summary>
    /// <exception cref="ArgumentException">The value is not one of the kind's, or a comparison of a decision that offered one answer; the message says which.</exception>
    /// <exception cref="IOException">It could not be saved, and is not acknowledged.</exception>
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
