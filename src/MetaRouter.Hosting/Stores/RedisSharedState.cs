using System.Collections.Concurrent;
using System.Globalization;
using StackExchange.Redis;

namespace MetaRouter.Hosting.Stores;

/// <summary>
/// Shared state in Redis. While Redis is away each process goes on with its own count: nobody is refused for that, and the overspending is at most the
/// limit once more per process. A reservation that got no answer is taken back once Redis answers again, whether it was made (up to two minutes
/// before), is made later or never.
/// </summary>
internal sealed class RedisSharedState : ISharedState
{
    /// <summary>
    /// Three arguments per account. A further key, if given, is the reservation's mark, and its lifetime the last argument: if the mark exists already, the
    /// reservation was taken back.
    /// </summary>
    private const string Reserve = """
        local held, n = {0}, math.floor(#ARGV / 3)
        local mark = KEYS[n + 1]
        if mark and redis.call('EXISTS', mark) == 1 then return held end
        for i = 1, n do
          held[i + 1] = tonumber(redis.call('GET', KEYS[i]) or '0')
          if held[1] == 0 and held[i + 1] + tonumber(ARGV[3 * i - 2]) > tonumber(ARGV[3 * i - 1]) then held[1] = i end
        end
        if held[1] == 0 then
          for i = 1, n do
            held[i + 1] = redis.call('INCRBY', KEYS[i], ARGV[3 * i - 2])
            if redis.call('PTTL', KEYS[i]) < 0 then redis.call('PEXPIRE', KEYS[i], ARGV[3 * i]) end
          end
          if mark then redis.call('SET', mark, 'made', 'PX', ARGV[#ARGV]) end
        end
        return held
        """;

    /// <summary>One amount per account, and the mark as above. Done twice it does nothing more.</summary>
    private const string TakeBack = """
        local mark = KEYS[#KEYS]
        if redis.call('GET', mark) == 'made' then
          for i = 1, #KEYS - 1 do
            if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('DECRBY', KEYS[i], ARGV[i]) end
          end
        end
        redis.call('SET', mark, 'taken back', 'PX', ARGV[#ARGV])
        return 0
        """;

    /// <summary>Most doubtful reservations that are remembered; any beyond these keep their amounts until their accounts end.</summary>
    private const int MostUnanswered = 10_000;

    /// <summary>How long after a reservation was made it can be taken back, and how late after that it can still arrive.</summary>
    private static readonly TimeSpan s_markLifetime = TimeSpan.FromMinutes(2);

    private readonly RedisConnection _redis;
    private readonly string _prefix;
    private readonly MemorySharedState _own;
    private readonly RouterMetrics _metrics;
    private readonly ConcurrentQueue<Unanswered> _unanswered = new();
    private int _isTakingBack;

    public RedisSharedState(RedisUserStore store, string prefix, TimeProvider time, RouterMetrics metrics) =>
        (_redis, _prefix, _own, _metrics) = (store.Connection, prefix, new MemorySharedState(time), metrics);

    public async ValueTask<Reservation> ReserveAsync(ulong partition, IReadOnlyList<Account> accounts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(accounts);
        cancellationToken.ThrowIfCancellationRequested();
        var keys = Keys(partition, accounts);
        RedisValue[] values = [.. accounts.SelectMany(Values)];
        var isMarked = accounts.Any(a => a.Amount > 0 && a.Lifetime > s_markLifetime); // the other accounts are soon forgotten anyhow
        if (isMarked)
        {
            keys = [.. keys, Mark(partition)];
            values = [.. values, (long)s_markLifetime.TotalMilliseconds];
        }

        try
        {
            // Not cancelled from here on: an addition whose answer nobody awaits would never be settled.
            var held = (long[])(await _redis.RunAsync(Reserve, keys, values, "written", CancellationToken.None).ConfigureAwait(false))!;
            StartTakingBack();
            return new Reservation((int)held[0] - 1, held[1..]);
        }
        catch (StoreException e)
        {
            if (e.MayBeDone && isMarked && _unanswered.Count < MostUnanswered)
            {
                _unanswered.Enqueue(new Unanswered(keys, [.. accounts.Select(a => (RedisValue)a.Amount), values[^1]]));
            }

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
            await _redis.RunAsync(
                Reserve, Keys(partition, accounts),
                [.. accounts.SelectMany(a => Values(a with { Limit = Account.NoLimit }))],
                "written", CancellationToken.None).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // Redis keeps what was reserved, which errs on the safe side. What was spent beyond the reservation is counted here.
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

    private void StartTakingBack()
    {
        if (!_unanswered.IsEmpty && Interlocked.Exchange(ref _isTakingBack, 1) == 0)
        {
            _ = TakeBackAsync();
        }
    }

    private async Task TakeBackAsync()
    {
        try
        {
            while (_unanswered.TryPeek(out var reservation))
            {
                await _redis.RunAsync(TakeBack, reservation.Keys, reservation.Values, "written", CancellationToken.None).ConfigureAwait(false);
                _unanswered.TryDequeue(out _);
            }
        }
        catch (StoreException)
        {
            // The next call that is answered starts it again.
        }
        finally
        {
            Volatile.Write(ref _isTakingBack, 0);
        }
    }

    /// <summary>A name that no other reservation has, in the slot of its accounts.</summary>
    private RedisKey Mark(ulong partition) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}{{a{partition:x16}}}:r:{Guid.NewGuid():n}");

    private RedisKey Memory(string name) => $"{_prefix}m:{name}";

    private RedisKey[] Keys(ulong partition, IReadOnlyList<Account> accounts) =>
        [.. accounts.Select(a => (RedisKey)string.Create(CultureInfo.InvariantCulture, $"{_prefix}{{a{partition:x16}}}:{a.Name}"))];

    private static IEnumerable<RedisValue> Values(Account account) => [account.Amount, account.Limit, Math.Max(1, (long)account.Lifetime.TotalMilliseconds)];

    /// <summary>A reservation of which no answer came, as <see cref="TakeBack"/> takes it.</summary>
    private sealed record Unanswered(RedisKey[] Keys, RedisValue[] Values);
}
