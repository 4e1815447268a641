namespace MetaRouter.Orleans;

/// <summary>Tells long work that its silo was asked to stop: a grain is deactivated only after its calls have ended.</summary>
internal sealed class SiloStopping : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly CancellationTokenSource _source = new();

    public CancellationToken Token => _source.Token;

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(SiloStopping), ServiceLifecycleStage.Active, _ => Task.CompletedTask, _ => _source.CancelAsync());

    public void Dispose() => _source.Dispose();
}
