using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting.Tests.Protocol;

internal enum Phase
{
    /// <summary>Under way to the store.</summary>
    Asked,

    /// <summary>The store did it; the answer is under way.</summary>
    Applied,
}

/// <summary>A call of the store, held at both ends.</summary>
internal sealed record StoreCall(int Id, int Try, int Node, Operation Operation, byte[] State, long Etag)
{
    // Continues on the explorer's thread: when setting the result returns, the router has come to its next call or to its end.
    public TaskCompletionSource<StoredUser> Answer { get; } = new();

    public Phase Phase { get; set; }

    /// <summary>The caller is gone.</summary>
    public bool IsOrphan { get; set; }

    /// <summary>Once applied. Of a save and an erasure only the etag tells something; 0: refused.</summary>
    public StoredUser Result { get; set; } = StoredUser.None;

    public override string ToString() => $"{Try}{Operation}{Etag}/{Convert.ToHexString(State)}/{Phase}{(IsOrphan ? "!" : "")}={Result.Etag},{Result.ErasedAtMs},{Convert.ToHexString(Result.State)}";
}

/// <summary>One node's way to the store: calls about the user of the world wait until they are told to go on.</summary>
internal sealed class GatedStore : IUserStore
{
    private static readonly TimeSpan Never = TimeSpan.MinValue;

    /// <summary>Who is calling; flows with the call through everything the router awaits.</summary>
    public static readonly AsyncLocal<int> Try = new();

    /// <summary>Null: calls pass.</summary>
    public World? World { get; set; }

    public IUserStore Inner { get; set; } = new MemoryUserStore();

    public int Node { get; set; }

    /// <summary>What was read is believed for good within a world, and for no time when it is looked over at the end.</summary>
    public TimeSpan? Freshness => World is null ? Never : null;

    public ValueTask<StoredUser> LoadAsync(UserKey key, CancellationToken cancellationToken = default) =>
        World is { } world && world.Key == key ? new(world.Hold(Node, Operation.Read, [], 0)) : Inner.LoadAsync(key, cancellationToken);

    public async ValueTask<long> SaveAsync(UserKey key, ReadOnlyMemory<byte> state, long etag, CancellationToken cancellationToken = default) =>
        World is { } world && world.Key == key ? (await world.Hold(Node, Operation.Learn, state.ToArray(), etag).ConfigureAwait(false)).Etag : await Inner.SaveAsync(key, state, etag, cancellationToken).ConfigureAwait(false);

    public async ValueTask EraseAsync(UserKey key, long nowMs, CancellationToken cancellationToken = default)
    {
        if (World is { } world && world.Key == key)
        {
            await world.Hold(Node, Operation.Erase, [], nowMs).ConfigureAwait(false);
        }
        else
        {
            await Inner.EraseAsync(key, nowMs, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask QuarantineAsync(UserKey key, StoredUser record, string reason, long nowMs, CancellationToken cancellationToken = default) => Inner.QuarantineAsync(key, record, reason, nowMs, cancellationToken);

    public ValueTask<IReadOnlyList<ChangedUser>> ChangedAsync(long sequence, int limit, CancellationToken cancellationToken = default) => Inner.ChangedAsync(sequence, limit, cancellationToken);

    public ValueTask<int> PurgeTombstonesAsync(long beforeMs, CancellationToken cancellationToken = default) => Inner.PurgeTombstonesAsync(beforeMs, cancellationToken);

    public ValueTask<byte[]?> ReadValueAsync(string name, CancellationToken cancellationToken = default) => Inner.ReadValueAsync(name, cancellationToken);

    public ValueTask<bool> WriteValueAsync(string name, ReadOnlyMemory<byte> value, byte[]? expected, CancellationToken cancellationToken = default) => Inner.WriteValueAsync(name, value, expected, cancellationToken);

    public ValueTask<bool> RemoveValueAsync(string name, byte[] expected, CancellationToken cancellationToken = default) => Inner.RemoveValueAsync(name, expected, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
