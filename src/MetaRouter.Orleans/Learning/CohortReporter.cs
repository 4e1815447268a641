using System.Collections.Concurrent;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Learning;

/// <summary>
/// Tells the partitions what this silo's users teach, every five seconds and many users at once: a user who speaks often is sent once.
/// What cannot be sent, or is measured at other prices than its partition's silo has, waits, bounded; the oldest word of a user who speaks again is never sent.
/// </summary>
internal sealed partial class CohortReporter(IGrainFactory grains, PoolHolder pool, MetaRouterClusterOptions cluster, ILogger<CohortReporter> logger) : BackgroundService
{
    private const int MostWaiting = 200_000;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<ulong, UserModel> _waiting = new();
    private readonly ConcurrentDictionary<int, ulong> _ceilings = new();
    private int _users; // who wait: the dictionary takes all of its locks, a thousand of them, to count

    internal int Waiting => Volatile.Read(ref _users);

    private bool IsFull => Waiting >= MostWaiting;

    /// <summary>O(1): the user's summary is made when it is sent.</summary>
    public void Report(ulong user, UserModel model)
    {
        while (true)
        {
            if (_waiting.TryGetValue(user, out var before))
            {
                if (_waiting.TryUpdate(user, model, before))
                {
                    return;
                }
            }
            else if (IsFull || Add(user, model))
            {
                return;
            }
        }
    }

    /// <summary>Sends all that waits now.</summary>
    public async Task FlushAsync()
    {
        var batch = _waiting.ToArray();
        foreach (var entry in batch)
        {
            if (_waiting.TryRemove(entry))
            {
                Interlocked.Decrement(ref _users);
            }
        }

        await Task.WhenAll(batch.GroupBy(e => (int)((e.Key >> 8) % (ulong)cluster.Partitions)).SelectMany(g => g.Chunk(1_000).Select(c => SendAsync(g.Key, c)))).ConfigureAwait(false);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                await FlushAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops; users report again where they are active next.
        }
    }

    private bool Add(ulong user, UserModel model)
    {
        if (!_waiting.TryAdd(user, model))
        {
            return false;
        }

        Interlocked.Increment(ref _users);
        return true;
    }

    private async Task SendAsync(int partition, KeyValuePair<ulong, UserModel>[] users)
    {
        var summaries = users.Select(u => (u.Key, Model: u.Value, Summary: u.Value.Summarise())).ToArray();
        var (gone, spoke) = (summaries.Where(u => u.Summary.Signals == 0).Select(u => u.Key).ToArray(), summaries.Where(u => u.Summary.Signals > 0).ToArray());
        var evidence = new byte[spoke.Length * ChoiceModel.Hypotheses];
        var windows = new byte[]?[spoke.Length];
        var ceiling = _ceilings.GetValueOrDefault(partition, ulong.MaxValue);
        for (var i = 0; i < spoke.Length; i++)
        {
            Cohort.Pack(spoke[i].Summary.LogLikelihood, evidence.AsSpan(i * ChoiceModel.Hypotheses, ChoiceModel.Hypotheses));
            windows[i] = WindowSample.Rank(spoke[i].Key) <= ceiling ? spoke[i].Model.State.ToBytes() : null;
        }

        var (later, reason) = (spoke, "The partition is on a silo with other prices.");
        try
        {
            var report = new CohortReport([.. spoke.Select(u => u.Key)], evidence, gone, windows, pool.Current.Catalog.Version);
            if (await grains.GetGrain<ICohortGrain>(partition).ReportAsync(report).ConfigureAwait(false) is { } next)
            {
                _ceilings[partition] = next;
                return;
            }
        }
#pragma warning disable CA1031 // Whatever it was, the users are sent again.
        catch (Exception e)
#pragma warning restore CA1031
        {
            (later, reason) = (summaries, e.Message);
        }

        LogLater(later.Length, reason);
        foreach (var (user, model, summary) in later)
        {
            if (summary.Signals == 0 || !IsFull) // that somebody is erased is never forgotten
            {
                Add(user, model); // unless a newer word came meanwhile
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "The evidence of {Users} users could not be sent and waits. {Reason}")]
    private partial void LogLater(int users, string reason);
}
