using System.Diagnostics;
using StackExchange.Redis;

namespace MetaRouter.Hosting.Stores;

/// <summary>One connection to Redis, or to a cluster of them. It mends itself; while it is broken every call fails at once instead of waiting.</summary>
internal sealed class RedisConnection : IDisposable
{
    /// <summary>A call that gets no answer by then may have been done all the same; who made it must ask again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private const string Unreachable = "it cannot be reached; start it, or check the address, ssl=true if it speaks TLS, the password and the network";

    private const string Password = "it asks for a password, or for another; set password=... or passwordFile=FILE (and user=... where it has users) in the address";

    private static readonly TimeSpan MomentToStart = TimeSpan.FromSeconds(5), AnotherLook = TimeSpan.FromMilliseconds(250);

    private const string ReadOnly = "READONLY ", Loading = "LOADING ";

    private readonly ConnectionMultiplexer _redis;
    private readonly string _name;
    private int _isLooking;

    private RedisConnection(ConnectionMultiplexer redis, string name) => (_redis, _name) = (redis, name);

    public IDatabase Database => _redis.GetDatabase();

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
            return new RedisConnection(redis, name);
        }
        catch (Exception e) when (e is RedisException or TimeoutException or InvalidOperationException)
        {
            redis?.Dispose();
            var remedy = Remedy(e);
            throw new StoreException(
                remedy == Unreachable
                    ? FormattableString.Invariant($"The store '{name}' cannot be opened: tried for {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s, {RedisReach.Tell(options.EndPoints, options.Ssl, Innermost(e))}")
                    : $"The store '{name}' cannot be opened: {remedy}. ({OneLine(e)})",
                e);
        }
    }

    /// <summary>The two may have been started together: Redis gets a moment, unless it has refused already.</summary>
    private static void AwaitAnswer(ConnectionMultiplexer redis)
    {
        var started = Stopwatch.GetTimestamp();
        var restored = new SemaphoreSlim(0); // not disposed: an event on its way may still release it, and it holds nothing
        RedisConnectionException? refusal = null;
        EventHandler<ConnectionFailedEventArgs> onRestored = (_, _) => restored.Release();
        EventHandler<ConnectionFailedEventArgs> onFailed = (_, told) => refusal = told.Exception is { } cause && IsRefusal(cause) ? new(ConnectionFailureType.AuthenticationFailure, cause.Message, cause) : refusal;
        EventHandler<RedisErrorEventArgs> onError = (_, told) => refusal = IsOfPassword(told.Message) ? new(ConnectionFailureType.AuthenticationFailure, told.Message) : refusal;
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
                catch (Exception e) when ((e is RedisConnectionException or TimeoutException || e.Message.StartsWith(Loading, StringComparison.Ordinal)) && refusal is null && !IsRefusal(e) && Stopwatch.GetElapsedTime(started) < MomentToStart)
                {
                    restored.Wait(AnotherLook);
                }
                catch (Exception e) when (refusal is not null && e is RedisConnectionException or TimeoutException)
                {
                    throw refusal; // why there is no connection, instead of that there is none
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

    /// <param name="key">One of those it is about: it tells which node is asked.</param>
    /// <exception cref="StoreException">Redis is away, does not answer, or refuses.</exception>
    public async Task<T> DoAsync<T>(RedisKey key, Func<IDatabase, Task<T>> call, string done, CancellationToken cancellationToken)
    {
        try
        {
            var database = _redis.GetDatabase();
            if (!database.IsConnected(key))
            {
                // The client would queue the call while it is connecting anew, and its caller would wait for nothing.
                throw new StoreException($"The store '{_name}' cannot be {done}: {Unreachable}.");
            }

            var answer = await call(database).WaitAsync(Patience, cancellationToken).ConfigureAwait(false);

            // The client may have come here on the one thread that completes all its calls, in order: whoever goes on from here must not hold that up.
            await Task.Yield();
            return answer;
        }
        // Whatever else the client fails by: what it had in hand when its connection breaks, it cancels or fails by what broke, the state of a pipe too.
        catch (Exception e) when (e is not StoreException && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            await Task.Yield();
            if (e is RedisServerException && e.Message.Contains(ReadOnly, StringComparison.Ordinal))
            {
                _ = LookForMasterAsync();
            }

            throw new StoreException($"The store '{_name}' cannot be {done}: {Remedy(e)}. ({OneLine(e)})", e) { MayBeDone = e is not RedisServerException };
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
        }
        catch (Exception e) when (e is RedisException or TimeoutException or ObjectDisposedException)
        {
            // The next write that is refused looks again.
        }
        finally
        {
            Volatile.Write(ref _isLooking, 0);
        }
    }

    /// <summary>What an acknowledged write survives, by the node that promises least.</summary>
    public async Task<(bool IsDurable, string Told)> DurabilityAsync()
    {
        var (worst, told) = (3, "what is acknowledged survives the death of Redis and of its machine (appendonly yes, appendfsync always)");
        foreach (var server in _redis.GetEndPoints().Select(e => _redis.GetServer(e)).Where(s => s.IsConnected))
        {
            var (rank, text) = await DurabilityAsync(server).ConfigureAwait(false);
            (worst, told) = rank < worst ? (rank, text) : (worst, told);
        }

        return (worst == 3, told);
    }

    public void Dispose() => _redis.Dispose();

    private static async Task<(int Rank, string Told)> DurabilityAsync(IServer server)
    {
        try
        {
            var (appends, syncs) = (await ConfigAsync(server, "appendonly").ConfigureAwait(false), await ConfigAsync(server, "appendfsync").ConfigureAwait(false));
            var (policy, most) = (await ConfigAsync(server, "maxmemory-policy").ConfigureAwait(false), await ConfigAsync(server, "maxmemory").ConfigureAwait(false));
            if (most is not ("" or "0") && policy is not ("" or "noeviction"))
            {
                // Only what was spent has a lifetime.
                return (-1, $"what is acknowledged is thrown away when Redis is full: {(policy.StartsWith("volatile-", StringComparison.Ordinal) ? "what was spent of budgets" : "users, and the keys that receipts are sealed with")} (maxmemory {most}, maxmemory-policy {policy}); set maxmemory-policy noeviction to keep it");
            }

            return (appends, syncs) switch
            {
                ("yes", "always") => (3, ""),
                ("yes", _) => (2, $"what is acknowledged survives the death of Redis, but up to a second or more of it is lost with its machine (appendonly yes, appendfsync {syncs}); set appendfsync always to keep it"),
                _ => (0, "what is acknowledged is lost when Redis ends, back to its last dump (appendonly no); set appendonly yes and appendfsync always to keep it"),
            };
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            return (1, "Redis does not tell how it keeps what it acknowledges (CONFIG is refused); ask whoever runs it for appendonly yes and appendfsync always");
        }
    }

    private static async Task<string> ConfigAsync(IServer server, string name) => (await server.ConfigGetAsync(name).WaitAsync(Patience).ConfigureAwait(false)).FirstOrDefault().Value ?? "";

    /// <summary>Redis, or this side, will not have the other: no time changes that.</summary>
    private static bool IsRefusal(Exception e) => IsOfTls(e) || IsOfPassword(e);

    private static bool IsOfTls(Exception e) => Causes(e).Any(c => c is System.Security.Authentication.AuthenticationException);

    /// <summary>The client calls a TLS handshake that broke off an authentication that failed, too.</summary>
    private static bool IsOfPassword(Exception e) =>
        !Causes(e).Any(c => c is OperationCanceledException or System.Net.Sockets.SocketException or EndOfStreamException || (c is IOException and not StoreException))
        && Causes(e).Any(c => c is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } || (c is RedisException && IsOfPassword(c.Message)));

    /// <summary>Redis' words, or the client's for them.</summary>
    private static bool IsOfPassword(string message) => Words.Any(word => message.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static readonly string[] Words = ["NOAUTH", "WRONGPASS", "AuthenticationFailure", "authentication failure"];

    private static IEnumerable<Exception> Causes(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            yield return e;
        }
    }

    /// <summary>What to do, by the words that somebody else gave a failure of Redis.</summary>
    internal static string Remedy(string words) => Refused(words) ?? (IsOfPassword(words) ? Password : "Redis does not answer, or not in time; what was asked may have been done. Check that it runs and can be reached");

    private static string? Refused(string words) => words switch
    {
        _ when words.Contains("OOM ", StringComparison.Ordinal) => "Redis is out of memory; raise maxmemory, with a policy that evicts nothing",
        _ when words.Contains(ReadOnly, StringComparison.Ordinal) => "this Redis is a replica; name the master, or all of them",
        _ when words.Contains(Loading, StringComparison.Ordinal) => "Redis is still loading what it has on its disk; try again when it is done",
        _ when words.Contains("NOPERM ", StringComparison.Ordinal) || words.Contains("can't run this command", StringComparison.Ordinal) => "Redis' user there lacks a right; give it those that the README names",
        _ when words.Contains("MISCONF ", StringComparison.Ordinal) => "Redis cannot write to its disk; free some space",
        _ => null,
    };

    private static string Remedy(Exception e) => e switch
    {
        _ when IsOfTls(e) => "the two cannot agree on TLS; check that it listens with TLS on this port, ca=FILE (the authority that signed its certificate), sslHost=NAME (the name in it), and cert=FILE with key=FILE if it asks for one",
        _ when IsOfPassword(e) => Password,
        RedisServerException s when Refused(s.Message) is { } remedy => remedy,
        RedisServerException => "Redis refuses",
        TimeoutException or OperationCanceledException => "it does not answer in time; what was asked may have been done, ask again",
        RedisException => Unreachable,
        _ => "the connection broke; what was asked may have been done, ask again",
    };

    /// <summary>Without the client's account of itself, which follows its own words after a comma or in brackets.</summary>
    private static string Innermost(Exception e) => Causes(e).Last() is var cause && cause is RedisException ? OneLine(cause).Split([',', '('])[0].Trim() : OneLine(cause);

    private static string OneLine(Exception e)
    {
        var text = e.Message.ReplaceLineEndings(" ").TrimEnd('.');
        return text.Length <= 160 ? text : text[..160] + "...";
    }
}
