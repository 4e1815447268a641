namespace MetaRouter.Hosting.Stores;

/// <summary>Users in memory: for tests and trials. Survives nothing; everything is gone with the process.</summary>
public sealed class MemoryUserStore : IUserStore, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<UserKey, (StoredUser Record, long Sequence)> _users = [];
    private readonly SortedSet<(long Sequence, UserKey Key)> _order = new(Comparer<(long Sequence, UserKey Key)>.Create((a, b) => a.Sequence.CompareTo(b.Sequence)));
    private readonly Dictionary<string, byte[]> _values = [];
    private readonly List<(UserKey Key, StoredUser Record, string Reason)> _quarantine = [];
    private long _sequence;

    /// <summary>What was set aside.</summary>
    public IReadOnlyCollection<(UserKey Key, StoredUser Record, string Reason)> Quarantine
    {
        get
        {
            lock (_gate)
            {
                return [.. _quarantine];
            }
        }
    }

    public ValueTask<StoredUser> LoadAsync(UserKey key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new(_users.TryGetValue(key, out var user) ? user.Record : StoredUser.None);
        }
    }

    public ValueTask<long> SaveAsync(UserKey key, ReadOnlyMemory<byte> state, long etag, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var now = _users.TryGetValue(key, out var user) ? user.Record : StoredUser.None;
            if (now.Etag != etag)
            {
                return new(0L);
            }

            return new(Put(key, now with { State = state.ToArray() }));
        }
    }

    public ValueTask EraseAsync(UserKey key, long nowMs, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var now = _users.TryGetValue(key, out var user) ? user.Record : StoredUser.None;
            Put(key, new StoredUser([], 0, Math.Max(nowMs, now.ErasedAtMs + 1)));
            _quarantine.RemoveAll(q => q.Key == key);
        }

        return default;
    }

    public ValueTask QuarantineAsync(UserKey key, StoredUser record, string reason, long nowMs, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_users.TryGetValue(key, out var user) && user.Record.Etag == record.Etag)
            {
                _quarantine.Add((key, record, reason));
                Put(key, user.Record with { State = [] });
            }
        }

        return default;
    }

    public ValueTask<IReadOnlyList<ChangedUser>> ChangedAsync(long sequence, int limit, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new(_order.GetViewBetween((sequence + 1, default), (long.MaxValue, default)).Take(limit).Select(o => new ChangedUser(o.Key, _users[o.Key].Record, o.Sequence)).ToArray());
        }
    }

    public ValueTask<int> PurgeTombstonesAsync(long beforeMs, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var old = _users.Where(u => u.Value.Record is { State.Length: 0, ErasedAtMs: > 0 } r && r.ErasedAtMs < beforeMs).ToArray();
            foreach (var (key, user) in old)
            {
                _users.Remove(key);
                _order.Remove((user.Sequence, key));
            }

            return new(old.Length);
        }
    }

    public ValueTask<byte[]?> ReadValueAsync(string name, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new(_values.GetValueOrDefault(name));
        }
    }

    public ValueTask<bool> WriteValueAsync(string name, ReadOnlyMemory<byte> value, byte[]? expected, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var now = _values.GetValueOrDefault(name);
            if (now is null != expected is null || (now is not null && !now.AsSpan().SequenceEqual(expected)))
            {
                return new(false);
            }

            _values[name] = value.ToArray();
            return new(true);
        }
    }

    public ValueTask<bool> RemoveValueAsync(string name, byte[] expected, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new(_values.TryGetValue(name, out var now) && now.AsSpan().SequenceEqual(expected) && _values.Remove(name));
        }
    }

    public ValueTask DisposeAsync() => default;

    public void Dispose()
    {
    }

    /// <summary>The etag is the write's place in the order of all writes, so a new record is never mistaken for a purged one.</summary>
    private long Put(UserKey key, StoredUser record)
    {
        if (_users.TryGetValue(key, out var before))
        {
            _order.Remove((before.Sequence, key));
        }

        _users[key] = (record with { Etag = ++_sequence }, _sequence);
        _order.Add((_sequence, key));
        return _sequence;
    }
}
