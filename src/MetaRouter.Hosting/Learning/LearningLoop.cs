using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting.Learning;

/// <summary>
/// Keeps the start of every new user up to date: collects what changed users teach, fits a prior on four fifths of them, and puts it into service
/// only if it foretells the other fifth no worse than the prior in service does.
/// </summary>
public sealed partial class LearningLoop : BackgroundService
{
    private const string Name = "prior.v1";
    private const int Page = 1000;

    private readonly IUserStore _store;
    private readonly PoolHolder _pool;
    private readonly MetaRouterOptions _options;
    private readonly TimeProvider _time;
    private readonly RouterMetrics _metrics;
    private readonly ILogger<LearningLoop> _logger;
    private readonly Cohort _users;
    private long _sequence;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private bool _changed;
    private byte[]? _shared;

    public LearningLoop(IUserStore store, PoolHolder pool, MetaRouterOptions options, TimeProvider time, RouterMetrics metrics, ILogger<LearningLoop> logger) =>
        (_store, _pool, _options, _time, _metrics, _logger, _users) = (store, pool, options, time, metrics, logger, new Cohort(options.RefreshUsers));

    /// <summary>Tenants, by their hash, whose users stay out of what all share.</summary>
    public IReadOnlySet<ulong> PrivateTenants { get; init; } = new HashSet<ulong>();

    /// <summary>One round now; a test or an operator need not wait for the timer.</summary>
    /// <returns>Whether a new prior went into service.</returns>
    public async Task<bool> RefreshAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Else the candidate would be measured against the shipped prior instead of the one in service.
            await PullOnceAsync(cancellationToken).ConfigureAwait(false);
            await CollectAsync(cancellationToken).ConfigureAwait(false);
            if (!_changed)
            {
                return false;
            }

            var promoted = await PromoteAsync(cancellationToken).ConfigureAwait(false);
            _changed = false; // only now: what the store failed to take is tried again
            _metrics.Refreshes.Add(1, new KeyValuePair<string, object?>("result", promoted ? "promoted" : "kept"));
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
                    await RefreshAsync(stoppingToken).ConfigureAwait(false);
                    await _store.PurgeTombstonesAsync(_time.GetUtcNow().AddHours(-_options.ReceiptHours).AddMinutes(-10).ToUnixTimeMilliseconds(), stoppingToken).ConfigureAwait(false);
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
        var candidate = MetaLearner.Fit(PopulationPrior.Default, prior => _users.Expect(prior, CohortPart.Taught));
        var held = _users.Expect(serving, CohortPart.HeldOut);
        if (ReferenceEquals(candidate, PopulationPrior.Default) || held.Users == 0 || _users.Expect(candidate, CohortPart.HeldOut).MeanEvidence < held.MeanEvidence)
        {
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
        Serve(candidate);
        LogPromoted(_users.Count, _pool.Current.Snapshot.Version);
        return true;
    }

    private async Task PullOnceAsync(CancellationToken cancellationToken)
    {
        if (await _store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false) is not { } bytes || (_shared is not null && bytes.AsSpan().SequenceEqual(_shared)))
        {
            return;
        }

        if (PriorJson.Read(bytes, out var error) is { } prior)
        {
            Serve(prior);
        }
        else
        {
            LogUnreadable(error);
        }

        _shared = bytes;
    }

    private async Task CollectAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var page = await _store.ChangedAsync(_sequence, Page, cancellationToken).ConfigureAwait(false);
            var pool = _pool.Current;
            foreach (var user in page)
            {
                _sequence = user.Sequence;
                _changed = true;

                // A changed user replaces its old contribution; an erased one is taken out, and one whose tenant keeps to itself never comes in.
                if (PrivateTenants.Contains(user.Key.Tenant) || user.Record.State.Length == 0 || !UserState.TryRead(user.Record.State, out var state, out _))
                {
                    _users.Remove(user.Key.User);
                    continue;
                }

                _users.Put(user.Key.User, new UserModel(pool, state).Summarise());
            }

            if (page.Count < Page)
            {
                break;
            }
        }
    }

    private void Serve(PopulationPrior prior) => _pool.Update(pool => new RoutingPool(pool.Snapshot.WithPrior(prior), pool.Catalog));

    [LoggerMessage(Level = LogLevel.Information, Message = "A prior learned from {Users} users is in service as snapshot {Version:x16}.")]
    private partial void LogPromoted(int users, ulong version);

    [LoggerMessage(Level = LogLevel.Error, Message = "The learned prior in the store cannot be read and is not used; the snapshot's own stays in service. {Reason}")]
    private partial void LogUnreadable(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The prior could not be refreshed; it is tried again at the next round.")]
    private partial void LogFailed(Exception exception);
}
