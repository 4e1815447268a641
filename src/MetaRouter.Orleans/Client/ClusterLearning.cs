using System.Collections.Concurrent;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;

namespace MetaRouter.Orleans.Client;

/// <summary>The cluster's meta-learner, as a gateway shows and commands it. A prior is named by the version of this client's snapshot with that prior, as decisions name it.</summary>
internal sealed class ClusterLearning(IGrainFactory grains, ClusterRouter router, PoolHolder pool) : ILearning
{
    private readonly ConcurrentDictionary<long, PriorRecord> _known = new();
    private readonly LearnerCalls _learner = new(grains);

    public ServingPrior Serving
    {
        get
        {
            var (version, published) = (pool.Current.Snapshot.Version, router.Published);
            return published is null ? new ServingPrior(version, null, null, false)
                : new ServingPrior(version, DateTimeOffset.FromUnixTimeMilliseconds(published.AtMs), (int)published.Users, published.IsHeld);
        }
    }

    public async Task<IReadOnlyList<PriorRecord>> HistoryAsync(CancellationToken cancellationToken) =>
        [.. (await PublishedAsync(cancellationToken).ConfigureAwait(false)).Select(Record).OfType<PriorRecord>()];

    public async Task<bool> RollBackAsync(ulong version, CancellationToken cancellationToken)
    {
        if ((await PublishedAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(p => Record(p)?.Version == version) is not { } found)
        {
            return false;
        }

        await _learner.AskAsync((l, token) => l.RollBackAsync(found.Version, token), cancellationToken).ConfigureAwait(false);
        await FollowAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    public async Task<bool> RefreshAsync(CancellationToken cancellationToken)
    {
        var report = await _learner.AskAsync((l, token) => l.RefreshAsync(token), cancellationToken).ConfigureAwait(false);
        await FollowAsync(cancellationToken).ConfigureAwait(false);
        return report.Promoted;
    }

    private ValueTask<IReadOnlyList<PublishedPrior>> PublishedAsync(CancellationToken cancellationToken) => _learner.AskAsync((l, token) => l.GetHistoryAsync(token), cancellationToken);

    private ValueTask<bool> FollowAsync(CancellationToken cancellationToken) => ClusterRouter.TranslateAsync(async () =>
    {
        await router.FollowAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }, cancellationToken);

    /// <summary>Null: it cannot be read here.</summary>
    private PriorRecord? Record(PublishedPrior published)
    {
        if (_known.TryGetValue(published.Version, out var known))
        {
            return known;
        }

        return PriorJson.Read(published.Prior, out _) is not { } prior ? null : _known[published.Version] = new PriorRecord(
            pool.Current.Snapshot.WithPrior(prior).Version, DateTimeOffset.FromUnixTimeMilliseconds(published.AtMs),
            !double.IsNaN(published.Evidence) ? PriorResults.Promoted : published is { Users: 0, IsHeld: false } ? PriorResults.Withdrawn : PriorResults.RolledBack,
            (int)published.Users, Known(published.ServingEvidence), Known(published.Evidence), prior);
    }

    private static double? Known(double evidence) => double.IsFinite(evidence) ? evidence : null;
}
