using System.Diagnostics.Metrics;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Telemetry;
using MetaRouter.Orleans.Learning;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using global::Orleans.Runtime.Services;
using global::Orleans.Services;

namespace MetaRouter.Orleans.Snapshots;

/// <summary>On every silo: takes the priors that the meta-learner pushes, and sends waiting reports when asked to.</summary>
[Alias("metarouter.snapshots")]
internal interface ISnapshotService : IGrainService
{
    [Alias("push"), ResponseTimeout("00:00:05")]
    Task PushAsync(PublishedPrior published);

    [Alias("flush")]
    Task FlushAsync();
}

internal sealed class SnapshotService(GrainId id, Silo silo, ILoggerFactory loggers, SharedState shared, CohortReporter reporter) : GrainService(id, silo, loggers), ISnapshotService
{
    public Task FlushAsync() => reporter.FlushAsync();

    public Task PushAsync(PublishedPrior published)
    {
        shared.Take(published);
        return Task.CompletedTask;
    }
}

internal interface ISnapshotPush : IGrainServiceClient<ISnapshotService>
{
    /// <summary>To every active silo; those it does not reach pull.</summary>
    Task PushAllAsync(PublishedPrior published);

    /// <summary>Has every active silo send its reports to the partitions at once; what a silo cannot send waits there as usual.</summary>
    Task FlushAllAsync();
}

internal sealed class SnapshotPush(IServiceProvider services, IClusterMembershipService membership) : GrainServiceClient<ISnapshotService>(services), ISnapshotPush
{
    public Task PushAllAsync(PublishedPrior published) => AllAsync(s => s.PushAsync(published));

    public Task FlushAllAsync() => AllAsync(s => s.FlushAsync());

    private Task AllAsync(Func<ISnapshotService, Task> tell) =>
        Task.WhenAll(membership.CurrentSnapshot.Members.Values.Where(m => m.Status == SiloStatus.Active)
            .Select(async m => await tell(GetGrainService(m.SiloAddress)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing)));
}

/// <summary>Before a silo becomes active it has the cluster's secrets and the latest prior, or it does not become active.</summary>
internal sealed class SharedStateStart(SharedState shared) : ILifecycleParticipant<ISiloLifecycle>
{
    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe(nameof(SharedStateStart), ServiceLifecycleStage.ApplicationServices + 100, _ => shared.StartAsync(), _ => Task.CompletedTask);
}

/// <summary>Looks every few seconds for a newer prior, and whether Redis still has the cluster; keeps the meta-learner awake.</summary>
internal sealed partial class SnapshotFollower : BackgroundService
{
    private readonly SharedState _shared;
    private readonly IGrainFactory _grains;
    private readonly LossWatch _loss;
    private readonly MetaRouterClusterOptions _options;
    private readonly ILogger<SnapshotFollower> _logger;
    private readonly Meter _meter = new(RouterMetrics.MeterName);

    public SnapshotFollower(SharedState shared, IGrainFactory grains, LossWatch loss, MetaRouterClusterOptions options, ILogger<SnapshotFollower> logger)
    {
        _shared = shared;
        _grains = grains;
        _loss = loss;
        _options = options;
        _logger = logger;
        _meter.CreateObservableGauge(MetricNames.SnapshotStaleness, () => shared.Staleness.TotalSeconds, "s", "Seconds since the prior in service was last known to be the latest.");
        _meter.CreateObservableGauge(MetricNames.PriorVersion, () => shared.Version, "{version}", "The published prior in service; 0: the snapshot's own.");
    }

    public override void Dispose()
    {
        _meter.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Periodically.DoAsync(TimeSpan.FromSeconds(_options.SnapshotSeconds), FollowAsync, stoppingToken, atOnce: true);

    private async Task FollowAsync(CancellationToken stoppingToken)
    {
        try
        {
            await _grains.GetGrain<IMetaLearnerGrain>(0).WakeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(_options.SnapshotSeconds), stoppingToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A learner that cannot be reached delays a refresh; following goes on.
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            LogNotFollowed("The meta-learner does not answer", e.Message);
        }

        try
        {
            await _shared.PullAsync().ConfigureAwait(false);
            await _loss.CheckAsync(stoppingToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // What was in service stays. An exception that left this loop would end the silo.
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            LogNotFollowed("What silos share cannot be read", e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{What}; tried again in a moment. {Reason}")]
    private partial void LogNotFollowed(string what, string reason);
}
