using System.Diagnostics;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Telemetry;
using MetaRouter.Orleans.Learning;
using MetaRouter.Orleans.Storage;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Users;

/// <summary>
/// One user's turns and state. Routing reads memory and writes nothing; learning saves and answers only then. While membership changes a user may be active
/// twice: the etag notices, the state is loaded again and the change applied again, which is safe because states join.
/// </summary>
internal sealed partial class UserRouterGrain(SiloRouter router, RecordStore store, CohortReporter reporter, ILogger<UserRouterGrain> logger) : Grain, IUserRouterGrain
{
    private const string Name = "user";
    private const string Aside = "unreadable";
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private UserKey _key;
    private UserModel? _user; // null: what the store holds is not known
    private string? _etag;
    private long _erasedAtMs;
    private Task? _loading;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _key = router.KeyOf(this.GetPrimaryKeyString());
        await TryLoadAsync();
    }

    public async ValueTask<RouteDecision> RouteAsync(RouteRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        router.Enter();
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_user is null)
            {
                await TryLoadAsync();
            }

            // A user who cannot be loaded is served as a newcomer rather than not at all.
            var user = _user is null ? router.Pool.Newcomer : Current(_user);
            return await router.Workers.DecideAsync(new UserAtHand(user), request, router.Moment(_key, _erasedAtMs));
        }
        finally
        {
            router.Leave();
        }
    }

    public async ValueTask<FeedbackAnswer> RecordFeedbackAsync(Feedback feedback, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        cancellationToken.ThrowIfCancellationRequested();
        var started = Stopwatch.GetTimestamp();
        var now = router.NowMs;
        var verdict = router.Policy.Sealer.Open(feedback.Receipt, _key.Tenant, _key.User, now, out var receipt);
        if (!verdict.IsValid)
        {
            Count(feedback.Kind, verdict.Status.ToString());
            return new FeedbackAnswer(verdict.Status, verdict.Message, null, false, null);
        }

        AddOutcome? outcome = null;
        var state = await ChangeAsync(before =>
        {
            if (Erasure.Covers(receipt, _erasedAtMs, router.Policy.Sealer.ClockSkew))
            {
                return null;
            }

            var learned = before.Learn(receipt, feedback, now, out var added);
            outcome = added;
            return learned;
        });
        router.Metrics.FeedbackSeconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
        Count(feedback.Kind, state is null ? "Erased" : outcome.ToString()!);
        if (state is not null && DecisionLog.Notes(outcome, feedback.Kind))
        {
            router.LogFeedback(receipt, feedback);
        }

        return state is null ? new FeedbackAnswer(verdict.Status, "", null, true, null) : new FeedbackAnswer(verdict.Status, "", outcome, false, state);
    }

    public async ValueTask<UserPreference> GetPreferenceAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var user = await LoadedAsync();
        var belief = user.Belief;
        return new UserPreference(belief.Quantile(0.5), belief.Quantile(0.05), belief.Quantile(0.95), belief.Signals, Explanation.Of(user.Pool, belief), user.Pool.Snapshot.Version);
    }

    public async ValueTask<byte[]> ExportAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return (await LoadedAsync()).State.ToBytes();
    }

    public async ValueTask<byte[]> ImportAsync(byte[] record, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var imported = UserState.ReadBrought(record, router.NowMs, router.Policy.Sealer.ClockSkew);
        return (await ChangeAsync(before => before.Join(imported)))!;
    }

    public async ValueTask EraseAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        for (var attempt = 0; attempt < RecordStore.MostRetries; attempt++)
        {
            await LoadedAsync();
            var erasedAt = Math.Max(router.NowMs, _erasedAtMs + 1); // never the same twice: decisions name the erasure they know of
            if (await SaveAsync(router.Pool.Newcomer, UserRecord.Write([], erasedAt), erasedAt))
            {
                await store.ClearAsync(Aside, this.GetGrainId());
                await reporter.FlushBrieflyAsync();
                return;
            }
        }

        throw Contended();
    }

    /// <summary>The user under the pool in service now.</summary>
    private UserModel Current(UserModel user)
    {
        var newcomer = router.Pool.Newcomer;
        return ReferenceEquals(user.Pool, newcomer.Pool) ? user : _user = user.State.IsEmpty ? newcomer : user.On(newcomer.Pool);
    }

    /// <summary>Applies a change and saves it; a change that alters nothing is not saved.</summary>
    /// <returns>The state's bytes afterwards. Null: refused, the user was erased.</returns>
    private async Task<byte[]?> ChangeAsync(Func<UserModel, UserModel?> change)
    {
        for (var attempt = 0; attempt < RecordStore.MostRetries; attempt++)
        {
            var before = await LoadedAsync();
            var after = change(before);
            if (after is null)
            {
                return null;
            }

            var state = after.State.ToBytes();
            if (ReferenceEquals(after, before) || await SaveAsync(after, UserRecord.Write(after.State.IsEmpty ? [] : state, _erasedAtMs), _erasedAtMs))
            {
                return state;
            }
        }

        throw Contended();
    }

    private async Task<bool> SaveAsync(UserModel user, byte[] record, long erasedAtMs)
    {
        var (etag, atMs) = (_etag, router.NowMs);
        try
        {
            etag = await store.WriteAsync(Name, this.GetGrainId(), record, etag);
        }
        catch (RouterStoreException)
        {
            _user = null;
            throw;
        }

        if (etag is null)
        {
            router.Metrics.Conflicts.Add(1);
            _user = null;
            return false;
        }

        (_user, _etag, _erasedAtMs) = (user, etag, erasedAtMs);
        Report(user, atMs);
        return true;
    }

    private async ValueTask<UserModel> LoadedAsync()
    {
        if (_user is null)
        {
            await LoadOnceAsync();
        }

        return Current(_user!);
    }

    /// <summary>Loads if the store answers soon; else the load goes on and the next request sees it.</summary>
    private async Task TryLoadAsync()
    {
        try
        {
            await LoadOnceAsync().WaitAsync(Patience);
        }
        catch (Exception e) when (e is RouterStoreException or TimeoutException)
        {
            router.Metrics.Fallbacks.Add(1);
        }
    }

    /// <summary>Requests that interleave wait for one load.</summary>
    private async Task LoadOnceAsync()
    {
        var loading = _loading is { IsCompleted: false } running ? running : _loading = LoadAsync();
        await loading;
        if (ReferenceEquals(_loading, loading))
        {
            _loading = null; // only this load, not one that began since: were a second to run beside that, it could bring what it read before a save
        }
    }

    private async Task LoadAsync()
    {
        for (var attempt = 0; attempt < RecordStore.MostRetries; attempt++)
        {
            var atMs = router.NowMs;
            var (record, etag) = await store.ReadAsync(Name, this.GetGrainId());
            if (UserRecord.TryRead(record, out var state, out var erasedAt, out var error))
            {
                var newcomer = router.Pool.Newcomer;
                (_user, _etag, _erasedAtMs) = (state.IsEmpty ? newcomer : new UserModel(newcomer.Pool, state), etag, erasedAt);
                if (!state.IsEmpty || erasedAt > 0)
                {
                    Report(_user, atMs); // so that a partition that lost its evidence learns of its users, and of erasures, again
                }

                return;
            }

            // Not overwritten silently: kept aside, reported, and the user starts anew. Then loaded again: another activation may have been faster.
            router.Metrics.Quarantined.Add(1);
            LogUnreadable(error);
            var (kept, keptEtag) = await store.ReadAsync(Aside, this.GetGrainId());
            if (await store.WriteAsync(Aside, this.GetGrainId(), kept.Length == 0 ? record : kept, keptEtag) is not null)
            {
                await store.WriteAsync(Name, this.GetGrainId(), UserRecord.Write([], erasedAt), etag);
            }
        }

        throw Contended();
    }

    private void Report(UserModel user, long atMs)
    {
        // A private tenant's users are reported as teaching nothing, without a departure unless they were erased: the partitions keep what was taught before the tenant turned private.
        var isPrivate = router.IsPrivate(_key.Tenant);
        reporter.Report(_key.User, isPrivate ? router.Pool.Newcomer : user, new ReportTime(_erasedAtMs, isPrivate ? 0 : atMs));
    }

    private static RouterStoreException Contended() => RecordStore.Contended("The user's record");

    private void Count(FeedbackKind kind, string result) => router.Metrics.Feedback.Add(1, new(LabelNames.Kind, kind.ToString()), new(LabelNames.Result, result));

    [LoggerMessage(Level = LogLevel.Error, Message = "A user's record cannot be read and was set aside under 'unreadable'; the user starts anew. {Reason}")]
    private partial void LogUnreadable(string reason);
}
