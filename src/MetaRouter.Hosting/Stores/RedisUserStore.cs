using System.Buffers.Binary;
using System.Globalization;
using StackExchange.Redis;

namespace MetaRouter.Hosting.Stores;

/// <summary>
/// Users in Redis, for any number of processes: every write is a compare-and-set in Lua. A user's record and its bucket's indexes carry the same hash tag,
/// so that on Redis Cluster one script on one node touches them all.
/// </summary>
/// <remarks>
/// <code>
/// {b17}:u:KEY     hash: s the state, e the etag, x Unix milliseconds of the last erasure
/// {b17}:seq       the bucket's last etag, never given twice
/// {b17}:changed   sorted set: KEY by etag
/// {b17}:erased    sorted set: KEY by time of erasure
/// {b17}:q         hash: records set aside, KEY:ETAG to reason and state
/// v:{NAME}        string: a named value
/// </code>
/// What an acknowledged write survives depends on Redis: with <c>appendonly yes</c> and <c>appendfsync always</c> the death of its process and its machine, with
/// <c>everysec</c> all but the last second, without an append-only file neither; a replica that takes over may lack what its master had acknowledged.
/// <see cref="Durability"/> tells which it is. An etag is the time of the write in microseconds by Redis' clock, or the one after the last where that is greater: a
/// Redis that was emptied, or came back without its last second, gives no etag again that somebody still has in memory, so that no write replaces a record it has not seen
/// in the belief that it has. Needs Redis 5 or later: scripts there may ask the time before they write.
/// </remarks>
public sealed class RedisUserStore : IUserStore, IDisposable
{
    /// <summary>Never change it: it decides where a user's record is.</summary>
    private const int Buckets = 64;

    private const string NextEtag = """
        local t = redis.call('TIME')
        local n = string.format('%.0f', math.max(tonumber(redis.call('GET', KEYS[2]) or '0') + 1, tonumber(t[1]) * 1000000 + tonumber(t[2])))
        redis.call('SET', KEYS[2], n)

        """;

    private const string Save = $"""
        if (redis.call('HGET', KEYS[1], 'e') or '0') ~= ARGV[1] then return 0 end
        {NextEtag}
        redis.call('HSET', KEYS[1], 's', ARGV[2], 'e', n)
        redis.call('ZADD', KEYS[3], n, ARGV[3])
        return tonumber(n)
        """;

    private const string Erase = $"""
        {NextEtag}
        local x = math.max(tonumber(redis.call('HGET', KEYS[1], 'x') or '0') + 1, tonumber(ARGV[2]))
        redis.call('HSET', KEYS[1], 's', '', 'e', n, 'x', string.format('%d', x))
        redis.call('ZADD', KEYS[3], n, ARGV[1])
        redis.call('ZADD', KEYS[4], x, ARGV[1])
        for _, field in ipairs(redis.call('HKEYS', KEYS[5])) do
          if string.sub(field, 1, string.len(ARGV[1]) + 1) == ARGV[1] .. ':' then redis.call('HDEL', KEYS[5], field) end
        end
        return tonumber(n)
        """;

    private const string SetAside = $"""
        if redis.call('HGET', KEYS[1], 'e') ~= ARGV[1] then return 0 end
        {NextEtag}
        redis.call('HSET', KEYS[4], ARGV[2] .. ':' .. ARGV[1], ARGV[3] .. string.char(10) .. redis.call('HGET', KEYS[1], 's'))
        redis.call('HSET', KEYS[1], 's', '', 'e', n)
        redis.call('ZADD', KEYS[3], n, ARGV[2])
        return tonumber(n)
        """;

    private const string Purge = """
        local gone = 0
        for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[1], 'LIMIT', 0, 1000)) do
          local user = ARGV[2] .. key
          if redis.call('HGET', user, 's') == '' and tonumber(redis.call('HGET', user, 'x') or '0') < tonumber(ARGV[1]) then
            redis.call('DEL', user)
            redis.call('ZREM', KEYS[1], key)
            gone = gone + 1
          end
          redis.call('ZREM', KEYS[2], key)
        end
        return gone
        """;

    private const string Exchange = """
        local now = redis.call('GET', KEYS[1])
        if ARGV[2] == '1' then
          if now ~= ARGV[3] then return 0 end
        elseif now then
          return 0
        end
        redis.call('SET', KEYS[1], ARGV[1])
        return 1
        """;

    private const string Remove = """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        return redis.call('DEL', KEYS[1])
        """;

    /// <summary>Scripts, and the clock, which only scripts ask for: a Redis user without these rights can read, but every write is refused.</summary>
    private const string Rights = """
        redis.call('TIME')
        return redis.call('EXISTS', KEYS[1])
        """;

    private readonly RedisConnection _redis;
    private readonly string _prefix;
    private readonly long[] _cursor = new long[Buckets];
    private readonly Lock _cursorGate = new();
    private long _delivered;

    private RedisUserStore(RedisConnection redis, string prefix) => (_redis, _prefix) = (redis, prefix);

    /// <summary>What an acknowledged write survives, in words.</summary>
    public string Durability { get; private init; } = "";

    /// <summary>Whether <see cref="Durability"/> is the best there is: nothing acknowledged is lost with a process or a machine.</summary>
    public bool IsDurable { get; private init; }

    public TimeSpan? Freshness { get; } = TimeSpan.FromMilliseconds(900);

    /// <summary>The connection, for what else is shared.</summary>
    internal RedisConnection Connection => _redis;

    /// <param name="prefix">Before every key: several routers can share one Redis.</param>
    /// <exception cref="StoreException">Redis cannot be reached, or refuses.</exception>
    public static RedisUserStore Open(string configuration, string prefix = "")
    {
        var redis = RedisConnection.Open(configuration);
        try
        {
            var (isDurable, durability) = redis.DurabilityAsync().GetAwaiter().GetResult();
            return new RedisUserStore(redis, prefix) { IsDurable = isDurable, Durability = durability };
        }
        catch
        {
            redis.Dispose();
            throw;
        }
    }

    /// <summary>Checks the rights that only writing needs before the first feedback does; without them the connection is closed.</summary>
    /// <exception cref="StoreException">Redis' user lacks one.</exception>
    internal void CheckRights()
    {
        try
        {
            _redis.RunAsync(Rights, [In(0, "seq")], [], "written", CancellationToken.None).GetAwaiter().GetResult();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public async ValueTask<StoredUser> LoadAsync(UserKey key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var values = await _redis.DoAsync(User(key), db => db.HashGetAsync(User(key), ["s", "e", "x"]), "read", cancellationToken).ConfigureAwait(false);
        return values[1].IsNull ? StoredUser.None : new StoredUser((byte[])values[0]! ?? [], (long)values[1], values[2].IsNull ? 0 : (long)values[2]);
    }

    public async ValueTask<long> SaveAsync(UserKey key, ReadOnlyMemory<byte> state, long etag, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return (long)await _redis.RunAsync(
            Save,
            [User(key), In(key, "seq"), In(key, "changed")],
            [etag.ToString(CultureInfo.InvariantCulture), state.ToArray(), Name(key)],
            "written", CancellationToken.None).ConfigureAwait(false);
    }

    public async ValueTask EraseAsync(UserKey key, long nowMs, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await _redis.RunAsync(Erase, [User(key), In(key, "seq"), In(key, "changed"), In(key, "erased"), In(key, "q")], [Name(key), nowMs], "written", CancellationToken.None).ConfigureAwait(false);
    }

    public async ValueTask QuarantineAsync(UserKey key, StoredUser record, string reason, long nowMs, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(reason);
        cancellationToken.ThrowIfCancellationRequested();
        await _redis.RunAsync(
            SetAside, [User(key), In(key, "seq"), In(key, "changed"), In(key, "q")],
            [record.Etag.ToString(CultureInfo.InvariantCulture), Name(key), $"{DateTimeOffset.FromUnixTimeMilliseconds(nowMs).UtcDateTime:O} {reason.ReplaceLineEndings(" ")}"],
            "written", CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>How many records that could not be read are kept aside.</summary>
    public async ValueTask<int> CountQuarantinedAsync(CancellationToken cancellationToken = default)
    {
        var sum = 0L;
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            sum += await _redis.DoAsync(In(bucket, "q"), db => db.HashLengthAsync(In(bucket, "q")), "read", cancellationToken).ConfigureAwait(false);
        }

        return (int)sum;
    }

    /// <remarks>
    /// Every bucket has an order of its own, on whatever node it is. The sequence is this process' own count of the users it was given; a call that continues from the last one continues
    /// in every bucket, and any other starts from the beginning: being told of a changed user twice does no harm.
    /// </remarks>
    public async ValueTask<IReadOnlyList<ChangedUser>> ChangedAsync(long sequence, int limit, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        long[] after;
        lock (_cursorGate)
        {
            after = sequence > 0 && sequence == _delivered ? [.. _cursor] : new long[Buckets];
        }

        var users = new List<ChangedUser>();
        var next = sequence > 0 && sequence == _delivered ? sequence : 0;
        for (var bucket = 0; bucket < Buckets && users.Count < limit; bucket++)
        {
            var found = await _redis.DoAsync(
                In(bucket, "changed"),
                db => db.SortedSetRangeByScoreWithScoresAsync(
                    In(bucket, "changed"), after[bucket], double.PositiveInfinity, Exclude.Start, Order.Ascending, 0, limit - users.Count),
                "read", cancellationToken).ConfigureAwait(false);
            foreach (var entry in found)
            {
                var key = KeyOf((string)entry.Element!);
                users.Add(new ChangedUser(key, await LoadAsync(key, cancellationToken).ConfigureAwait(false), ++next));
                after[bucket] = (long)entry.Score;
            }
        }

        lock (_cursorGate)
        {
            after.CopyTo(_cursor, 0);
            _delivered = next;
        }

        return users;
    }

    public async ValueTask<int> PurgeTombstonesAsync(long beforeMs, CancellationToken cancellationToken = default)
    {
        var sum = 0;
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            sum += (int)await _redis.RunAsync(Purge, [In(bucket, "changed"), In(bucket, "erased")], [beforeMs, (byte[])In(bucket, "u:")!], "written", cancellationToken).ConfigureAwait(false);
        }

        return sum;
    }

    public async ValueTask<byte[]?> ReadValueAsync(string name, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _redis.DoAsync(Shared(name), db => db.StringGetAsync(Shared(name)), "read", cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<bool> WriteValueAsync(string name, ReadOnlyMemory<byte> value, byte[]? expected, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return (long)await _redis.RunAsync(Exchange, [Shared(name)], [value.ToArray(), expected is null ? 0 : 1, expected ?? []], "written", CancellationToken.None).ConfigureAwait(false) == 1;
    }

    public async ValueTask<bool> RemoveValueAsync(string name, byte[] expected, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return (long)await _redis.RunAsync(Remove, [Shared(name)], [expected], "written", CancellationToken.None).ConfigureAwait(false) == 1;
    }

    public ValueTask DisposeAsync()
    {
        _redis.Dispose();
        return default;
    }

    public void Dispose() => _redis.Dispose();

    private static string Name(UserKey key) => string.Create(CultureInfo.InvariantCulture, $"{key.Tenant:x16}{key.User:x16}");

    private static UserKey KeyOf(string name)
    {
        var bytes = Convert.FromHexString(name);
        return new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(8)));
    }

    private static int BucketOf(UserKey key) => (int)(key.User % Buckets);

    private RedisKey User(UserKey key) => In(BucketOf(key), "u:" + Name(key));

    private RedisKey In(UserKey key, string what) => In(BucketOf(key), what);

    private RedisKey In(int bucket, string what) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}{{b{bucket}}}:{what}");

    private RedisKey Shared(string name) => $"{_prefix}v:{{{name}}}";
}
