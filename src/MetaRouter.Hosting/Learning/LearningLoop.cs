using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting.Learning;

/// <summary>
/// Keeps the start of every new user up to date: collects what changed users teach, fits a prior on four fifths of them, learns from a sample of the same users' windows how
/// kinds of feedback speak and how trade-offs differ by topic, and puts it into service only if all of it predicts a sample of the other fifth's windows no worse than the prior in service does.
/// After an erasure the one in service does not stay, however well it predicts: what it was taught is theirs who went. The snapshot's own prior comes back where that is the better,
/// or too few are left to learn from.
/// </summary>
public sealed partial class LearningLoop : BackgroundService, ILearning
{
    private readonly IUserStore _store;
    private readonly PoolHolder _pool;
    private readonly MetaRouterOptions _options;
    private readonly TimeProvider _time;
    private readonly RouterMetrics _metrics;
    private readonly ILogger<LearningLoop> _logger;
    private readonly PopulationEvidence _evidence;

    /// <summary>Of tombstones: one thrown away while the clock was ahead would be missing when it is set right, and the receipts that it stands against are good again.</summary>
    private readonly WaryClock _ages;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly SharedValue _shared;
    private readonly StoredPriorHistory _history;
    private readonly PriorRecord _shipped;
    private volatile ServingPrior _serving;

    public LearningLoop(IUserStore store, PoolHolder pool, MetaRouterOptions options, TimeProvider time, RouterMetrics metrics, ILogger<LearningLoop> logger)
    {
        _store = store;
        _pool = pool;
        _options = options;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _evidence = new PopulationEvidence(store, options.RefreshUsers);
        _ages = new WaryClock(time);
        (_shared, _history) = (new SharedValue(store, ValueNames.Prior), new StoredPriorHistory(store, logger));
        var snapshot = pool.Current.Snapshot;
        _shipped = new PriorRecord(snapshot.Version, null, PriorResults.Shipped, null, null, null, snapshot.Prior);
        _serving = new ServingPrior(snapshot.Version, null, null, false);
    }

    /// <summary>Tenants, by their hash, whose users stay out of what all share.</summary>
    public IReadOnlySet<ulong> PrivateTenants { get => _evidence.PrivateTenants; init => _evidence.PrivateTenants = value; }

    /// <summary>Called with every user that a refresh finds erased, with the erasure's time in Unix milliseconds, by whichever router of the store: what else remembers the user is to forget.</summary>
    public Action<UserKey, long> OnErased { get => _evidence.OnErased; set => _evidence.OnErased = value; }

    /// <summary>The prior in service.</summary>
    public ServingPrior Serving => _serving;

    /// <summary>One round now; a test or an operator need not wait for the timer. A prior that somebody put back may be replaced again by it.</summary>
    /// <returns>Whether a new prior went into service.</returns>
    public Task<bool> RefreshAsync(CancellationToken cancellationToken) => RefreshAsync(isAsked: true, cancellationToken);

    /// <summary>The priors of this store that were fitted or in service, the latest first, the shipped one last; at most 51.</summary>
    public async Task<IReadOnlyList<PriorRecord>> HistoryAsync(CancellationToken cancellationToken) => [.. Named(await _history.ReadAsync(cancellationToken).ConfigureAwait(false)), _shipped];

    /// <summary>
    /// Puts an earlier prior back into service, for every router of the store. It stays until somebody asks for a refresh or puts another back: the timer's
    /// refreshes go on collecting and change nothing, else the next one might undo what was just asked for.
    /// </summary>
    /// <param name="version">One of <see cref="HistoryAsync"/>.</param>
    /// <returns>False: the history has no such version, and nothing was changed.</returns>
    public async Task<bool> RollBackAsync(ulong version, CancellationToken cancellationToken)
    {
        using var turn = await _turn.TakeAsync(cancellationToken).ConfigureAwait(false);
        var found = (await HistoryAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(r => r.Version == version);
        if (found is null)
        {
            return false;
        }

        // Noted before it is done: whoever dies between the two leaves a note, not a prior that the next refresh may undo.
        await _history.AddAsync(found with { At = _time.GetUtcNow(), Result = PriorResults.RolledBack, ChampionEvidence = null, ChallengerEvidence = null }, isHeld: true).ConfigureAwait(false);
        await _shared.WriteAsync(PriorJson.Write(found.Prior), cancellationToken).ConfigureAwait(false);
        _evidence.HasChanged = true;
        Serve(found.Prior, found.Users, isHeld: true);
        LogRolledBack(version);
        return true;
    }

    private async Task<bool> RefreshAsync(bool isAsked, CancellationToken cancellationToken)
    {
        using var turn = await _turn.TakeAsync(cancellationToken).ConfigureAwait(false);

        // Else the candidate would be measured against the shipped prior instead of the one in service.
        await PullOnceAsync(cancellationToken).ConfigureAwait(false);
        await _evidence.CollectAsync(_pool.Current, _time.GetUtcNow().ToUnixTimeMilliseconds(), _serving.Since?.ToUnixTimeMilliseconds() ?? 0, cancellationToken).ConfigureAwait(false);
        if (!_evidence.HasChanged || (!isAsked && (await _history.ReadAsync(cancellationToken).ConfigureAwait(false)).IsHeld))
        {
            return false;
        }

        var promoted = await PromoteAsync(cancellationToken).ConfigureAwait(false);
        _evidence.HasChanged = false; // only now: what the store failed to take is tried again
        _metrics.Refreshes.Add(1, new KeyValuePair<string, object?>(LabelNames.Result, promoted ? "promoted" : "kept"));
        return promoted;
    }

    /// <summary>Puts the prior that an earlier run learned, or another router of this store, into service.</summary>
    public async Task RestoreAsync(CancellationToken cancellationToken)
    {
        using var turn = await _turn.TakeAsync(cancellationToken).ConfigureAwait(false);
        await PullOnceAsync(cancellationToken).ConfigureAwait(false);
    }

    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        _options.RefreshSeconds == 0 ? Task.CompletedTask : Periodically.DoAsync(TimeSpan.FromSeconds(_options.RefreshSeconds), TryRefreshAsync, stoppingToken, _time);

    private async Task TryRefreshAsync(CancellationToken stoppingToken)
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

    private async Task<bool> PromoteAsync(CancellationToken cancellationToken)
    {
        var (pool, users, heldOut) = (_pool.Current, _evidence.Users, _evidence.Sample(CohortPart.HeldOut));
        var candidate = MetaLearner.Learn(pool, Expect, _evidence.Sample(CohortPart.Taught));
        if (ReferenceEquals(candidate, PopulationPrior.Default))
        {
            return !MayComeBack && await WithdrawAsync(cancellationToken).ConfigureAwait(false);
        }

        var (serving, fitted) = (PriorEvidence.Of(pool, pool.Snapshot.Prior, heldOut), PriorEvidence.Of(pool, candidate, heldOut));
        var record = new PriorRecord(pool.Snapshot.WithPrior(candidate).Version, _time.GetUtcNow(), PriorResults.Promoted, users.Count, serving.MeanEvidence, fitted.MeanEvidence, candidate);
        switch (PriorPromotions.Decide(serving, fitted, _evidence.HasErased && IsTaught ? PriorEvidence.Of(pool, _shipped.Prior, heldOut) : null))
        {
            case PriorPromotion.Withdraw:
                return await WithdrawAsync(cancellationToken).ConfigureAwait(false);
            case PriorPromotion.Keep when serving.Users == 0:
                return false; // nobody to judge by
            case PriorPromotion.Keep:
                await _history.AddAsync(record with { Result = PriorResults.Kept }, isHeld: false).ConfigureAwait(false);
                _evidence.HasErased = false; // nobody taught the shipped one
                _serving = _serving with { IsHeld = false };
                return false;
        }

        if (!await TryServeAsync(candidate, users.Count, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        await _history.AddAsync(record, isHeld: false).ConfigureAwait(false);
        LogPromoted(users.Count, _pool.Current.Snapshot.Version);
        return true;

        // A fit over millions of users takes minutes: whoever stops the program does not wait for its end.
        Expectation Expect(PopulationPrior prior)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return users.Expect(prior, CohortPart.Taught);
        }
    }

    /// <summary>Whether those who cannot be read for now would make enough to learn from.</summary>
    private bool MayComeBack => _evidence.Unread > 0 && _evidence.Users.Count + _evidence.Unread >= MetaLearner.SmallestCohort;

    /// <summary>Whether what is in service was learned, not shipped.</summary>
    private bool IsTaught => _shared.Applied is { } applied && !applied.AsSpan().SequenceEqual(PriorJson.Write(_shipped.Prior));

    /// <returns>False: nothing that was learned is in service, or another router of this store was faster.</returns>
    private async Task<bool> WithdrawAsync(CancellationToken cancellationToken)
    {
        if (!IsTaught || !await TryServeAsync(_shipped.Prior, null, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        await _history.AddAsync(_shipped with { At = _time.GetUtcNow(), Result = PriorResults.Withdrawn }, isHeld: false).ConfigureAwait(false);
        LogWithdrawn(_evidence.Users.Count, _shipped.Version);
        return true;
    }

    /// <summary>Puts a prior into service, only over the one it was measured against.</summary>
    /// <returns>False: another router of this store was faster, and all serve the same.</returns>
    private async Task<bool> TryServeAsync(PopulationPrior prior, int? users, CancellationToken cancellationToken)
    {
        if (!await _shared.TryWriteAsync(PriorJson.Write(prior), cancellationToken).ConfigureAwait(false))
        {
            await PullOnceAsync(cancellationToken).ConfigureAwait(false);
            return false;
        }

        Serve(prior, users, isHeld: false);
        _evidence.HasErased = false;
        return true;
    }

    private async Task PullOnceAsync(CancellationToken cancellationToken)
    {
        if (await _shared.FindNewAsync(cancellationToken).ConfigureAwait(false) is not { } bytes)
        {
            return;
        }

        if (PriorJson.Read(bytes, out var error) is { } prior)
        {
            var history = await _history.ReadAsync(cancellationToken).ConfigureAwait(false);
            Serve(prior, null, history.IsHeld);
            if (Named(history).FirstOrDefault(r => r.Version == _serving.Version && r.Result != PriorResults.Kept) is { } known)
            {
                _serving = _serving with { Since = known.At, Users = known.Users };
            }
        }
        else
        {
            LogUnreadable(error);
        }

        _shared.MarkApplied(bytes);
    }

    /// <summary>
    /// The prior in service goes by the version that decisions name here: it was learned as another where that was with another snapshot, before an upgrade or
    /// by a router beside this one.
    /// </summary>
    private IEnumerable<PriorRecord> Named(PriorHistory history)
    {
        var snapshot = _pool.Current.Snapshot;
        var serving = PriorJson.Write(snapshot.Prior);
        return history.Records.Select(r => PriorJson.Write(r.Prior).AsSpan().SequenceEqual(serving) ? r with { Version = snapshot.Version } : r);
    }

    private void Serve(PopulationPrior prior, int? users, bool isHeld)
    {
        _pool.Update(pool => pool.With(prior));
        _serving = new ServingPrior(_pool.Current.Snapshot.Version, _time.GetUtcNow(), users, isHeld);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The prior of snapshot {Version:x16} was put back into service, and stays until a refresh is asked for.")]
    private partial void LogRolledBack(ulong version);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Of those who taught the prior, {Users} are left, of whom nothing better can be learned: snapshot {Version:x16} with its own prior is in service again.")]
    private partial void LogWithdrawn(int users, ulong version);

    [LoggerMessage(Level = LogLevel.Information, Message = "A prior learned from {Users} users is in service as snapshot {Version:x16}.")]
    private partial void LogPromoted(int users, ulong version);

    [LoggerMessage(Level = LogLevel.Error, Message = "The learned prior in the store cannot be read and is not used; the snapshot's own stays in service. {Reason}")]
    private partial void LogUnreadable(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The prior could not be refreshed; it is tried again at the next round.")]
    private partial void LogFailed(Exception exception);
}
