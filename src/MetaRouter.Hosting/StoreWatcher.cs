using MetaRouter.Hosting.Learning;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting;

/// <summary>Where several routers share a store: checks every second that the store has not been emptied or replaced, and serves a newer prior or catalog that another router put there.</summary>
internal sealed partial class StoreWatcher(IUserStore store, LearningLoop learning, CatalogKeeper catalog, StoreGuard guard, ILogger<StoreWatcher> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private bool _isAway;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => store.Freshness is null ? Task.CompletedTask : Periodically.DoAsync(Period, LookAsync, stoppingToken);

    private async Task LookAsync(CancellationToken stoppingToken)
    {
        try
        {
            await guard.CheckAsync(stoppingToken).ConfigureAwait(false);
            await catalog.PullAsync(stoppingToken).ConfigureAwait(false);
            await learning.RestoreAsync(stoppingToken).ConfigureAwait(false);
            _isAway = false;
        }
#pragma warning disable CA1031 // What is in service stays in service.
        catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            if (!_isAway)
            {
                LogAway(e.Message); // once, not every second
            }

            _isAway = true;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "What other routers share cannot be read; it is tried again every second. {Reason}")]
    private partial void LogAway(string reason);
}
