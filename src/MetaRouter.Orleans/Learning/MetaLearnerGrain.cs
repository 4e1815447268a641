using System.Diagnostics;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.Hosting.Telemetry;
using MetaRouter.Orleans.Snapshots;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Learning;

/// <summary>
/// The cluster's one learner: asks the partitions for an E-step, takes the M-step, and publishes the prior if it foretells held-out users no worse than the one
/// in service; where too few are left to learn from, as after erasures, it publishes the snapshot's own again. It keeps nothing that is not in the store, so that wherever it comes up again it goes on.
/// </summary>
internal sealed partial class MetaLearnerGrain(
    SiloRouter router, SharedState shared, ISnapshotPush push, MetaRouterOptions options, MetaRouterClusterOptions cluster, ILogger<MetaLearnerGrain> logger) : Grain, IMetaLearnerGrain
{
    private const int Remembered = 20;
    private const int MostRounds = 30; // each asks every partition; one process goes on to PriorFit.MostSteps

    private (long Changes, long Users)? _learned;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (options.RefreshSeconds > 0)
        {
            var period = TimeSpan.FromSeconds(options.RefreshSeconds);
            this.RegisterGrainTimer(static async (self, token) => await self.RefreshQuietlyAsync(token), this, new GrainTimerCreationOptions(period, period) { KeepAlive = true });
        }

        return Task.CompletedTask;
    }

    public ValueTask WakeAsync() => default;

    public async ValueTask<RefreshReport> RefreshAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await push.FlushAllAsync();
        var report = await RoundAsync(cancellationToken);
        if (!report.Promoted)
        {
            await LetGoAsync();
        }

        return report;
    }

    private async ValueTask<RefreshReport> RoundAsync(CancellationToken cancellationToken)
    {
        var (started, own) = (Stopwatch.GetTimestamp(), Stopwatch.StartNew());
        var changes = (await AskAsync(c => c.SaveAsync(), own)).Aggregate(0L, (sum, c) => unchecked(sum + c));
        if (_learned is { } learned && changes == learned.Changes)
        {
            return Report(false, learned.Users, 0);
        }

        var (users, fit) = (0L, new PriorFit(PopulationPrior.Default, MostRounds));
        while (!fit.IsDone)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var answer = await ExpectAsync(fit.Prior, CohortPart.Taught, own);
            users = answer.Users;
            fit.Advance(answer);
        }

        var promoted = fit.IsLearned ? await PromoteAsync(fit.Prior, users, own) : await WithdrawAsync(users, own);
        _learned = (changes, users);
        router.Metrics.Refreshes.Add(1, new KeyValuePair<string, object?>(LabelNames.Result, promoted ? "promoted" : "kept"));
        return Report(promoted, users, fit.Steps);

        RefreshReport Report(bool result, long taught, int steps) => new(result, taught, steps, Stopwatch.GetElapsedTime(started), own.Elapsed);
    }

    public async ValueTask<IReadOnlyList<PublishedPrior>> GetHistoryAsync(CancellationToken cancellationToken) => (await shared.ReadHistoryAsync()).History;

    public async ValueTask<PublishedPrior> RollBackAsync(long version, CancellationToken cancellationToken)
    {
        var (history, _) = await shared.ReadHistoryAsync();
        var earlier = history.FirstOrDefault(p => p.Version == version)
            ?? throw new ArgumentException($"There is no prior {version} to go back to; the history has {string.Join(", ", history.Select(p => p.Version))}.", nameof(version));
        _learned = null; // whoever asks for a refresh after this wants one, with or without news
        return await PublishAsync(earlier.Users, double.NaN, double.NaN, earlier.Prior, isHeld: true);
    }

    public async ValueTask<PublishedPrior?> GetPublishedAsync(long known, CancellationToken cancellationToken) =>
        (await shared.ReadHistoryAsync()).History is [var latest, ..] && latest.Version != known ? latest : null;

    private async Task RefreshQuietlyAsync(CancellationToken cancellationToken)
    {
        try
        {
            if ((await shared.ReadHistoryAsync()).History is not [{ IsHeld: true }, ..])
            {
                await RoundAsync(cancellationToken);
            }
        }
#pragma warning disable CA1031 // The prior in service stays; the next round tries again.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFailed(e.Message);
        }
    }

    private async Task<bool> PromoteAsync(PopulationPrior candidate, long users, Stopwatch own)
    {
        var serving = router.Pool.Current.Snapshot.Prior;
        candidate = new PopulationPrior(candidate.Components, candidate.BetaWeights, serving.Lapse, serving.Speech, serving.Topics, serving.Latency);
        var bytes = PriorJson.Write(candidate);
        var speech = await AskAsync(c => c.SpeechAsync(bytes), own);
        candidate = MetaLearner.WithSpeech(candidate, [.. Enumerable.Range(0, speech[0].Length).Select(i => speech.Sum(s => s[i]))]);
        var (champion, challenger) = (await ExpectAsync(serving, CohortPart.HeldOut, own), await ExpectAsync(candidate, CohortPart.HeldOut, own));
        if (champion.Users == 0 || challenger.MeanEvidence < champion.MeanEvidence)
        {
            return false;
        }

        await PublishAsync(users, challenger.MeanEvidence, champion.MeanEvidence, PriorJson.Write(candidate));
        return true;
    }

    /// <summary>Puts the snapshot's own prior back, unless those whose evidence is missing for now may make enough again.</summary>
    private async Task<bool> WithdrawAsync(long users, Stopwatch own)
    {
        var (history, _) = await shared.ReadHistoryAsync();
        var shipped = PriorJson.Write(shared.Shipped);
        if (history is not [var serving, ..] || serving.Prior.AsSpan().SequenceEqual(shipped) || users + (await AskAsync(c => c.MissingAsync(), own)).Sum() >= MetaLearner.SmallestCohort)
        {
            return false;
        }

        await PublishAsync(0, double.NaN, double.NaN, shipped);
        return true;
    }

    /// <summary>Somebody asked for a refresh, and the prior in service stood: from now on the timer may replace it.</summary>
    private async Task LetGoAsync()
    {
        while (true)
        {
            var (history, etag) = await shared.ReadHistoryAsync();
            if (history is not [{ IsHeld: true } held, ..] || await shared.TryPublishAsync([held with { IsHeld = false }, .. history.Skip(1)], etag))
            {
                return;
            }
        }
    }

    private async Task<PublishedPrior> PublishAsync(long users, double evidence, double servingEvidence, byte[] prior, bool isHeld = false)
    {
        while (true)
        {
            var (history, etag) = await shared.ReadHistoryAsync();
            var published = new PublishedPrior(history.Count == 0 ? 1 : history[0].Version + 1, router.NowMs, users, evidence, servingEvidence, prior, isHeld);
            if (await shared.TryPublishAsync([published, .. history.Take(Remembered - 1)], etag))
            {
                shared.Take(published);
                await push.PushAllAsync(published);
                LogPublished(published.Version, users);
                return published;
            }
        }
    }

    private async Task<Expectation> ExpectAsync(PopulationPrior prior, CohortPart part, Stopwatch own)
    {
        var bytes = PriorJson.Write(prior);
        return (await AskAsync(c => c.ExpectAsync(bytes, part), own)).Aggregate(Expectation.None, (sum, a) => sum.Add(new Expectation(a.Counts, a.LogEvidence, a.Users)));
    }

    /// <summary>Asks every partition at once; the learner's own clock stands still meanwhile.</summary>
    private async Task<T[]> AskAsync<T>(Func<ICohortGrain, ValueTask<T>> question, Stopwatch own)
    {
        var asked = Enumerable.Range(0, cluster.Partitions).Select(p => question(GrainFactory.GetGrain<ICohortGrain>(p)).AsTask()).ToArray();
        own.Stop();
        try
        {
            return await Task.WhenAll(asked);
        }
        finally
        {
            own.Start();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Prior {Version}, learned from {Users} users, was published.")]
    private partial void LogPublished(long version, long users);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The prior could not be refreshed; it is tried again at the next round. {Reason}")]
    private partial void LogFailed(string reason);
}
