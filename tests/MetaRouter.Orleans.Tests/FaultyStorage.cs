using MetaRouter.RouterContract;
using Orleans;
using Orleans.Storage;

namespace MetaRouter.Orleans.Tests;

/// <summary>What goes wrong next between users' grains and their storage; shared by every silo of a fixture.</summary>
internal sealed class StorageFaults : IRouterFaults
{
    private int _fail;
    private int _lose;
    private HeldSave? _held;

    public void FailNextSave() => _fail = 1;

    public void LoseNextAnswer() => _lose = 1;

    public IHeldSave HoldNextSave() => _held = new HeldSave();

    public async Task SaveAsync(Func<Task> save)
    {
        if (Interlocked.Exchange(ref _held, null) is { } held)
        {
            await held.WaitAsync();
        }

        if (Interlocked.Exchange(ref _fail, 0) == 1)
        {
            throw new IOException("The disk is full.");
        }

        await save();
        if (Interlocked.Exchange(ref _lose, 0) == 1)
        {
            throw new IOException("The answer was lost.");
        }
    }

    private sealed class HeldSave : IHeldSave
    {
        private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Arrived => _arrived.Task;

        public void LetGo() => _released.TrySetResult();

        public Task WaitAsync()
        {
            _arrived.TrySetResult();
            return _released.Task;
        }
    }
}

/// <summary>The real storage, with faults in front of it.</summary>
internal sealed class FaultyStorage(IGrainStorage inner, StorageFaults faults) : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ReadStateAsync(stateName, grainId, grainState);

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        stateName == "user" ? faults.SaveAsync(() => inner.WriteStateAsync(stateName, grainId, grainState)) : inner.WriteStateAsync(stateName, grainId, grainState);

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ClearStateAsync(stateName, grainId, grainState);
}
