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
    private const int HeldOut = 5;

    private readonly IUserStore _store;
    private readonly PoolHolder _pool;
    private readonly MetaRouterOptions _options;
    private readonly TimeProvider _time;
    private readonly RouterMetrics _metrics;
    private readonly ILogger<LearningLoop> _logger;
    private readonly Dictionary<UserKey, (TaskSummary Summary, long Sequence)> _users = [];
    private long _sequence;
    private bool _changed;

    public LearningLoop(IUserStore store, PoolHolder pool, MetaRouterOptions options, TimeProvider time, RouterMetrics metrics, ILogger<LearningLoop> logger) =>
        (_store, _pool, _options, _time, _metrics, _logger) = (store, pool, options, time, metrics, logger);

    /// <summary>One round now; a test or an operator need not wait for the timer.</summary>
    /// <returns>Whether a new prior went into service.</returns>
    public async Task<bool> RefreshAsync(CancellationToken cancellationToken)
    {
        await CollectAsync(cancellationToken).ConfigureAwait(false);
        if (!_changed)
        {
            return false;
        }

        _changed = false;
        var serving = _pool.Current;
        var held = _users.Where(u => u.Key.User % HeldOut == 0).Select(u => u.Value.Summary).ToArray();
        var taught = _users.Where(u => u.Key.User % HeldOut != 0).Select(u => u.Value.Summary).ToArray();
        var candidate = MetaLearner.Fit(PopulationPrior.Default, taught);
        var promoted = !ReferenceEquals(candidate, PopulationPrior.Default) && held.Length > 0
            && MetaLearner.MeanEvidence(candidate, held) >= MetaLearner.MeanEvidence(serving.Snapshot.Prior, held);
        if (promoted)
        {
            var before = await _store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false);
            await _store.WriteValueAsync(Name, PriorJson.Write(candidate), before, cancellationToken).ConfigureAwait(false);
            Serve(candidate);
            LogPromoted(_users.Count, _pool.Current.Snapshot.Version);
        }

        _metrics.Refreshes.Add(1, new KeyValuePair<string, object?>("result", promoted ? "promoted" : "kept"));
        return promoted;
    }

    /// <summary>Puts the prior that an earlier run learned back into service.</summary>
    public async Task RestoreAsync(CancellationToken cancellationToken)
    {
        if (await _store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false) is { } bytes)
        {
            if (PriorJson.Read(bytes, out var error) is { } prior)
            {
                Serve(prior);
            }
            else
            {
                LogUnreadable(error);
            }
        }
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
                catch (StoreException e)
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

                // A changed user replaces its old contribution; an erased one is taken out.
                if (user.Record.State.Length == 0 || !UserState.TryRead(user.Record.State, out var state, out _))
                {
                    _users.Remove(user.Key);
                    continue;
                }

                _users[user.Key] = (new UserModel(pool, state).Summarise(), user.Sequence);
            }

            if (page.Count < Page)
            {
                break;
            }
        }

        if (_users.Count > _options.RefreshUsers)
        {
            foreach (var key in _users.OrderBy(u => u.Value.Sequence).Take(_users.Count - _options.RefreshUsers).Select(u => u.Key).ToArray())
            {
                _users.Remove(key);
            }
        }
    }

    private void Serve(PopulationPrior prior)
    {
        var pool = _pool.Current;
        _pool.Replace(new RoutingPool(pool.Snapshot.WithPrior(prior), pool.Catalog));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "A prior learned from {Users} users is in service as snapshot {Version:x16}.")]
    private partial void LogPromoted(int users, ulong version);

    [LoggerMessage(Level = LogLevel.Error, Message = "The learned prior in the store cannot be read and is not used; the snapshot's own stays in service. {Reason}")]
    private partial void LogUnreadable(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The prior could not be refreshed; it is tried again at the next round.")]
    private partial void LogFailed(Exception exception);
}
