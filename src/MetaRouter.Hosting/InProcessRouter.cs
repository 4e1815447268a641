using System.Diagnostics;
using System.Security.Cryptography;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Telemetry;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting;

/// <summary>
/// The router in one process. Routing reads memory, else the store, and writes nothing. Learning takes the user's turn, saves, and answers only then;
/// when somebody else wrote first it loads again and applies again, which is safe because states join.
/// </summary>
public sealed partial class InProcessRouter : IEdgeRouter
{
    private readonly IUserStore _store;
    private readonly PoolHolder _pool;
    private readonly RoutingPolicy _policy;
    private readonly RouterSecrets _secrets;
    private readonly TimeProvider _time;
    private readonly RouterMetrics _metrics;
    private readonly DecisionLog _log;
    private readonly ILogger<InProcessRouter> _logger;
    private readonly UserCache _users;
    private readonly StoreCircuit _storeCircuit = new();
    private readonly UserTurns _turns = new();

    public InProcessRouter(
        IUserStore store,
        PoolHolder pool,
        RoutingPolicy policy,
        RouterSecrets secrets,
        TimeProvider time,
        RouterMetrics metrics,
        DecisionLog log,
        ILogger<InProcessRouter> logger,
        int usersInMemory)
    {
        _store = store;
        _pool = pool;
        _policy = policy;
        _secrets = secrets;
        _time = time;
        _metrics = metrics;
        _log = log;
        _logger = logger;
        _users = new UserCache(usersInMemory);
    }

    internal int UsersInMemory => _users.Count;

    public async ValueTask<RouteDecision> RouteAsync(string tenant, string user, RouteRequest request, CancellationToken cancellationToken = default)
    {
        var decision = await DecideAsync(tenant, user, request, cancellationToken).ConfigureAwait(false);
        _log.Offer(decision);
        return decision;
    }

    public async ValueTask<RouteDecision> RouteAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default)
    {
        var decision = await DecideAnonymousAsync(tenant, request, cancellationToken).ConfigureAwait(false);
        _log.Offer(decision);
        return decision;
    }

    public async ValueTask<RouteDecision> DecideAsync(string tenant, string user, RouteRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        cancellationToken.ThrowIfCancellationRequested();
        var started = Stopwatch.GetTimestamp();
        using var spans = DecisionSpans.Begin();
        var key = Key(tenant, user);
        var known = _users.Find(key);
        if (known is null || IsStale(known))
        {
            known = await LoadOrRememberAsync(key, known, cancellationToken).ConfigureAwait(false);
        }

        return Measured(Decide(key, Current(key, known), known.ErasedAtMs, request, spans), started);
    }

    public ValueTask<RouteDecision> DecideAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        cancellationToken.ThrowIfCancellationRequested();
        var started = Stopwatch.GetTimestamp();
        using var spans = DecisionSpans.Begin();
        return new(Measured(Decide(new UserKey(_secrets.HashOf(tenant), 0), _pool.Newcomer, 0, request, spans), started));
    }

    public async ValueTask<FeedbackResult> LearnAsync(string tenant, string user, Feedback feedback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        cancellationToken.ThrowIfCancellationRequested();
        var started = Stopwatch.GetTimestamp();
        var key = Key(tenant, user);
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        var verdict = _policy.Sealer.Open(feedback.Receipt, key.Tenant, key.User, now, out var receipt);
        if (!verdict.IsValid)
        {
            Count(feedback.Kind, verdict.Status.ToString());
            return new FeedbackResult(verdict, null, null);
        }

        AddOutcome? outcome = null;
        var (model, erased) = await ChangeAsync(key, (before, erasedAt) =>
        {
            if (Erasure.Covers(receipt, erasedAt, _policy.Sealer.ClockSkew))
            {
                return null;
            }

            var after = before.Learn(receipt, feedback, now, out var added);
            outcome = added;
            return after;
        }, cancellationToken).ConfigureAwait(false);
        _metrics.FeedbackSeconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
        Count(feedback.Kind, erased ? "Erased" : outcome.ToString()!);
        if (!erased && DecisionLog.Notes(outcome, feedback.Kind))
        {
            _log.Offer(receipt, feedback);
        }

        return erased
            ? new FeedbackResult(verdict, null, null) { IsErased = true }
            : new FeedbackResult(verdict, outcome, model) { About = new SignalKey(receipt.DecisionTimeMs, receipt.Nonce, feedback.Kind) };
    }

    public async ValueTask<UserModel> GetUserAsync(string tenant, string user, CancellationToken cancellationToken = default)
    {
        var key = Key(tenant, user);
        return Current(key, _users.Find(key) is { } known && !IsStale(known) ? known : await LoadAsync(key, cancellationToken).ConfigureAwait(false));
    }

    public async ValueTask EraseAsync(string tenant, string user, CancellationToken cancellationToken = default)
    {
        var key = Key(tenant, user);
        using var turn = await _turns.TakeAsync(key, cancellationToken).ConfigureAwait(false);
        try
        {
            await _store.EraseAsync(key, _time.GetUtcNow().ToUnixTimeMilliseconds(), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            // Also when the store failed: it may have erased the user and its answer was lost.
            _users.Remove(key);
        }
    }

    public async ValueTask<byte[]> ExportAsync(string tenant, string user, CancellationToken cancellationToken = default) =>
        (await GetUserAsync(tenant, user, cancellationToken).ConfigureAwait(false)).State.ToBytes();

    public async ValueTask<UserModel> ImportAsync(string tenant, string user, ReadOnlyMemory<byte> record, CancellationToken cancellationToken = default)
    {
        var imported = UserState.ReadBrought(record.Span, _time.GetUtcNow().ToUnixTimeMilliseconds(), _policy.Sealer.ClockSkew);
        var (model, _) = await ChangeAsync(Key(tenant, user), (before, _) => before.Join(imported), cancellationToken).ConfigureAwait(false);
        return model;
    }

    private UserKey Key(string tenant, string user) => new(_secrets.HashOf(tenant), IdentityHash.Compute(_secrets.IdentitySecret, tenant, user));

    private RouteDecision Decide(UserKey key, UserModel user, long erasedAtMs, RouteRequest request, DecisionSpans? spans)
    {
        var moment = DecisionMoment.Of(key.Tenant, key.User, _time.GetUtcNow().ToUnixTimeMilliseconds(), erasedAtMs, Chance.Take(DecisionMoment.ChanceBytes));
        return user.Decide(request, _policy, moment, EncodingScratch.OfThread, spans is null ? null : spans.Enter);
    }

    /// <summary>The user under the pool in service now.</summary>
    private UserModel Current(UserKey key, CachedUser user)
    {
        var newcomer = _pool.Newcomer;
        if (ReferenceEquals(user.Model.Pool, newcomer.Pool))
        {
            return user.Model;
        }

        var ticket = _users.Ticket(key);
        var model = user.Model.State.IsEmpty ? newcomer : user.Model.On(newcomer.Pool);
        if (_users.Find(key) is { } kept && kept.Etag == user.Etag)
        {
            _users.Put(key, user with { Model = model }, ticket);
        }

        return model;
    }

    /// <summary>Others write to this store, and this was read too long ago.</summary>
    private bool IsStale(CachedUser user) => _store.Freshness is { } span && Stopwatch.GetElapsedTime(user.ReadAt) > span;

    /// <summary>
    /// The user from the store; while that is away, the user as remembered, else the population's policy: a store that cannot be read must not cost anybody an answer.
    /// </summary>
    private async ValueTask<CachedUser> LoadOrRememberAsync(UserKey key, CachedUser? remembered, CancellationToken cancellationToken)
    {
        if (_storeCircuit.MayAsk(out var retryAt))
        {
            try
            {
                var user = await LoadAsync(key, cancellationToken).ConfigureAwait(false);
                _storeCircuit.Answered();
                return user;
            }
            catch (StoreException e)
            {
                _storeCircuit.Failed();
                LogFallback(e.Message);
            }
            catch
            {
                _storeCircuit.Abandoned(retryAt);
                throw;
            }
        }

        _metrics.Fallbacks.Add(1);
        return remembered ?? new CachedUser(_pool.Newcomer, 0, 0);
    }

    private async ValueTask<CachedUser> LoadAsync(UserKey key, CancellationToken cancellationToken)
    {
        var (ticket, kept) = (_users.Ticket(key), _users.Find(key));
        return _users.Put(key, await RestoreAsync(key, kept, cancellationToken).ConfigureAwait(false), ticket);
    }

    private async ValueTask<CachedUser> RestoreAsync(UserKey key, CachedUser? kept, CancellationToken cancellationToken)
    {
        var asked = Stopwatch.GetTimestamp();
        for (var attempt = 0; attempt < StoreException.MostRetries; attempt++)
        {
            var record = await _store.LoadAsync(key, cancellationToken).ConfigureAwait(false);
            if (kept is not null && kept.Etag == record.Etag)
            {
                return kept with { ReadAt = asked }; // unchanged: the belief need not be drawn anew
            }

            if (record.State.Length == 0)
            {
                return new CachedUser(_pool.Newcomer, record.Etag, record.ErasedAtMs) { ReadAt = asked };
            }

            if (UserState.TryRead(record.State, out var state, out var error))
            {
                return new CachedUser(new UserModel(_pool.Current, state), record.Etag, record.ErasedAtMs) { ReadAt = asked };
            }

            // Not overwritten silently: kept aside, reported, and the user starts anew. Then loaded again: another process may have been
            // faster and saved feedback already, and the place must not be taken for empty.
            _metrics.Quarantined.Add(1);
            LogQuarantined(error);
            await _store.QuarantineAsync(key, record, error, _time.GetUtcNow().ToUnixTimeMilliseconds(), cancellationToken).ConfigureAwait(false);
        }

        throw new StoreException(
            $"A user's record could not be read, {StoreException.MostRetries} times over, and was a different one each time; another program writes records to this store that this one cannot read. Stop it.");
    }

    /// <summary>Applies a change under the user's turn and saves it; a change that alters nothing is not saved. Null from the change: refused, the user was erased.</summary>
    private async ValueTask<(UserModel Model, bool Erased)> ChangeAsync(UserKey key, Func<UserModel, long, UserModel?> change, CancellationToken cancellationToken)
    {
        using var turn = await _turns.TakeAsync(key, cancellationToken).ConfigureAwait(false);
        try
        {
            var remembered = _users.Find(key);
            var isRead = remembered is null || _store.Freshness is null;
            var known = remembered ?? await LoadAsync(key, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            for (var attempt = 0; attempt < StoreException.MostRetries; attempt++)
            {
                var before = Current(key, known);
                var after = change(before, known.ErasedAtMs);
                if (after is null)
                {
                    return (before, true);
                }

                if (ReferenceEquals(after, before))
                {
                    if (isRead)
                    {
                        return (before, false);
                    }

                    // With nothing to write, no conflict would show, so the store is asked: another router may have changed or erased the user since.
                    isRead = true;
                    known = await LoadAsync(key, cancellationToken).ConfigureAwait(false);
                    continue;
                }

                // Not cancelled between the write and the answer: a caller that goes away must not leave memory older than the store.
                var etag = await _store.SaveAsync(key, after.State.ToBytes(), known.Etag, CancellationToken.None).ConfigureAwait(false);
                if (etag > 0)
                {
                    _users.Put(key, new CachedUser(after, etag, known.ErasedAtMs));
                    return (after, false);
                }

                _metrics.Conflicts.Add(1);
                isRead = true;
                _users.Remove(key);
                if (attempt > 0)
                {
                    // Routers that write the same user would otherwise collide again and again; after random waits one goes through.
                    await Task.Delay(RandomNumberGenerator.GetInt32(1 << Math.Min(attempt, 5)), cancellationToken).ConfigureAwait(false);
                }

                known = await LoadAsync(key, cancellationToken).ConfigureAwait(false);
            }

            throw StoreException.Contended("The user's record");
        }
        catch
        {
            // What the store holds is not known: read it anew next time.
            _users.Remove(key);
            throw;
        }
    }

    private RouteDecision Measured(RouteDecision decision, long started)
    {
        _metrics.Decided(decision, Stopwatch.GetElapsedTime(started));
        return decision;
    }

    private void Count(FeedbackKind kind, string result) => _metrics.Feedback.Add(1, new(LabelNames.Kind, kind.ToString()), new(LabelNames.Result, result));

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store could not be read, so a user is routed by the population's policy. {Reason}")]
    private partial void LogFallback(string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "A user's record cannot be read and was set aside in the store's quarantine; the user starts anew. {Reason}")]
    private partial void LogQuarantined(string reason);
}
