namespace MetaRouter.Orleans;

/// <summary>Tells long work on this silo that the silo was asked to stop: grains are put away only once what they do is over.</summary>
internal sealed class SiloStopping : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly CancellationTokenSource _source = new();

    public CancellationToken Token => _source.Token;

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(SiloStopping), ServiceLifecycleStage.Active, _ => Task.CompletedTask, _ => _source.CancelAsync());

    public void Dispose() => _source.Dispose();
}
