using System.Globalization;
using StackExchange.Redis;

namespace MetaRouter.Hosting.Stores;

/// <summary>
/// Shared state in Redis. While Redis is away each process goes on with its own count: nobody is refused for it, and the most that is overspent is the
/// limit once more per process.
/// </summary>
public sealed class RedisSharedState : ISharedState
{
    private const string Reserve = """
        local held = {0}
        for i = 1, #KEYS do
          held[i + 1] = tonumber(redis.call('GET', KEYS[i]) or '0')
          if held[1] == 0 and held[i + 1] + tonumber(ARGV[3 * i - 2]) > tonumber(ARGV[3 * i - 1]) then held[1] = i end
        end
        if held[1] == 0 then
          for i = 1, #KEYS do
            held[i + 1] = redis.call('INCRBY', KEYS[i], ARGV[3 * i - 2])
            if redis.call('PTTL', KEYS[i]) < 0 then redis.call('PEXPIRE', KEYS[i], ARGV[3 * i]) end
          end
        end
        return held
        """;

    private readonly RedisConnection _redis;
    private readonly string _prefix;
    private readonly MemorySharedState _own;
    private readonly RouterMetrics _metrics;

    internal RedisSharedState(RedisUserStore store, string prefix, TimeProvider time, RouterMetrics metrics) =>
        (_redis, _prefix, _own, _metrics) = (store.Connection, prefix, new MemorySharedState(time), metrics);

    public async ValueTask<Reservation> ReserveAsync(ulong partition, IReadOnlyList<Account> accounts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(accounts);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            // Not cancelled from here on: what Redis has added and nobody hears of would never be settled.
            var held = (long[])(await _redis.RunAsync(Reserve, Keys(partition, accounts), [.. accounts.SelectMany(Values)], "written", CancellationToken.None).ConfigureAwait(false))!;
            return new Reservation((int)held[0] - 1, held[1..]);
        }
        catch (StoreException)
        {
            _metrics.Fallbacks.Add(1);
            return await _own.ReserveAsync(partition, accounts, cancellationToken).ConfigureAwait(false) with { IsOwn = true };
        }
    }

    public async ValueTask SettleAsync(ulong partition, IReadOnlyList<Account> accounts, bool isOwn = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(accounts);
        if (isOwn)
        {
            await _own.SettleAsync(partition, accounts, isOwn, cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            await _redis.RunAsync(Reserve, Keys(partition, accounts), [.. accounts.SelectMany(a => Values(a with { Limit = long.MaxValue >> 11 }))], "written", CancellationToken.None).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // Redis keeps what was reserved: more than was spent is the safe side. What it fell short of is counted here.
            _metrics.Fallbacks.Add(1);
            await _own.SettleAsync(partition, [.. accounts.Where(a => a.Amount > 0)], isOwn: true, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<byte[]?> RecallAsync(string name, CancellationToken cancellationToken = default)
    {
        try
        {
            return await _redis.DoAsync(Memory(name), db => db.StringGetAsync(Memory(name)), "read", cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            return await _own.RecallAsync(name, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask RememberAsync(string name, ReadOnlyMemory<byte> value, TimeSpan lifetime, CancellationToken cancellationToken = default)
    {
        try
        {
            await _redis.DoAsync(Memory(name), db => db.StringSetAsync(Memory(name), value.ToArray(), lifetime), "written", cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            await _own.RememberAsync(name, value, lifetime, cancellationToken).ConfigureAwait(false);
        }
    }

    private RedisKey Memory(string name) => $"{_prefix}m:{name}";

    private RedisKey[] Keys(ulong partition, IReadOnlyList<Account> accounts) => [.. accounts.Select(a => (RedisKey)string.Create(CultureInfo.InvariantCulture, $"{_prefix}{{a{partition:x16}}}:{a.Name}"))];

    private static IEnumerable<RedisValue> Values(Account account) => [account.Amount, account.Limit, Math.Max(1, (long)account.Lifetime.TotalMilliseconds)];
}
