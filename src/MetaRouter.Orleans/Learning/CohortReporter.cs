using System.Collections.Concurrent;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Learning;

/// <summary>
/// What this silo's users teach, on its way to the partitions, many users at once (<see cref="ReportLoop"/>): a user who gives feedback often is sent once.
/// What cannot be sent, or is measured at other prices than its partition's silo has, waits. The queue is bounded, except for departures, at some 60 bytes each; a newer report of a user
/// replaces the one that waits.
/// </summary>
internal sealed partial class CohortReporter(IGrainFactory grains, PoolHolder pool, MetaRouterClusterOptions cluster, ILogger<CohortReporter> logger) : IDisposable
{
    private const int MostWaiting = 200_000;
    private const int AtATime = 1_000;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<ulong, PendingReport> _waiting = new();
    private readonly ConcurrentDictionary<int, ulong> _ceilings = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private int _users; // how many wait: counting takes all of the dictionary's locks, a thousand of them

    internal int Waiting => Volatile.Read(ref _users);

    private bool IsFull => Waiting >= MostWaiting;

    /// <summary>O(1) while there is room: the user's summary is made when it is sent.</summary>
    /// <param name="time">When the user was in that state.</param>
    public void Report(ulong user, UserModel model, ReportTime time)
    {
        var report = new PendingReport(model, time);
        while (true)
        {
            if (_waiting.TryGetValue(user, out var before))
            {
                if (time.IsBefore(before.Time) || _waiting.TryUpdate(user, report, before))
                {
                    return;
                }
            }
            else if (Add(user, report))
            {
                return;
            }
        }
    }

    /// <summary>
    /// Sends all that waits now, to each partition a thousand users at a time. One flush at a time: else a report that one flush could not send would be queued again after another
    /// has sent that the user left.
    /// </summary>
    public async Task FlushAsync()
    {
        using var turn = await _turn.TakeAsync(CancellationToken.None).ConfigureAwait(false);
        var batch = _waiting.ToArray();
        foreach (var entry in batch)
        {
            if (_waiting.TryRemove(entry))
            {
                Interlocked.Decrement(ref _users);
            }
        }

        await Task.WhenAll(batch.GroupBy(e => (int)((e.Key >> 8) % (ulong)cluster.Partitions)).Select(g => SendAsync(g.Key, g))).ConfigureAwait(false);
    }

    /// <summary>
    /// Sends what waits at once instead of in some seconds, and waits a moment for that: an erased user may never be active again, so nobody else would tell the partition if this silo
    /// died first. If it takes longer, it goes on in the background.
    /// </summary>
    public async Task FlushBrieflyAsync() => await Task.Run(FlushAsync).WaitAsync(Moment).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    public void Dispose() => _turn.Dispose();

    /// <returns>False: another report of the user waits already.</returns>
    private bool Add(ulong user, PendingReport report)
    {
        if (IsFull)
        {
            if (!report.Model.State.IsEmpty && report.Model.Summarise().Signals > 0)
            {
                return true;
            }

            report = report with { Model = pool.Newcomer }; // a departure is never dropped
        }

        if (!_waiting.TryAdd(user, report))
        {
            return false;
        }

        Interlocked.Increment(ref _users);
        return true;
    }

    /// <summary>One report after another; if the partition is not reached, the rest waits for the next flush.</summary>
    private async Task SendAsync(int partition, IEnumerable<KeyValuePair<ulong, PendingReport>> users)
    {
        var isReached = true;
        foreach (var some in users.Chunk(AtATime))
        {
            if (isReached)
            {
                isReached = await TrySendAsync(partition, some).ConfigureAwait(false);
            }
            else
            {
                Keep(some);
            }
        }
    }

    /// <returns>False: the partition was not reached.</returns>
    private async Task<bool> TrySendAsync(int partition, KeyValuePair<ulong, PendingReport>[] users)
    {
        try
        {
            var summaries = users.Select(u => (User: u, Summary: u.Value.Model.Summarise())).ToArray();
            var (gone, spoke) = (summaries.Where(u => u.Summary.Signals == 0).Select(u => u.User).ToArray(), summaries.Where(u => u.Summary.Signals > 0).ToArray());
            var evidence = new byte[spoke.Length * ChoiceModel.Hypotheses];
            var windows = new byte[]?[spoke.Length];
            var ceiling = _ceilings.GetValueOrDefault(partition, ulong.MaxValue);
            for (var i = 0; i < spoke.Length; i++)
            {
                Cohort.Pack(spoke[i].Summary.LogLikelihood, evidence.AsSpan(i * ChoiceModel.Hypotheses, ChoiceModel.Hypotheses));
                windows[i] = WindowSample.Rank(spoke[i].User.Key) <= ceiling ? spoke[i].User.Value.Model.State.ToBytes() : null;
            }

            var report = new CohortReport(
                [.. spoke.Select(u => u.User.Key)], evidence, [.. gone.Select(u => u.Key)], windows, pool.Current.Catalog.Version,
                [.. spoke.Select(u => u.User.Value.Time)], [.. gone.Select(u => u.Value.Time)]);
            if (await grains.GetGrain<ICohortGrain>(partition).ReportAsync(report).ConfigureAwait(false) is { } next)
            {
                _ceilings[partition] = next;
                return true;
            }

            LogLater(spoke.Length, "The partition is on a silo with other prices.");
            Keep(spoke.Select(u => u.User));
            return true;
        }
#pragma warning disable CA1031 // Whatever went wrong, the users are sent again.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogLater(users.Length, e.Message);
            Keep(users);
            return false;
        }
    }

    private void Keep(IEnumerable<KeyValuePair<ulong, PendingReport>> users)
    {
        foreach (var (user, report) in users)
        {
            Add(user, report); // unless a newer report came meanwhile
        }
    }

    private readonly record struct PendingReport(UserModel Model, ReportTime Time);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The evidence of {Users} users could not be sent and waits. {Reason}")]
    private partial void LogLater(int users, string reason);
}
