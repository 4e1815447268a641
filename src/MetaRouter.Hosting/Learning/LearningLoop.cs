using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting.Learning;

/// <summary>
/// Keeps the start of every new user up to date: collects what changed users teach, fits a prior on four fifths of them, learns from a sample of their windows how
/// kinds of feedback speak and how trade-offs differ by topic, and puts it into service only if it foretells the other fifth no worse than the prior in service does.
/// Where too few are left to learn from, as after erasures, the snapshot's own prior comes back: what the one in service was taught is theirs who went.
/// </summary>
public sealed partial class LearningLoop : BackgroundService, ILearning
{
    private const string Name = ValueNames.Prior, HistoryName = ValueNames.PriorHistory;
    private const int Page = 1000;
    private static readonly long s_erasuresAgain = (long)TimeSpan.FromMinutes(10).TotalMilliseconds; // by which clocks may differ, and more
    private const int Windows = 256; // a quarter of a megabyte, and about a second's work a refresh

    private readonly IUserStore _store;
    private readonly PoolHolder _pool;
    private readonly MetaRouterOptions _options;
    private readonly TimeProvider _time;
    private readonly RouterMetrics _metrics;
    private readonly ILogger<LearningLoop> _logger;
    private readonly Cohort _users;
    private readonly WindowSample _windows = new(Windows);

    /// <summary>Of tombstones: one thrown away while the clock was ahead would be missing when it is set right, and the receipts that it stands against are good again.</summary>
    private readonly WaryClock _ages;
    private long _sequence;
    private ulong? _catalog; // that everybody was heard at
    private readonly SemaphoreSlim _turn = new(1, 1);
    private bool _changed;
    private byte[]? _shared;
    private readonly PriorRecord _shipped;
    private volatile ServingPrior _serving;

    public LearningLoop(IUserStore store, PoolHolder pool, MetaRouterOptions options, TimeProvider time, RouterMetrics metrics, ILogger<LearningLoop> logger)
    {
        (_store, _pool, _options, _time, _metrics, _logger, _users, _ages) = (store, pool, options, time, metrics, logger, new Cohort(options.RefreshUsers), new WaryClock(time));
        var snapshot = pool.Current.Snapshot;
        _shipped = new PriorRecord(snapshot.Version, null, PriorResults.Shipped, null, null, null, snapshot.Prior);
        _serving = new ServingPrior(snapshot.Version, null, null, false);
    }

    /// <summary>Tenants, by their hash, whose users stay out of what all share.</summary>
    public IReadOnlySet<ulong> PrivateTenants { get; init; } = new HashSet<ulong>();

    /// <summary>Told of every user that a refresh finds erased, with the erasure's time, by whichever router of the store: what else remembers the user is to forget.</summary>
    public Action<UserKey, long> OnErased { get; set; } = static (_, _) => { };

    /// <summary>The prior in service.</summary>
    public ServingPrior Serving => _serving;

    /// <summary>One round now; a test or an operator need not wait for the timer. A prior that somebody put back may be replaced again by it.</summary>
    /// <returns>Whether a new prior went into service.</returns>
    public Task<bool> RefreshAsync(CancellationToken cancellationToken) => RefreshAsync(isAsked: true, cancellationToken);

    /// <summary>The priors of this store that were fitted or in service, the latest first, the shipped one last; at most 51.</summary>
    public async Task<IReadOnlyList<PriorRecord>> HistoryAsync(CancellationToken cancellationToken) => [.. (await ReadHistoryAsync(cancellationToken).ConfigureAwait(false)).History.Records, _shipped];

    /// <summary>
    /// Puts an earlier prior back into service, for every router of the store. It stays until somebody asks for a refresh or puts another back: the timer's
    /// refreshes go on collecting and change nothing, else the next one might undo what was just asked for.
    /// </summary>
    /// <param name="version">One of <see cref="HistoryAsync"/>.</param>
    /// <returns>False: the history has no such version, and nothing was changed.</returns>
    public async Task<bool> RollBackAsync(ulong version, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var found = (await HistoryAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(r => r.Version == version);
            if (found is null)
            {
                return false;
            }

            // Told before it is done: whoever dies between the two leaves a note, not a prior that the next refresh may undo.
            await RecordAsync(found with { At = _time.GetUtcNow(), Result = PriorResults.RolledBack, ChampionEvidence = null, ChallengerEvidence = null }, isHeld: true).ConfigureAwait(false);
            var written = PriorJson.Write(found.Prior);
            while (!await _store.WriteValueAsync(Name, written, await _store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false), CancellationToken.None).ConfigureAwait(false))
            {
                // A refresh elsewhere came between; what somebody asks for counts.
            }

            (_shared, _changed) = (written, true);
            Serve(found.Prior, found.Users, isHeld: true);
            LogRolledBack(version);
            return true;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<bool> RefreshAsync(bool isAsked, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Else the candidate would be measured against the shipped prior instead of the one in service.
            await PullOnceAsync(cancellationToken).ConfigureAwait(false);
            await CollectAsync(cancellationToken).ConfigureAwait(false);
            if (!_changed || (!isAsked && (await ReadHistoryAsync(cancellationToken).ConfigureAwait(false)).History.IsHeld))
            {
                return false;
            }

            var promoted = await PromoteAsync(cancellationToken).ConfigureAwait(false);
            _changed = false; // only now: what the store failed to take is tried again
            _metrics.Refreshes.Add(1, new KeyValuePair<string, object?>(LabelNames.Result, promoted ? "promoted" : "kept"));
            return promoted;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Puts the prior that an earlier run learned, or another router of this store, into service.</summary>
    public async Task RestoreAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await PullOnceAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_options.RefreshSeconds == 0)
        {
            return;
        }

        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(_options.RefreshSeconds), _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                try
                {
                    await RefreshAsync(isAsked: false, stoppingToken).ConfigureAwait(false);
                    await _store.PurgeTombstonesAsync(_ages.GetUtcNow().AddHours(-_options.ReceiptHours).AddMinutes(-10).ToUnixTimeMilliseconds(), stoppingToken).ConfigureAwait(false);
                }
#pragma warning disable CA1031 // A refresh that fails must not take the application down: the prior in service stays.
                catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
#pragma warning restore CA1031
                {
                    LogFailed(e);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    private async Task<bool> PromoteAsync(CancellationToken cancellationToken)
    {
        var serving = _pool.Current.Snapshot.Prior;
        UserState[] windows = [.. _windows.Windows.Select(w => UserState.TryRead(w, out var state, out _) ? state : UserState.Empty)];
        var candidate = MetaLearner.Learn(_pool.Current, prior => _users.Expect(prior, CohortPart.Taught), windows);
        var held = _users.Expect(serving, CohortPart.HeldOut);
        if (ReferenceEquals(candidate, PopulationPrior.Default))
        {
            return await WithdrawAsync(cancellationToken).ConfigureAwait(false);
        }

        if (held.Users == 0)
        {
            return false;
        }

        var challenged = _users.Expect(candidate, CohortPart.HeldOut).MeanEvidence;
        var record = new PriorRecord(_pool.Current.Snapshot.WithPrior(candidate).Version, _time.GetUtcNow(), PriorResults.Promoted, _users.Count, held.MeanEvidence, challenged, candidate);
        if (challenged < held.MeanEvidence)
        {
            await RecordAsync(record with { Result = PriorResults.Kept }, isHeld: false).ConfigureAwait(false);
            _serving = _serving with { IsHeld = false };
            return false;
        }

        // Only over the one it was measured against.
        var written = PriorJson.Write(candidate);
        if (!await _store.WriteValueAsync(Name, written, _shared, cancellationToken).ConfigureAwait(false))
        {
            // Another router of this store was faster: all serve the same.
            await PullOnceAsync(cancellationToken).ConfigureAwait(false);
            return false;
        }

        _shared = written;
        Serve(candidate, _users.Count, isHeld: false);
        await RecordAsync(record, isHeld: false).ConfigureAwait(false);
        LogPromoted(_users.Count, _pool.Current.Snapshot.Version);
        return true;
    }

    /// <returns>False: nothing that was learned is in service, or another router of this store was faster.</returns>
    private async Task<bool> WithdrawAsync(CancellationToken cancellationToken)
    {
        var written = PriorJson.Write(_shipped.Prior);
        if (_shared is null || _shared.AsSpan().SequenceEqual(written))
        {
            return false;
        }

        if (!await _store.WriteValueAsync(Name, written, _shared, cancellationToken).ConfigureAwait(false))
        {
            await PullOnceAsync(cancellationToken).ConfigureAwait(false);
            return false;
        }

        _shared = written;
        Serve(_shipped.Prior, null, isHeld: false);
        await RecordAsync(_shipped with { At = _time.GetUtcNow(), Result = PriorResults.Withdrawn }, isHeld: false).ConfigureAwait(false);
        LogWithdrawn(_users.Count, _shipped.Version);
        return true;
    }

    private async Task PullOnceAsync(CancellationToken cancellationToken)
    {
        var bytes = await _store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false);
        if (bytes is null && _shared is not null)
        {
            // Nobody removes it: the store was emptied. The next look sees this one, or another router's.
            await _store.WriteValueAsync(Name, _shared, null, cancellationToken).ConfigureAwait(false);
        }

        if (bytes is null || (_shared is not null && bytes.AsSpan().SequenceEqual(_shared)))
        {
            return;
        }

        if (PriorJson.Read(bytes, out var error) is { } prior)
        {
            var history = (await ReadHistoryAsync(cancellationToken).ConfigureAwait(false)).History;
            Serve(prior, null, history.IsHeld);
            if (history.Records.FirstOrDefault(r => r.Version == _serving.Version && r.Result != PriorResults.Kept) is { } known)
            {
                _serving = _serving with { Since = known.At, Users = known.Users };
            }
        }
        else
        {
            LogUnreadable(error);
        }

        _shared = bytes;
    }

    private async Task CollectAsync(CancellationToken cancellationToken)
    {
        var (catalog, begun) = (_pool.Current.Catalog.Version, _time.GetUtcNow().ToUnixTimeMilliseconds());
        await CollectAsync(erasedSinceMs: 1, cancellationToken).ConfigureAwait(false);
        if (_catalog is { } heardAt && heardAt != catalog)
        {
            // Trade-offs are measured against the dearest model's cost: at other prices what everybody said is other evidence, also of those who say nothing more.
            // Of erasures only those are told that may have come in between; the others were.
            _sequence = 0;
            await CollectAsync(begun - s_erasuresAgain, cancellationToken).ConfigureAwait(false);
        }

        _catalog = catalog;
    }

    /// <param name="erasedSinceMs">Of which erasures <see cref="OnErased"/> is told.</param>
    private async Task CollectAsync(long erasedSinceMs, CancellationToken cancellationToken)
    {
        while (true)
        {
            var page = await _store.ChangedAsync(_sequence, Page, cancellationToken).ConfigureAwait(false);
            var pool = _pool.Current;
            foreach (var user in page)
            {
                _sequence = user.Sequence;
                _changed = true;
                if (user.Record.State.Length == 0 && user.Record.ErasedAtMs >= erasedSinceMs)
                {
                    OnErased(user.Key, user.Record.ErasedAtMs);
                }

                // A changed user replaces its old contribution; an erased one is taken out, and one whose tenant keeps to itself never comes in.
                if (PrivateTenants.Contains(user.Key.Tenant) || user.Record.State.Length == 0 || !UserState.TryRead(user.Record.State, out var state, out _))
                {
                    _users.Remove(user.Key.User);
                    _windows.Remove(user.Key.User);
                    continue;
                }

                _users.Put(user.Key.User, new UserModel(pool, state).Summarise());
                _windows.Put(user.Key.User, user.Record.State);
            }

            if (page.Count < Page)
            {
                break;
            }
        }
    }

    private void Serve(PopulationPrior prior, int? users, bool isHeld)
    {
        _pool.Update(pool => pool.With(prior));
        _serving = new ServingPrior(_pool.Current.Snapshot.Version, _time.GetUtcNow(), users, isHeld);
    }

    private async Task<(PriorHistory History, byte[]? Bytes)> ReadHistoryAsync(CancellationToken cancellationToken)
    {
        var bytes = await _store.ReadValueAsync(HistoryName, cancellationToken).ConfigureAwait(false);
        if (bytes is null)
        {
            return (PriorHistory.Empty, null);
        }

        if (PriorHistory.Read(bytes, out var error) is { } history)
        {
            return (history, bytes);
        }

        LogHistoryUnreadable(error);
        return (PriorHistory.Empty, bytes);
    }

    /// <summary>After the fact: a history that could not be written takes nothing back.</summary>
    private async Task RecordAsync(PriorRecord record, bool isHeld)
    {
        while (true)
        {
            var (history, bytes) = await ReadHistoryAsync(CancellationToken.None).ConfigureAwait(false);
            if (await _store.WriteValueAsync(HistoryName, history.With(record, isHeld).Write(), bytes, CancellationToken.None).ConfigureAwait(false))
            {
                return;
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The prior of snapshot {Version:x16} was put back into service, and stays until a refresh is asked for.")]
    private partial void LogRolledBack(ulong version);

    [LoggerMessage(Level = LogLevel.Information, Message = "Of those who taught the prior, {Users} are left, too few to show anything of: snapshot {Version:x16} with its own prior is in service again.")]
    private partial void LogWithdrawn(int users, ulong version);

    [LoggerMessage(Level = LogLevel.Error, Message = "The history of priors in the store cannot be read and begins anew. {Reason}")]
    private partial void LogHistoryUnreadable(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "A prior learned from {Users} users is in service as snapshot {Version:x16}.")]
    private partial void LogPromoted(int users, ulong version);

    [LoggerMessage(Level = LogLevel.Error, Message = "The learned prior in the store cannot be read and is not used; the snapshot's own stays in service. {Reason}")]
    private partial void LogUnreadable(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The prior could not be refreshed; it is tried again at the next round.")]
    private partial void LogFailed(Exception exception);
}
