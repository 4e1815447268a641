using MetaRouter.Hosting;

namespace MetaRouter.Orleans;

/// <summary>Runs the decision log from before the silo's first decision until after its last: a hosted service would end before the silo has deactivated its users.</summary>
internal sealed class DecisionLogStage(DecisionLog log) : ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(DecisionLogStage), ServiceLifecycleStage.ApplicationServices, log.StartAsync, StopAsync);

    /// <summary>Also when the silo's time to stop is over: what is queued is written in a moment.</summary>
    private Task StopAsync(CancellationToken cancellationToken) => log.StopAsync(CancellationToken.None).WaitAsync(Patience, CancellationToken.None);
}
