using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using Orleans.Concurrency;

namespace MetaRouter.Orleans;

/// <summary>
/// One user. Get it with <see cref="UserRouterGrainExtensions.GetUserRouter"/>, which makes the key <c>tenant/user</c> with the user's pseudonym:
/// keys appear in the cluster's logs and directory, raw user ids must not.
/// </summary>
[Alias("metarouter.user")]
public interface IUserRouterGrain : IGrainWithStringKey
{
    /// <summary>
    /// How long a caller waits. Short, because a call on its way to a silo that died is never answered; every call may be made again:
    /// routing writes nothing, and feedback, import and erasure may be done twice without harm.
    /// </summary>
    const string CallTimeout = "00:00:01.500";

    /// <summary>Which model answers; nothing is written. A user whose state cannot be loaded is served from the prior.</summary>
    /// <exception cref="NoModelAllowedException">The guardrails leave no model.</exception>
    /// <exception cref="RouterBusyException">The silo has as many requests in hand as it takes.</exception>
    [Alias("route"), AlwaysInterleave, ResponseTimeout(CallTimeout)]
    ValueTask<RouteDecision> RouteAsync(RouteRequest request, CancellationToken cancellationToken = default);

    /// <summary>Learns from feedback; answers once what was learned is durable.</summary>
    /// <exception cref="RouterStoreException">It could not be saved: nothing was acknowledged; send it again.</exception>
    /// <exception cref="ArgumentException">The value is not one of the kind's.</exception>
    [Alias("feedback"), ResponseTimeout(CallTimeout)]
    ValueTask<FeedbackAnswer> RecordFeedbackAsync(Feedback feedback, CancellationToken cancellationToken = default);

    /// <summary>What is believed of the user, in numbers and in words.</summary>
    /// <exception cref="RouterStoreException">The state cannot be loaded.</exception>
    [Alias("preference"), AlwaysInterleave, ResponseTimeout(CallTimeout)]
    ValueTask<UserPreference> GetPreferenceAsync(CancellationToken cancellationToken = default);

    /// <summary>The user's state record, for the user to keep or take elsewhere; empty of text and identity.</summary>
    /// <exception cref="RouterStoreException">The state cannot be loaded.</exception>
    [Alias("export"), ResponseTimeout(CallTimeout)]
    ValueTask<byte[]> ExportAsync(CancellationToken cancellationToken = default);

    /// <summary>Joins an exported record into the user's state; importing twice is importing once.</summary>
    /// <exception cref="UserStateException">The record cannot be read, or has a signal of a decision later than now and what clocks may differ by.</exception>
    /// <exception cref="RouterStoreException">It could not be saved.</exception>
    [Alias("import"), ResponseTimeout(CallTimeout)]
    ValueTask<byte[]> ImportAsync(byte[] record, CancellationToken cancellationToken = default);

    /// <summary>Forgets the user; feedback on decisions taken before this is refused from now on.</summary>
    /// <exception cref="RouterStoreException">It could not be saved.</exception>
    [Alias("erase"), ResponseTimeout(CallTimeout)]
    ValueTask EraseAsync(CancellationToken cancellationToken = default);
}
