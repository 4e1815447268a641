using System.Globalization;
using System.Text.Json;

namespace MetaRouter.Hosting.Stores;

/// <summary>
/// Shared state of one process. The accounts can be written down and read back, so that a restart gives nobody a new budget. Lifetimes count time that really passed:
/// a clock that leaps ahead ends nothing. Only what is written down carries clock times.
/// </summary>
public sealed class MemorySharedState(TimeProvider time) : ISharedState
{
    private const int Sweep = 4096;

    /// <summary>The most memories kept. They only save money, so beyond that those that end first go: inventing names by the million fills no memory.</summary>
    internal const int MostMemories = 100_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(ulong Partition, string Name), (long Held, long Ends, long Version)> _accounts = [];
    private readonly Dictionary<string, (byte[] Value, long Ends)> _memories = [];
    private int _sinceSweep;
    private long _version;

    public ValueTask<Reservation> ReserveAsync(ulong partition, IReadOnlyList<Account> accounts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(accounts);
        lock (_gate)
        {
            var (now, held, refused) = (time.GetTimestamp(), new long[accounts.Count], -1);
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
                Add(partition, account, time.GetTimestamp());
            }
        }

        return default;
    }

    public ValueTask<byte[]?> RecallAsync(string name, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return new(_memories.TryGetValue(name, out var memory) && memory.Ends > time.GetTimestamp() ? memory.Value : null);
        }
    }

    public ValueTask RememberAsync(string name, ReadOnlyMemory<byte> value, TimeSpan lifetime, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            Forget(now);
            if (_memories.Count >= MostMemories && !_memories.ContainsKey(name))
            {
                // A tenth at once, so that looking at all is rare.
                foreach (var soon in _memories.OrderBy(m => m.Value.Ends).Take(MostMemories / 10).Select(m => m.Key).ToArray())
                {
                    _memories.Remove(soon);
                }
            }

            _memories[name] = (value.ToArray(), After(now, lifetime));
        }

        return default;
    }

    /// <summary>Grows with every change of an account, also over restarts.</summary>
    internal long Version
    {
        get
        {
            lock (_gate)
            {
                return _version;
            }
        }
    }

    /// <summary>
    /// The accounts that are still open and changed after a version, and the one that changed last: whoever reads them goes on from its version; how many that
    /// are, and the version they are of.
    /// </summary>
    internal (byte[] Bytes, int Count, long Version) Write(long after)
    {
        List<Line> open = [];
        long version;
        lock (_gate)
        {
            var (now, clock) = (time.GetTimestamp(), time.GetUtcNow());
            version = _version;
            foreach (var ((partition, name), account) in _accounts)
            {
                if (account.Version > after && (account.Ends > now || account.Version == version))
                {
                    open.Add(new Line(partition.ToString("x16", CultureInfo.InvariantCulture), name, account.Held, clock + time.GetElapsedTime(now, account.Ends), account.Version));
                }
            }
        }

        return (JsonSerializer.SerializeToUtf8Bytes(open), open.Count, version);
    }

    /// <summary>Takes up the accounts of an earlier run. Where an account is there already, the later of the two stays.</summary>
    /// <returns>The latest version among them; 0: there are no accounts, or an older program wrote them without versions.</returns>
    /// <exception cref="JsonException">The bytes are not accounts.</exception>
    /// <exception cref="FormatException">The same.</exception>
    public long Read(ReadOnlySpan<byte> bytes)
    {
        var lines = JsonSerializer.Deserialize<Line[]>(bytes) ?? [];
        var latest = 0L;
        lock (_gate)
        {
            var (now, clock) = (time.GetTimestamp(), time.GetUtcNow());
            foreach (var line in lines)
            {
                var key = (ulong.Parse(line.Partition, NumberStyles.HexNumber, CultureInfo.InvariantCulture), line.Name);
                latest = Math.Max(latest, line.Version);
                if (!_accounts.TryGetValue(key, out var known) || known.Version < line.Version)
                {
                    _accounts[key] = (line.Held, After(now, line.Ends - clock), line.Version);
                }
            }

            _version = Math.Max(_version, latest);
        }

        return latest;
    }

    /// <summary>The accounts that are still open, with the time left to each.</summary>
    internal IReadOnlyList<(ulong Partition, string Name, long Held, TimeSpan Left)> Open()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            return [.. _accounts.Where(a => a.Value.Ends > now).Select(a => (a.Key.Partition, a.Key.Name, a.Value.Held, time.GetElapsedTime(now, a.Value.Ends)))];
        }
    }

    /// <summary>The timestamp that lies a lifetime after another.</summary>
    private long After(long timestamp, TimeSpan lifetime) => timestamp + (long)Math.Round(lifetime.TotalSeconds * time.TimestampFrequency);

    private long Held(ulong partition, string name, long now) => _accounts.TryGetValue((partition, name), out var account) && account.Ends > now ? account.Held : 0;

    private long Add(ulong partition, in Account account, long now)
    {
        Forget(now);
        var held = Held(partition, account.Name, now) + account.Amount;
        var ends = _accounts.TryGetValue((partition, account.Name), out var before) && before.Ends > now ? before.Ends : After(now, account.Lifetime);
        _accounts[(partition, account.Name)] = (held, ends, ++_version);
        return held;
    }

    /// <summary>Once in a while, drops everything whose lifetime has ended.</summary>
    private void Forget(long now)
    {
        if (++_sinceSweep < Sweep)
        {
            return;
        }

        _sinceSweep = 0;
        foreach (var key in _accounts.Where(a => a.Value.Ends <= now && a.Value.Version != _version).Select(a => a.Key).ToArray())
        {
            _accounts.Remove(key);
        }

        foreach (var name in _memories.Where(m => m.Value.Ends <= now).Select(m => m.Key).ToArray())
        {
            _memories.Remove(name);
        }
    }

    private sealed record Line(string Partition, string Name, long Held, DateTimeOffset Ends, long Version = 0);
}
