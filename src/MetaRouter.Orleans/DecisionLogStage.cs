using MetaRouter.Hosting;

namespace MetaRouter.Orleans;

/// <summary>The decision log is there before the silo's first decision and until after its last: a hosted service would end before the silo has put its users away.</summary>
internal sealed class DecisionLogStage(DecisionLog log) : ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(DecisionLogStage), ServiceLifecycleStage.ApplicationServices, log.StartAsync, StopAsync);

    /// <summary>Also where the silo's time to stop is over: what is queued is written in a moment.</summary>
    private Task StopAsync(CancellationToken cancellationToken) => log.StopAsync(CancellationToken.None).WaitAsync(Patience, CancellationToken.None);
}
