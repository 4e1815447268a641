using Orleans.Concurrency;

namespace MetaRouter.Orleans;

/// <summary>
/// The cluster's one meta-learner: refreshes the prior every new user starts from. Key 0. Its death delays a refresh and loses nothing else. Calls that only
/// read are answered while a refresh runs.
/// </summary>
[Alias("metarouter.learner")]
public interface IMetaLearnerGrain : IGrainWithIntegerKey
{
    /// <summary>Only activates the learner: an active one refreshes by its timer.</summary>
    [Alias("wake"), AlwaysInterleave]
    ValueTask WakeAsync();

    /// <summary>One round now, with all feedback so far, that of the last seconds included. Lifts the hold of a prior that somebody rolled back to.</summary>
    [Alias("refresh"), ResponseTimeout("00:05:00")]
    ValueTask<RefreshReport> RefreshAsync(CancellationToken cancellationToken = default);

    /// <summary>The priors that went into service, latest first; at most 20.</summary>
    [Alias("history"), AlwaysInterleave]
    ValueTask<IReadOnlyList<PublishedPrior>> GetHistoryAsync(CancellationToken cancellationToken = default);

    /// <summary>Puts an earlier prior back into service, as a new version, and holds it there: refreshes by the timer rest until one is asked for.</summary>
    /// <exception cref="ArgumentException">The history has no such version; the message lists those it has.</exception>
    [Alias("rollback")]
    ValueTask<PublishedPrior> RollBackAsync(long version, CancellationToken cancellationToken = default);

    /// <summary>The prior in service, for those who follow it; null when the snapshot's own is, or when <paramref name="known"/> is it.</summary>
    [Alias("published"), AlwaysInterleave]
    ValueTask<PublishedPrior?> GetPublishedAsync(long known, CancellationToken cancellationToken = default);
}
