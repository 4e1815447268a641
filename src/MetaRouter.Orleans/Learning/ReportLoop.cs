using MetaRouter.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Learning;

/// <summary>
/// Sends the silo's reports every five seconds while it is active, and twice when it is asked to stop: once while it still is a member, so that its own partitions take
/// theirs, and once after its users are deactivated, for what they said until then. Each of the two may take five seconds at most.
/// </summary>
internal sealed partial class ReportLoop(CohortReporter reporter, ISiloStatusOracle silos, ILogger<ReportLoop> logger) : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();

    public void Participate(ISiloLifecycle lifecycle)
    {
        lifecycle.Subscribe(nameof(ReportLoop), ServiceLifecycleStage.Active, Start, StopAsync);
        lifecycle.Subscribe(nameof(ReportLoop), ServiceLifecycleStage.GrainDirectoryShutdown, _ => Task.CompletedTask, LastAsync);
    }

    public void Dispose() => _stopping.Dispose();

    private Task Start(CancellationToken cancellationToken)
    {
        _ = Task.Run(() => Periodically.DoAsync(Period, _ => reporter.FlushAsync(), _stopping.Token), CancellationToken.None);
        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task LastAsync(CancellationToken cancellationToken)
    {
        // The last silo's partitions are deactivated, and no other silo can take the reports.
        if (silos.GetActiveSilos().Any(s => !s.Equals(silos.SiloAddress)))
        {
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        if (reporter.Waiting > 0)
        {
            LogLeft(reporter.Waiting);
        }
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (!cancellationToken.IsCancellationRequested)
        {
            // Also if no report waits: a flush may be under way.
            await reporter.FlushAsync().WaitAsync(Patience, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The silo stops before the partitions received the reports of {Users} users; they receive them when these users are next active.")]
    private partial void LogLeft(int users);
}
