using System.Diagnostics;
using StackExchange.Redis;

namespace MetaRouter.Hosting.Stores;

/// <summary>One connection to Redis, or to a cluster of them. It mends itself; while it is broken every call fails at once instead of waiting.</summary>
internal sealed class RedisConnection : IDisposable
{
    /// <summary>A call that gets no answer by then may have been done all the same; its caller must ask again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan MomentToStart = TimeSpan.FromSeconds(5), AnotherLook = TimeSpan.FromMilliseconds(250);

    private readonly ConnectionMultiplexer _redis;
    private readonly string _name;
    private int _isLooking;

    /// <summary>Of several nodes the one that was the only master when all were asked last, and has not been away since; null: to be found.</summary>
    private volatile string? _master;

    private RedisConnection(ConnectionMultiplexer redis, string name, bool hasSeveral)
    {
        (_redis, _name, HasSeveral) = (redis, name, hasSeveral);
        if (hasSeveral)
        {
            redis.ConnectionFailed += (_, e) => _master = RedisReach.Name(e.EndPoint!) == _master ? null : _master;
            _master = OnlyOne(Masters());
        }
    }

    /// <summary>It knows several nodes, so that calls that others make by <see cref="Client"/> need <see cref="CheckMaster"/> before, and <see cref="Notice"/> after.</summary>
    public bool HasSeveral { get; }

    public IConnectionMultiplexer Client => _redis;

    /// <param name="address">As <see cref="RedisAddress"/> reads it.</param>
    /// <exception cref="StoreException">It cannot be understood, or Redis cannot be reached.</exception>
    public static RedisConnection Open(string address)
    {
        var options = RedisAddress.Parse(address);
        options.AbortOnConnectFail = false;
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.AllowAdmin = true; // CONFIG GET, nothing else
        options.ConnectTimeout = options.Ssl ? 5000 : 1500; // a handshake waits for a busy machine
        options.SyncTimeout = 2000;
        options.ReconnectRetryPolicy = new LinearRetry(250);
        var name = "redis:" + string.Join(',', options.EndPoints.Select(RedisReach.Name));
        var started = Stopwatch.GetTimestamp();
        ConnectionMultiplexer? redis = null;
        try
        {
            redis = ConnectionMultiplexer.Connect(options);
            AwaitAnswer(redis);
            return new RedisConnection(redis, name, options.EndPoints.Count > 1 || options.ServiceName is not null);
        }
        catch (Exception e) when (e is RedisException or TimeoutException or InvalidOperationException)
        {
            redis?.Dispose();
            var remedy = RedisFailure.Remedy(e);
            if (remedy == RedisFailure.Unreachable)
            {
                var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
                var why = RedisReach.Diagnose(options.EndPoints, options.Ssl, RedisFailure.Innermost(e));
                throw new StoreException(FormattableString.Invariant($"The store '{name}' cannot be opened: tried for {seconds:0} s, {why}"), e);
            }

            throw new StoreException($"The store '{name}' cannot be opened: {remedy}. ({RedisFailure.OneLine(e)})", e);
        }
    }

    /// <summary>The two may have been started together: Redis gets a moment, unless it has refused already.</summary>
    private static void AwaitAnswer(ConnectionMultiplexer redis)
    {
        var started = Stopwatch.GetTimestamp();
        var restored = new SemaphoreSlim(0); // not disposed: an event on its way may still release it, and it holds nothing
        RedisConnectionException? refusal = null;
        EventHandler<ConnectionFailedEventArgs> onRestored = (_, _) => restored.Release();
        EventHandler<ConnectionFailedEventArgs> onFailed = (_, e) => refusal = e.Exception is { } cause && RedisFailure.IsRefusal(cause)
            ? new(ConnectionFailureType.AuthenticationFailure, cause.Message, cause)
            : refusal;
        EventHandler<RedisErrorEventArgs> onError = (_, e) => refusal = RedisFailure.IsOfPassword(e.Message) ? new(ConnectionFailureType.AuthenticationFailure, e.Message) : refusal;
        redis.ConnectionRestored += onRestored;
        redis.ConnectionFailed += onFailed;
        redis.ErrorMessage += onError;
        try
        {
            while (true)
            {
                try
                {
                    redis.GetDatabase().Ping();
                    return;
                }
                catch (Exception e) when ((e is RedisConnectionException or TimeoutException || e.Message.StartsWith(RedisFailure.Loading, StringComparison.Ordinal))
                    && refusal is null
                    && !RedisFailure.IsRefusal(e)
                    && Stopwatch.GetElapsedTime(started) < MomentToStart)
                {
                    restored.Wait(AnotherLook);
                }
                catch (Exception e) when (refusal is not null && e is RedisConnectionException or TimeoutException)
                {
                    throw refusal; // says why there is no connection, not only that there is none
                }
            }
        }
        finally
        {
            redis.ConnectionRestored -= onRestored;
            redis.ConnectionFailed -= onFailed;
            redis.ErrorMessage -= onError;
        }
    }

    /// <summary>Runs a script whose keys are all in one slot.</summary>
    public async Task<RedisResult> RunAsync(string script, RedisKey[] keys, RedisValue[] values, string done, CancellationToken cancellationToken)
    {
        return await DoAsync(keys[0], Evaluate, done, cancellationToken).ConfigureAwait(false);

        async Task<RedisResult> Evaluate(IDatabase database)
        {
            try
            {
                return await database.ScriptEvaluateAsync(script, keys, values).ConfigureAwait(false);
            }
            catch (RedisServerException e) when (e.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
            {
                // Redis was started anew and has forgotten it; the client has now forgotten that it knew.
                return await database.ScriptEvaluateAsync(script, keys, values).ConfigureAwait(false);
            }
        }
    }

    /// <param name="key">One of the keys the call is about: it decides which node is asked.</param>
    /// <exception cref="StoreException">Redis is away, does not answer, or refuses.</exception>
    public async Task<T> DoAsync<T>(RedisKey key, Func<IDatabase, Task<T>> call, string done, CancellationToken cancellationToken)
    {
        try
        {
            var database = _redis.GetDatabase();
            if (!database.IsConnected(key))
            {
                // The client would queue the call while it is connecting anew, and its caller would wait for nothing.
                throw new StoreException($"The store '{_name}' cannot be {done}: {RedisFailure.Unreachable}.");
            }

            CheckMaster(done);
            var answer = await call(database).WaitAsync(Patience, cancellationToken).ConfigureAwait(false);

            // This may run on the one thread that completes all the client's calls, in order: the caller's continuation must not hold that up.
            await Task.Yield();
            return answer;
        }
        // Any other failure of the client: when its connection breaks, calls in hand are cancelled or fail with whatever broke, even with the state of a pipe.
        catch (Exception e) when (e is not StoreException && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            await Task.Yield();
            Notice(e);
            throw new StoreException($"The store '{_name}' cannot be {done}: {RedisFailure.Remedy(e)}. ({RedisFailure.OneLine(e)})", e) { MayBeDone = e is not RedisServerException };
        }
    }

    /// <summary>
    /// Of nodes that are no cluster one may take writes. A master that was replaced while it was away comes back as one, and is one until somebody tells it: it has
    /// nothing of what was acknowledged since, and what it is given is thrown away. The client would take either, and does not see by itself that a replica has become the
    /// master: so one that was away, or was none, is only used once all have been asked again.
    /// </summary>
    /// <exception cref="StoreException">Two call themselves the master, or one does of which that is not known yet.</exception>
    public void CheckMaster(string done)
    {
        if (!HasSeveral || Masters() is not { } masters || (masters is [var known] && known == _master))
        {
            return;
        }

        _ = LookForMasterAsync();
        if (masters.Length > 0)
        {
            throw new StoreException(masters is [var one]
                ? $"The store '{_name}' cannot be {done}: {one} calls itself the master, and the others are being asked whether they do, too; try again in a moment."
                : $"The store '{_name}' cannot be {done}: {string.Join(" and ", masters)} {RedisFailure.TwoMasters}.");
        }
    }

    /// <summary>The nodes that call themselves the master, as far as is known; null: none is connected, or they are a cluster.</summary>
    private string[]? Masters()
    {
        var nodes = _redis.GetServers().Where(s => s is { IsConnected: true, ServerType: ServerType.Standalone }).ToArray();
        return nodes.Length == 0 ? null : [.. nodes.Where(s => !s.IsReplica).Select(s => RedisReach.Name(s.EndPoint))];
    }

    private static string? OnlyOne(string[]? masters) => masters is [var one] ? one : null;

    /// <summary>A call failed: if because the node has become a replica, the master is looked for.</summary>
    public void Notice(Exception failure)
    {
        if (failure is RedisServerException && failure.Message.Contains(RedisFailure.ReadOnly, StringComparison.Ordinal))
        {
            _ = LookForMasterAsync();
        }
    }

    /// <summary>Of several nodes another has become the master: the client would look who is what once a minute.</summary>
    private async Task LookForMasterAsync()
    {
        if (Interlocked.Exchange(ref _isLooking, 1) != 0)
        {
            return;
        }

        try
        {
            await _redis.ConfigureAsync().ConfigureAwait(false);
            _master = OnlyOne(Masters());
        }
        catch (Exception e) when (e is RedisException or TimeoutException or ObjectDisposedException)
        {
            // The next refused write looks again.
        }
        finally
        {
            Volatile.Write(ref _isLooking, 0);
        }
    }

    /// <summary>What an acknowledged write survives, by the node that promises least.</summary>
    public Task<(bool IsDurable, string Description)> DurabilityAsync() => RedisDurability.OfAsync(_redis, Patience);

    public void Dispose() => _redis.Dispose();
}
