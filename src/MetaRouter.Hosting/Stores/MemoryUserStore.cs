using System.Collections.Concurrent;

namespace MetaRouter.Hosting.Stores;

/// <summary>Users in memory: for tests and trials. Survives nothing; everything is gone with the process.</summary>
public sealed class MemoryUserStore : IUserStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<UserKey, (StoredUser Record, long Sequence)> _users = [];
    private readonly SortedDictionary<long, UserKey> _order = [];
    private readonly Dictionary<string, byte[]> _values = [];
    private readonly ConcurrentQueue<(UserKey Key, StoredUser Record, string Reason)> _quarantine = [];
    private long _sequence;

    /// <summary>What was set aside.</summary>
    public IReadOnlyCollection<(UserKey Key, StoredUser Record, string Reason)> Quarantine => _quarantine;

    public ValueTask<StoredUser> LoadAsync(UserKey key, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return new(_users.TryGetValue(key, out var user) ? user.Record : StoredUser.None);
        }
    }

    public ValueTask<long> SaveAsync(UserKey key, ReadOnlyMemory<byte> state, long etag, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            var now = _users.TryGetValue(key, out var user) ? user.Record : StoredUser.None;
            if (now.Etag != etag)
            {
                return new(0L);
            }

            Put(key, now with { State = state.ToArray(), Etag = etag + 1 });
            return new(etag + 1);
        }
    }

    public ValueTask EraseAsync(UserKey key, long nowMs, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            var now = _users.TryGetValue(key, out var user) ? user.Record : StoredUser.None;
            Put(key, new StoredUser([], now.Etag + 1, Math.Max(nowMs, now.ErasedAtMs)));
        }

        return default;
    }

    public ValueTask QuarantineAsync(UserKey key, StoredUser record, string reason, long nowMs, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_users.TryGetValue(key, out var user) && user.Record.Etag == record.Etag)
            {
                _quarantine.Enqueue((key, record, reason));
                Put(key, record with { State = [], Etag = record.Etag + 1 });
            }
        }

        return default;
    }

    public ValueTask<IReadOnlyList<ChangedUser>> ChangedAsync(long sequence, int limit, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return new(_order.Where(o => o.Key > sequence).Take(limit).Select(o => new ChangedUser(o.Value, _users[o.Value].Record, o.Key)).ToArray());
        }
    }

    public ValueTask<int> PurgeTombstonesAsync(long beforeMs, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            var old = _users.Where(u => u.Value.Record is { State.Length: 0, ErasedAtMs: > 0 } r && r.ErasedAtMs < beforeMs).ToArray();
            foreach (var (key, user) in old)
            {
                _users.Remove(key);
                _order.Remove(user.Sequence);
            }

            return new(old.Length);
        }
    }

    public ValueTask<byte[]?> ReadValueAsync(string name, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return new(_values.GetValueOrDefault(name));
        }
    }

    public ValueTask<bool> WriteValueAsync(string name, ReadOnlyMemory<byte> value, byte[]? expected, CancellationToken cancellationToken = default)
    {
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

    public ValueTask DisposeAsync() => default;

    private void Put(UserKey key, StoredUser record)
    {
        if (_users.TryGetValue(key, out var before))
        {
            _order.Remove(before.Sequence);
        }

        _users[key] = (record, ++_sequence);
        _order[_sequence] = key;
    }
}
