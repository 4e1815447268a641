using System.Diagnostics.Metrics;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Snapshots;

/// <summary>Looks every few seconds for a newer prior, and whether Redis still has the cluster; keeps the meta-learner awake.</summary>
internal sealed partial class SnapshotFollower : BackgroundService
{
    private readonly PriorStore _priors;
    private readonly IGrainFactory _grains;
    private readonly LossWatch _loss;
    private readonly MetaRouterClusterOptions _options;
    private readonly ILogger<SnapshotFollower> _logger;
    private readonly Meter _meter = new(SourceNames.Router);

    public SnapshotFollower(PriorStore priors, IGrainFactory grains, LossWatch loss, MetaRouterClusterOptions options, ILogger<SnapshotFollower> logger)
    {
        _priors = priors;
        _grains = grains;
        _loss = loss;
        _options = options;
        _logger = logger;
        _meter.CreateObservableGauge(MetricNames.SnapshotStaleness, () => priors.Staleness.TotalSeconds, "s", "Seconds since the prior in service was last known to be the latest.");
        _meter.CreateObservableGauge(MetricNames.PriorVersion, () => priors.Version, "{version}", "The published prior in service; 0: the snapshot's own.");
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
            await _priors.PullAsync().ConfigureAwait(false);
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
