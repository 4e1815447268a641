using System.Globalization;
using System.Text.Json;

namespace MetaRouter.Hosting.Stores;

/// <summary>Shared state of one process. The accounts can be written down and read back, so that a restart gives nobody a new budget.</summary>
public sealed class MemorySharedState(TimeProvider time) : ISharedState
{
    private const int Sweep = 4096;

    /// <summary>The most memories kept. They only save money, so of more the ones that end first go: whoever invents names by the million fills no memory.</summary>
    internal const int MostMemories = 100_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(ulong Partition, string Name), (long Held, DateTimeOffset Ends, long Version)> _accounts = [];
    private readonly Dictionary<string, (byte[] Value, DateTimeOffset Ends)> _memories = [];
    private int _sinceSweep;
    private long _version;

    public ValueTask<Reservation> ReserveAsync(ulong partition, IReadOnlyList<Account> accounts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(accounts);
        lock (_gate)
        {
            var (now, held, refused) = (time.GetUtcNow(), new long[accounts.Count], -1);
            for (var i = 0; i < held.Length; i++)
            {
                held[i] = Held(partition, accounts[i].Name, now);
                refused = refused < 0 && held[i] + accounts[i].Amount > accounts[i].Limit ? i : refused;
            }

            if (refused < 0)
            {
                for (var i = 0; i < held.Length; i++)
                {
                    held[i] = Add(partition, accounts[i], now);
                }
            }

            return new(new Reservation(refused, held));
        }
    }

    public ValueTask SettleAsync(ulong partition, IReadOnlyList<Account> accounts, bool isOwn = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(accounts);
        lock (_gate)
        {
            foreach (var account in accounts)
            {
                Add(partition, account, time.GetUtcNow());
            }
        }

        return default;
    }

    public ValueTask<byte[]?> RecallAsync(string name, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return new(_memories.TryGetValue(name, out var memory) && memory.Ends > time.GetUtcNow() ? memory.Value : null);
        }
    }

    public ValueTask RememberAsync(string name, ReadOnlyMemory<byte> value, TimeSpan lifetime, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            Forget(time.GetUtcNow());
            if (_memories.Count >= MostMemories && !_memories.ContainsKey(name))
            {
                // A tenth at once, so that looking at all is rare.
                foreach (var soon in _memories.OrderBy(m => m.Value.Ends).Take(MostMemories / 10).Select(m => m.Key).ToArray())
                {
                    _memories.Remove(soon);
                }
            }

            _memories[name] = (value.ToArray(), time.GetUtcNow() + lifetime);
        }

        return default;
    }

    /// <summary>The accounts that are still open.</summary>
    public byte[] Write() => Write(-1).Bytes;

    /// <summary>Those of them that changed after a version, how many that are, and the version they are of.</summary>
    internal (byte[] Bytes, int Count, long Version) Write(long after)
    {
        List<Line> open = [];
        long version;
        lock (_gate)
        {
            var now = time.GetUtcNow();
            version = _version;
            foreach (var ((partition, name), account) in _accounts)
            {
                if (account.Version > after && account.Ends > now)
                {
                    open.Add(new Line(partition.ToString("x16", CultureInfo.InvariantCulture), name, account.Held, account.Ends));
                }
            }
        }

        return (JsonSerializer.SerializeToUtf8Bytes(open), open.Count, version);
    }

    /// <summary>Takes up the accounts of an earlier run.</summary>
    /// <exception cref="JsonException">The bytes are none.</exception>
    public void Read(ReadOnlySpan<byte> bytes)
    {
        foreach (var line in JsonSerializer.Deserialize<Line[]>(bytes) ?? [])
        {
            lock (_gate)
            {
                _accounts[(ulong.Parse(line.Partition, NumberStyles.HexNumber, CultureInfo.InvariantCulture), line.Name)] = (line.Held, line.Ends, 0);
            }
        }
    }

    private long Held(ulong partition, string name, DateTimeOffset now) => _accounts.TryGetValue((partition, name), out var account) && account.Ends > now ? account.Held : 0;

    private long Add(ulong partition, in Account account, DateTimeOffset now)
    {
        Forget(now);
        var held = Held(partition, account.Name, now) + account.Amount;
        var ends = _accounts.TryGetValue((partition, account.Name), out var before) && before.Ends > now ? before.Ends : now + account.Lifetime;
        _accounts[(partition, account.Name)] = (held, ends, ++_version);
        return held;
    }

    /// <summary>Looks over everything once in a while: what has ended goes.</summary>
    private void Forget(DateTimeOffset now)
    {
        if (++_sinceSweep < Sweep)
        {
            return;
        }

        _sinceSweep = 0;
        foreach (var key in _accounts.Where(a => a.Value.Ends <= now).Select(a => a.Key).ToArray())
        {
            _accounts.Remove(key);
        }

        foreach (var name in _memories.Where(m => m.Value.Ends <= now).Select(m => m.Key).ToArray())
        {
            _memories.Remove(name);
        }
    }

    private sealed record Line(string Partition, string Name, long Held, DateTimeOffset Ends);
}
