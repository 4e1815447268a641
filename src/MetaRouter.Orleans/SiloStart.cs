using MetaRouter.Orleans.Snapshots;

namespace MetaRouter.Orleans;

/// <summary>Before a silo becomes active it has the cluster's secrets and the latest prior, or it does not become active.</summary>
internal sealed class SiloStart(SiloSecrets secrets, PriorStore priors) : ILifecycleParticipant<ISiloLifecycle>
{
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(SiloStart), ServiceLifecycleStage.ApplicationServices + 100, StartAsync, _ => Task.CompletedTask);

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        await secrets.LoadAsync().ConfigureAwait(false);
        await priors.PullAsync().ConfigureAwait(false);
    }
}
