using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests;

/// <summary>A store that does what it is told to do wrong, and counts.</summary>
internal sealed class FaultyStore(IUserStore inner) : IUserStore, IRouterFaults
{
    private HeldSave? _held;
    private int _fail, _lose;

    public IUserStore Inner => inner;

    public TimeSpan? Freshness { get; set; } = inner.Freshness;

    /// <summary>Runs after a record was loaded and before it is handed over: a slow reader.</summary>
    public Func<Task> AfterLoad { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs after a named value was read and before it is handed over.</summary>
    public Func<string, Task> AfterReadValue { get; set; } = _ => Task.CompletedTask;

    /// <summary>How often tombstones were looked through.</summary>
    public int Purges { get; private set; }

    /// <summary>Of all values written so far.</summary>
    public long ValueBytes { get; private set; }

    public void FailNextSave() => _fail = 1;

    public void LoseNextAnswer() => _lose = 1;

    public IHeldSave HoldNextSave() => _held = new HeldSave();

    public async ValueTask<StoredUser> LoadAsync(UserKey key, CancellationToken cancellationToken = default)
    {
        var record = await inner.LoadAsync(key, cancellationToken);
        await AfterLoad();
        return record;
    }

    public async ValueTask<long> SaveAsync(UserKey key, ReadOnlyMemory<byte> state, long etag, CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _held, null) is { } held)
        {
            await held.WaitAsync();
        }

        if (Interlocked.Exchange(ref _fail, 0) == 1)
        {
            throw new StoreException("The save was made to fail.");
        }

        var saved = await inner.SaveAsync(key, state, etag, cancellationToken);
        return Interlocked.Exchange(ref _lose, 0) == 1 ? throw new StoreException("The answer was made to get lost.") : saved;
    }

    public ValueTask EraseAsync(UserKey key, long nowMs, CancellationToken cancellationToken = default) => inner.EraseAsync(key, nowMs, cancellationToken);

    public ValueTask QuarantineAsync(UserKey key, StoredUser record, string reason, long nowMs, CancellationToken cancellationToken = default) => inner.QuarantineAsync(key, record, reason, nowMs, cancellationToken);

    public ValueTask<IReadOnlyList<ChangedUser>> ChangedAsync(long sequence, int limit, CancellationToken cancellationToken = default) => inner.ChangedAsync(sequence, limit, cancellationToken);

    public async ValueTask<int> PurgeTombstonesAsync(long beforeMs, CancellationToken cancellationToken = default)
    {
        var purged = await inner.PurgeTombstonesAsync(beforeMs, cancellationToken);
        Purges++;
        return purged;
    }

    public async ValueTask<byte[]?> ReadValueAsync(string name, CancellationToken cancellationToken = default)
    {
        var value = await inner.ReadValueAsync(name, cancellationToken);
        await AfterReadValue(name);
        return value;
    }

    public async ValueTask<bool> WriteValueAsync(string name, ReadOnlyMemory<byte> value, byte[]? expected, CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _fail, 0) == 1)
        {
            throw new StoreException("The write was made to fail.");
        }

        ValueBytes += value.Length;
        var written = await inner.WriteValueAsync(name, value, expected, cancellationToken);
        return written && Interlocked.Exchange(ref _lose, 0) == 1 ? throw new StoreException("The answer was made to get lost.") : written;
    }

    public ValueTask<bool> RemoveValueAsync(string name, byte[] expected, CancellationToken cancellationToken = default) => inner.RemoveValueAsync(name, expected, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

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
