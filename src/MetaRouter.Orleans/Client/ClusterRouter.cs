using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Client;

/// <summary>The cluster as an <see cref="IRouter"/>: each user's grain decides and learns; beliefs are drawn here from the user's record and the prior in service.</summary>
public sealed partial class ClusterRouter(IGrainFactory grains, PoolHolder pool, MetaRouterClusterOptions options, ILogger<ClusterRouter> logger) : BackgroundService, IRouter
{
    private const int Workers = 16;

    private long _known;
    private int _next;

    public async ValueTask<RouteDecision> RouteAsync(string tenant, string user, RouteRequest request, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await grains.GetUserRouter(tenant, user).RouteAsync(request, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A decision for somebody nobody knows, from the prior alone; nothing is read or kept.</summary>
    public async ValueTask<RouteDecision> RouteAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();

        // All calls to one key go through one silo's gateway; several keys reach all.
        return await grains.GetGrain<IRouteInferenceGrain>((uint)Interlocked.Increment(ref _next) % Workers).RouteAnonymousAsync(tenant, request, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<FeedbackResult> LearnAsync(string tenant, string user, Feedback feedback, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var answer = await grains.GetUserRouter(tenant, user).RecordFeedbackAsync(feedback, cancellationToken).ConfigureAwait(false);
        return new FeedbackResult(new ReceiptVerdict(answer.Status, answer.Message), answer.Outcome, answer.State is null ? null : ModelOf(answer.State)) { IsErased = answer.IsErased };
    }

    public async ValueTask<UserModel> GetUserAsync(string tenant, string user, CancellationToken cancellationToken = default) =>
        ModelOf(await ExportAsync(tenant, user, cancellationToken).ConfigureAwait(false));

    public async ValueTask EraseAsync(string tenant, string user, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await grains.GetUserRouter(tenant, user).EraseAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<byte[]> ExportAsync(string tenant, string user, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await grains.GetUserRouter(tenant, user).ExportAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<UserModel> ImportAsync(string tenant, string user, ReadOnlyMemory<byte> record, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ModelOf(await grains.GetUserRouter(tenant, user).ImportAsync(record.ToArray(), cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Takes over the prior in service on the cluster, if there is a newer one.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken = default)
    {
        if (await grains.GetGrain<IMetaLearnerGrain>(0).GetPublishedAsync(_known, cancellationToken).ConfigureAwait(false) is { } published
            && PriorJson.Read(published.Prior, out _) is { } prior)
        {
            pool.Update(p => new RoutingPool(p.Snapshot.WithPrior(prior), p.Catalog));
            _known = published.Version;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.SnapshotSeconds));
        try
        {
            do
            {
                try
                {
                    await FollowAsync(stoppingToken).ConfigureAwait(false);
                }
#pragma warning disable CA1031 // Beliefs are shown under the prior last known; decisions are taken on the silos.
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
                {
                    LogNotFollowed(e.Message);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The client stops.
        }
    }

    private UserModel ModelOf(byte[] record) => new(pool.Current, UserState.Read(record));

    [LoggerMessage(Level = LogLevel.Warning, Message = "The cluster's prior could not be read; beliefs are shown under the last one known. {Reason}")]
    private partial void LogNotFollowed(string reason);
}
