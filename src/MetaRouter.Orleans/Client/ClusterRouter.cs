using System.Collections.Frozen;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using global::Orleans.Runtime.Messaging;
using Polly;
using Polly.Retry;

namespace MetaRouter.Orleans.Client;

/// <summary>
/// The cluster as an <see cref="IRouter"/>: each user's grain decides and learns; beliefs are drawn here from the user's record and the prior in service.
/// A call whose silo died, or did not answer, is made again: every call may safely be done twice.
/// </summary>
internal sealed partial class ClusterRouter(IGrainFactory grains, PoolHolder pool, MetaRouterClusterOptions options, ILogger<ClusterRouter> logger) : BackgroundService, IEdgeRouter
{
    private const int Workers = 16;

    /// <summary>Of calls that follow the prior; a silo that stopped silently would otherwise be waited for half a minute.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // Until the others declare a silo dead, calls to its users fail at once: these are cheap to repeat, while an answer that never came has already cost its time.
    private static readonly ResiliencePipeline Retries = new ResiliencePipelineBuilder()
        .AddRetry(UpTo(10, new PredicateBuilder().Handle<OrleansMessageRejectionException>().Handle<ConnectionFailedException>()))
        .AddRetry(UpTo(3, new PredicateBuilder().Handle<TimeoutException>().Handle<OperationCanceledException>())) // the latter from a silo, of a call whose time was up while it looked for a place
        .Build();

    private int _next;
    private volatile CatalogNames? _ownModels;
    private volatile bool _isAway;

    /// <summary>The prior in service on the cluster, as last followed; null: the snapshot's own.</summary>
    public PublishedPrior? Published { get; private set; }

    /// <inheritdoc/>
    public bool IsThere => !_isAway;

    public async ValueTask<RouteDecision> RouteAsync(string tenant, string user, RouteRequest request, CancellationToken cancellationToken = default)
    {
        var own = AmongOwnModels(request);
        return await CallAsync(grains.GetUserRouter(tenant, user), (u, token) => u.RouteAsync(own, token), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<RouteDecision> RouteAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default)
    {
        // All calls to one key go through one silo's gateway; several keys reach all silos.
        var worker = grains.GetGrain<IRouteInferenceGrain>((uint)Interlocked.Increment(ref _next) % Workers);
        var own = AmongOwnModels(request);
        return await CallAsync(worker, (w, token) => w.RouteAnonymousAsync(tenant, own, token), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The silo logs the decision; the edge adds to its own log what became of it, and readers join the two.</summary>
    public ValueTask<RouteDecision> DecideAsync(string tenant, string user, RouteRequest request, CancellationToken cancellationToken = default) =>
        RouteAsync(tenant, user, ToBeServed(request), cancellationToken);

    /// <inheritdoc cref="DecideAsync"/>
    public ValueTask<RouteDecision> DecideAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default) =>
        RouteAnonymousAsync(tenant, ToBeServed(request), cancellationToken);

    public async ValueTask<FeedbackResult> LearnAsync(string tenant, string user, Feedback feedback, CancellationToken cancellationToken = default)
    {
        var answer = await CallAsync(grains.GetUserRouter(tenant, user), (u, token) => u.RecordFeedbackAsync(feedback, token), cancellationToken).ConfigureAwait(false);
        return new FeedbackResult(new ReceiptVerdict(answer.Status, answer.Message), answer.Outcome, answer.State is null ? null : ModelOf(answer.State)) { IsErased = answer.IsErased };
    }

    public async ValueTask<UserModel> GetUserAsync(string tenant, string user, CancellationToken cancellationToken = default) =>
        ModelOf(await ExportAsync(tenant, user, cancellationToken).ConfigureAwait(false));

    public async ValueTask EraseAsync(string tenant, string user, CancellationToken cancellationToken = default) =>
        await CallAsync(grains.GetUserRouter(tenant, user), async (u, token) =>
        {
            await u.EraseAsync(token).ConfigureAwait(false);
            return true;
        }, cancellationToken).ConfigureAwait(false);

    public async ValueTask<byte[]> ExportAsync(string tenant, string user, CancellationToken cancellationToken = default) =>
        await CallAsync(grains.GetUserRouter(tenant, user), (u, token) => u.ExportAsync(token), cancellationToken).ConfigureAwait(false);

    public async ValueTask<UserModel> ImportAsync(string tenant, string user, ReadOnlyMemory<byte> record, CancellationToken cancellationToken = default)
    {
        var bytes = record.ToArray();
        return ModelOf(await CallAsync(grains.GetUserRouter(tenant, user), (u, token) => u.ImportAsync(bytes, token), cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Takes over the prior in service on the cluster.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken = default)
    {
        // Also if it is known: whether it is held changes without a new version.
        var published = await grains.GetGrain<IMetaLearnerGrain>(0).GetPublishedAsync(known: 0, cancellationToken).AsTask().WaitAsync(Patience, cancellationToken).ConfigureAwait(false);
        if (published is null)
        {
            return;
        }

        if ((published.Version, published.AtMs) == (Published?.Version, Published?.AtMs))
        {
            Published = published;
        }
        else if (PriorJson.Read(published.Prior, out _) is { } prior)
        {
            pool.Update(p => p.With(prior));
            Published = published;
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Periodically.DoAsync(TimeSpan.FromSeconds(options.SnapshotSeconds), TryFollowAsync, stoppingToken, atOnce: true);

    private async Task TryFollowAsync(CancellationToken stoppingToken)
    {
        try
        {
            await FollowAsync(stoppingToken).ConfigureAwait(false);
            _isAway = false;
        }
#pragma warning disable CA1031 // Beliefs are shown under the prior last known; decisions are taken on the silos.
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            _isAway = true;
            LogNotFollowed(e.Message);
        }
    }

    private static RetryStrategyOptions UpTo(int times, PredicateBuilder<object> where) => new()
    {
        ShouldHandle = where,
        MaxRetryAttempts = times,
        Delay = TimeSpan.FromMilliseconds(50),
        MaxDelay = TimeSpan.FromMilliseconds(500),
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
    };

    internal static ValueTask<T> CallAsync<TGrain, T>(TGrain grain, Func<TGrain, CancellationToken, ValueTask<T>> call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return TranslateAsync(() => Retries.ExecuteAsync(static (state, token) => state.call(state.grain, token), (grain, call), cancellationToken), cancellationToken);
    }

    /// <summary>Turns failures of the cluster into a store's errors: messages may reach a client, and Orleans' own name the user and the silos.</summary>
    /// <param name="cancellationToken">The caller's.</param>
    public static async ValueTask<T> TranslateAsync<T>(Func<ValueTask<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception e) when (e is RouterStoreException or RouterBusyException)
        {
            throw new StoreException(e.Message, e);
        }
        catch (Exception e) when (e is TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new StoreException("The cluster does not answer in time; what was asked may have been done, ask again. Check that its silos and their Redis answer.", e);
        }
        catch (OrleansException e)
        {
            throw new StoreException("The cluster does not answer. Check that silos run and that this client has their Redis, ServiceId and ClusterId.", e);
        }
    }

    private static RouteRequest ToBeServed(RouteRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request with { IsToBeServed = true };
    }

    /// <summary>Silos may know more models than this client can call: a request without a list of models is routed among those of this client's catalog.</summary>
    private RouteRequest AmongOwnModels(RouteRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Needs.AllowedModels is not null)
        {
            return request;
        }

        var catalog = pool.Current.Catalog;
        var own = _ownModels;
        if (own is null || !ReferenceEquals(own.Catalog, catalog))
        {
            _ownModels = own = new CatalogNames(catalog, catalog.Models.Select(m => m.Id).ToFrozenSet());
        }

        return request with { Needs = request.Needs with { AllowedModels = own.Names } };
    }

    private UserModel ModelOf(byte[] record) => new(pool.Current, UserState.Read(record));

    [LoggerMessage(Level = LogLevel.Warning, Message = "The cluster's prior could not be read; beliefs are shown under the last one known. {Reason}")]
    private partial void LogNotFollowed(string reason);

    private sealed record CatalogNames(ModelCatalog Catalog, FrozenSet<ModelId> Names);
}
