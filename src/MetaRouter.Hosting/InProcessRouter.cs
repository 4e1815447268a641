using System.Diagnostics;
using System.Security.Cryptography;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
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
    private const int Turns = 4096;
    private const int MostRetries = 20;
    private const int ChanceBytes = 480;

    /// <summary>How soon a store that failed is asked again, and how long after that a question that got no answer keeps the others from asking, in seconds.</summary>
    private const double AskAgain = 0.25, AwaitAnswer = 4;

    private readonly IUserStore _store;
    private readonly PoolHolder _pool;
    private readonly RoutingPolicy _policy;
    private readonly RouterSecrets _secrets;
    private readonly TimeProvider _time;
    private readonly RouterMetrics _metrics;
    private readonly DecisionLog _log;
    private readonly ILogger<InProcessRouter> _logger;
    private readonly UserCache _users;
    private long _storeAwayUntil;
    private readonly SemaphoreSlim[] _turns = [.. Enumerable.Range(0, Turns).Select(_ => new SemaphoreSlim(1, 1))];

    [ThreadStatic]
    private static RequestEncoding? t_scratch;

    [ThreadStatic]
    private static byte[]? t_chance;

    [ThreadStatic]
    private static int t_chanceLeft;

    public InProcessRouter(IUserStore store, PoolHolder pool, RoutingPolicy policy, RouterSecrets secrets, TimeProvider time, RouterMetrics metrics, DecisionLog log, ILogger<InProcessRouter> logger, int usersInMemory)
    {
        (_store, _pool, _policy, _secrets, _time, _metrics, _log, _logger) = (store, pool, policy, secrets, time, metrics, log, logger);
        _users = new UserCache(usersInMemory);
    }

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

        return Told(Decide(key, Current(key, known), known.ErasedAtMs, request, spans), started);
    }

    public ValueTask<RouteDecision> DecideAnonymousAsync(string tenant, RouteRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        cancellationToken.ThrowIfCancellationRequested();
        var started = Stopwatch.GetTimestamp();
        using var spans = DecisionSpans.Begin();
        return new(Told(Decide(new UserKey(IdentityHash.Compute(_secrets.IdentitySecret, tenant), 0), _pool.Newcomer, 0, request, spans), started));
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
        if (!erased && outcome is AddOutcome.Counted or AddOutcome.Replaced or AddOutcome.Withdrawn)
        {
            _log.Offer(receipt, feedback);
        }

        return erased ? new FeedbackResult(verdict, null, null) { IsErased = true } : new FeedbackResult(verdict, outcome, model) { About = new SignalKey(receipt.DecisionTimeMs, receipt.Nonce, feedback.Kind) };
    }

    public async ValueTask<UserModel> GetUserAsync(string tenant, string user, CancellationToken cancellationToken = default)
    {
        var key = Key(tenant, user);
        return Current(key, _users.Find(key) is { } known && !IsStale(known) ? known : await LoadAsync(key, cancellationToken).ConfigureAwait(false));
    }

    public async ValueTask EraseAsync(string tenant, string user, CancellationToken cancellationToken = default)
    {
        var key = Key(tenant, user);
        var turn = _turns[Turn(key)];
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _store.EraseAsync(key, _time.GetUtcNow().ToUnixTimeMilliseconds(), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            // Also when the store failed: it may have erased and lost the answer.
            _users.Remove(key);
            turn.Release();
        }
    }

    public async ValueTask<byte[]> ExportAsync(string tenant, string user, CancellationToken cancellationToken = default) =>
        (await GetUserAsync(tenant, user, cancellationToken).ConfigureAwait(false)).State.ToBytes();

    public async ValueTask<UserModel> ImportAsync(string tenant, string user, ReadOnlyMemory<byte> record, CancellationToken cancellationToken = default)
    {
        var imported = UserState.ReadBrought(record.Span, _time.GetUtcNow().ToUnixTimeMilliseconds(), _policy.Sealer.ClockSkew);
        var (model, _) = await ChangeAsync(Key(tenant, user), (before, _) => new UserModel(before.Pool, before.State.Merge(imported)), cancellationToken).ConfigureAwait(false);
        return model;
    }

    private UserKey Key(string tenant, string user) => new(IdentityHash.Compute(_secrets.IdentitySecret, tenant), IdentityHash.Compute(_secrets.IdentitySecret, tenant, user));

    private static int Turn(UserKey key) => (int)(key.User % Turns);

    private RouteDecision Decide(UserKey key, UserModel user, long erasedAtMs, RouteRequest request, DecisionSpans? spans)
    {
        // After the erasure it knows of, whatever the clocks say: feedback on a new decision is never refused as feedback on an old one.
        var now = Math.Max(_time.GetUtcNow().ToUnixTimeMilliseconds(), erasedAtMs + 1);
        var chance = Chance(12);
        var moment = new DecisionMoment(
            key.Tenant, key.User, now, BitConverter.ToUInt32(chance) & SignalKey.MaxNonce,
            (BitConverter.ToUInt64(chance[4..]) >> 11) * (1.0 / (1UL << 53)), Erasure.Name(erasedAtMs));
        return user.Decide(request, _policy, moment, t_scratch ??= new RequestEncoding(), spans is null ? null : spans.Enter);
    }

    /// <summary>So many bytes of chance, each given out once: asking the system for few costs as much as for many.</summary>
    private static ReadOnlySpan<byte> Chance(int bytes)
    {
        var block = t_chance ??= new byte[ChanceBytes];
        if (t_chanceLeft < bytes)
        {
            RandomNumberGenerator.Fill(block);
            t_chanceLeft = block.Length;
        }

        t_chanceLeft -= bytes;
        return block.AsSpan(t_chanceLeft, bytes);
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
    /// The user from the store; while that is away what is remembered of the user, else the population's policy: what cannot be read must not keep an answer from
    /// anybody. A store that failed is asked again a moment later, and by one request at a time: one that hangs would hold up all.
    /// </summary>
    private async ValueTask<CachedUser> LoadOrRememberAsync(UserKey key, CachedUser? remembered, CancellationToken cancellationToken)
    {
        var away = Interlocked.Read(ref _storeAwayUntil);
        if (away == 0 || (Stopwatch.GetTimestamp() >= away && Interlocked.CompareExchange(ref _storeAwayUntil, In(AwaitAnswer), away) == away))
        {
            try
            {
                var user = await LoadAsync(key, cancellationToken).ConfigureAwait(false);
                Interlocked.Exchange(ref _storeAwayUntil, 0);
                return user;
            }
            catch (StoreException e)
            {
                Interlocked.Exchange(ref _storeAwayUntil, In(AskAgain));
                LogFallback(e.Message);
            }
            catch when (away != 0)
            {
                // Whoever asked went away before the store could answer: the next may ask at once.
                Interlocked.Exchange(ref _storeAwayUntil, away);
                throw;
            }
        }

        _metrics.Fallbacks.Add(1);
        return remembered ?? new CachedUser(_pool.Newcomer, 0, 0);

        static long In(double seconds) => Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
    }

    private async ValueTask<CachedUser> LoadAsync(UserKey key, CancellationToken cancellationToken)
    {
        var (ticket, kept) = (_users.Ticket(key), _users.Find(key));
        return _users.Put(key, await RestoreAsync(key, kept, cancellationToken).ConfigureAwait(false), ticket);
    }

    private async ValueTask<CachedUser> RestoreAsync(UserKey key, CachedUser? kept, CancellationToken cancellationToken)
    {
        var asked = Stopwatch.GetTimestamp();
        for (var attempt = 0; attempt < MostRetries; attempt++)
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

            // Not overwritten silently: kept aside, reported, and the user starts anew. Then loaded again, because somebody else may have been
            // faster and saved feedback already, which must not be mistaken for the empty place.
            _metrics.Quarantined.Add(1);
            LogQuarantined(error);
            await _store.QuarantineAsync(key, record, error, _time.GetUtcNow().ToUnixTimeMilliseconds(), cancellationToken).ConfigureAwait(false);
        }

        throw new StoreException($"The user's record could not be read {MostRetries} times, each time another one; something else writes to this store what this program cannot read. Stop it.");
    }

    /// <summary>Applies a change under the user's turn and saves it; a change that alters nothing is not saved. Null from the change: refused, the user was erased.</summary>
    private async ValueTask<(UserModel Model, bool Erased)> ChangeAsync(UserKey key, Func<UserModel, long, UserModel?> change, CancellationToken cancellationToken)
    {
        var turn = _turns[Turn(key)];
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var known = _users.Find(key) ?? await LoadAsync(key, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            for (var attempt = 0; attempt < MostRetries; attempt++)
            {
                var before = Current(key, known);
                var after = change(before, known.ErasedAtMs);
                if (after is null)
                {
                    return (before, true);
                }

                if (ReferenceEquals(after, before))
                {
                    return (before, false);
                }

                // Not cancelled between the write and the answer: a caller that went away must not leave memory behind the store.
                var etag = await _store.SaveAsync(key, after.State.ToBytes(), known.Etag, CancellationToken.None).ConfigureAwait(false);
                if (etag > 0)
                {
                    _users.Put(key, new CachedUser(after, etag, known.ErasedAtMs));
                    return (after, false);
                }

                _metrics.Conflicts.Add(1);
                _users.Remove(key);
                if (attempt > 0)
                {
                    // Routers that write the same user would otherwise meet again and again; the one that waits least at random goes through.
                    await Task.Delay(RandomNumberGenerator.GetInt32(1 << Math.Min(attempt, 5)), cancellationToken).ConfigureAwait(false);
                }

                known = await LoadAsync(key, cancellationToken).ConfigureAwait(false);
            }

            throw new StoreException($"The user's record changed {MostRetries} times while one signal was being saved; something else writes to this store without pause. Try again later.");
        }
        catch
        {
            // What the store holds is not known: read it anew next time.
            _users.Remove(key);
            throw;
        }
        finally
        {
            turn.Release();
        }
    }

    private RouteDecision Told(RouteDecision decision, long started)
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
