using System.Diagnostics;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.Hosting.Telemetry;
using MetaRouter.Orleans.Snapshots;
using MetaRouter.Orleans.Storage;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Learning;

/// <summary>
/// The cluster's one learner: asks the partitions for an E-step, takes the M-step, and publishes the prior if it predicts held-out users no worse than the one
/// in service. That one does not stay after an erasure: what it was taught is theirs who went. Where the snapshot's own is better then, or too few are left to
/// learn from, it publishes that again. It keeps nothing that is not in the store, so that wherever it comes up again it goes on.
/// </summary>
internal sealed partial class MetaLearnerGrain(
    SiloRouter router, PriorStore priors, ISnapshotPush push, SiloStopping stopping, MetaRouterOptions options,
    MetaRouterClusterOptions cluster, ILogger<MetaLearnerGrain> logger) : Grain, IMetaLearnerGrain
{
    private const int Remembered = 20;
    private const int MostRounds = 30; // each asks every partition; one process goes on to PriorFit.MostSteps
    private static readonly long s_apartMs = (long)TimeSpan.FromMinutes(10).TotalMilliseconds; // by which silos' clocks may differ, a refresh takes, and more

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
        var report = await RoundAsync(isAsked: true, cancellationToken);
        if (!report.Promoted)
        {
            await ReleaseHoldAsync();
        }

        return report;
    }

    private async ValueTask<RefreshReport> RoundAsync(bool isAsked, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping.Token);
        try
        {
            if (isAsked)
            {
                await push.FlushAllAsync().WaitAsync(either.Token);
            }

            return await RunAsync(new Round(isAsked, Stopwatch.StartNew(), either.Token));
        }
        catch (OperationCanceledException e) when (stopping.Token.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new RouterStoreException("The meta-learner's silo was asked to stop before the refresh was over; nothing was published. Ask again: the meta-learner moves to another silo.", e);
        }
    }

    private async ValueTask<RefreshReport> RunAsync(Round round)
    {
        var started = Stopwatch.GetTimestamp();
        var changes = (await AskAsync(c => c.SaveAsync(), round)).Aggregate(0L, (sum, c) => unchecked(sum + c));
        if (_learned is { } learned && changes == learned.Changes)
        {
            return Report(false, learned.Users, 0);
        }

        var (users, fit) = (0L, new PriorFit(PopulationPrior.Default, MostRounds));
        while (!fit.IsDone)
        {
            var answer = await ExpectAsync(fit.Prior, CohortPart.Taught, round);
            users = answer.Users;
            fit.Advance(answer);
        }

        var promoted = fit.IsLearned ? await PromoteAsync(fit.Prior, users, round) : await WithdrawAsync(users, round);
        _learned = (changes, users);
        router.Metrics.Refreshes.Add(1, new KeyValuePair<string, object?>(LabelNames.Result, promoted ? "promoted" : "kept"));
        return Report(promoted, users, fit.Steps);

        RefreshReport Report(bool result, long taught, int steps) => new(result, taught, steps, Stopwatch.GetElapsedTime(started), round.Own.Elapsed);
    }

    public async ValueTask<IReadOnlyList<PublishedPrior>> GetHistoryAsync(CancellationToken cancellationToken) => (await priors.ReadAsync()).Priors;

    public async ValueTask<PublishedPrior> RollBackAsync(long version, CancellationToken cancellationToken)
    {
        var history = (await priors.ReadAsync()).Priors;
        var earlier = history.FirstOrDefault(p => p.Version == version)
            ?? throw new ArgumentException($"There is no prior {version} to go back to; the history has {string.Join(", ", history.Select(p => p.Version))}.", nameof(version));
        _learned = null; // a refresh that is asked for after this must run, with or without news
        return (await PublishAsync(earlier.Users, double.NaN, double.NaN, earlier.Prior, isAsked: true, isHeld: true))!;
    }

    public async ValueTask<PublishedPrior?> GetPublishedAsync(long known, CancellationToken cancellationToken) =>
        (await priors.ReadAsync()).Priors is [var latest, ..] && latest.Version != known ? latest : null;

    private async Task RefreshQuietlyAsync(CancellationToken cancellationToken)
    {
        try
        {
            if ((await priors.ReadAsync()).Priors is not [{ IsHeld: true }, ..])
            {
                await RoundAsync(isAsked: false, cancellationToken);
            }
        }
#pragma warning disable CA1031 // The prior in service stays; the next round tries again.
        catch (Exception e)
#pragma warning restore CA1031
        {
            LogFailed(e.Message);
        }
    }

    private async Task<bool> PromoteAsync(PopulationPrior candidate, long users, Round round)
    {
        var current = router.Pool.Current.Snapshot.Prior;
        var (serving, erasedAtMs) = await EvidenceAsync(current, round);
        var mustGo = erasedAtMs > 0 && await IsTaughtBeforeAsync(erasedAtMs + s_apartMs);
        candidate = await FitSpeechAsync(candidate, mustGo ? PopulationPrior.Default : current, mustGo ? MetaLearner.MostSpeechSteps : 1, round);
        var (fitted, _) = await EvidenceAsync(candidate, round);
        return PriorPromotions.Decide(serving, fitted, mustGo ? (await EvidenceAsync(priors.Shipped, round)).Evidence : null) switch
        {
            PriorPromotion.Promote => await PublishAsync(users, fitted.MeanEvidence, serving.MeanEvidence, PriorJson.Write(candidate), round.IsAsked) is not null,
            PriorPromotion.Withdraw => await PublishShippedAsync(round),
            _ => false,
        };
    }

    /// <summary>The population of a prior, heard as another hears, and then up to so many steps of <see cref="SpeechFit"/> on.</summary>
    private async Task<PopulationPrior> FitSpeechAsync(PopulationPrior population, PopulationPrior heard, int steps, Round round)
    {
        var prior = new PopulationPrior(population.Components, population.BetaWeights, heard.Lapse, heard.Speech, heard.Topics, heard.Latency);
        for (var step = 0; step < steps; step++)
        {
            var bytes = PriorJson.Write(prior);
            var speech = await AskAsync(c => c.SpeechAsync(bytes), round);
            var next = SpeechFit.Step(prior, [.. Enumerable.Range(0, speech[0].Length).Select(i => speech.Sum(s => s[i]))]);
            if (next.IsHeardAs(prior))
            {
                break;
            }

            prior = next;
        }

        return prior;
    }

    /// <summary>Puts the snapshot's own prior back, unless those whose evidence is missing for now may make enough again.</summary>
    private async Task<bool> WithdrawAsync(long users, Round round)
    {
        if (!await IsTaughtBeforeAsync(long.MaxValue) || users + (await AskAsync(c => c.MissingAsync(), round)).Sum() >= MetaLearner.SmallestCohort)
        {
            return false;
        }

        return await PublishShippedAsync(round);
    }

    /// <summary>Whether the prior in service was learned, and published by then; of one that the history has lost it is not known when.</summary>
    private async Task<bool> IsTaughtBeforeAsync(long atMs) =>
        (await priors.ReadAsync()).Priors is [var serving, ..] ? !serving.Prior.AsSpan().SequenceEqual(PriorJson.Write(priors.Shipped)) && serving.AtMs <= atMs : priors.Version != 0;

    /// <summary>Somebody asked for a refresh, and the prior in service stood: from now on the timer may replace it.</summary>
    private Task ReleaseHoldAsync() => ChangeAsync(history => history is [{ IsHeld: true } held, ..] ? [held with { IsHeld = false }, .. history.Skip(1)] : null);

    private async Task<bool> PublishShippedAsync(Round round) => await PublishAsync(0, double.NaN, double.NaN, PriorJson.Write(priors.Shipped), round.IsAsked) is not null;

    /// <returns>Null: a prior is held, which the timer does not replace.</returns>
    private async Task<PublishedPrior?> PublishAsync(long users, double evidence, double servingEvidence, byte[] prior, bool isAsked, bool isHeld = false)
    {
        var published = default(PublishedPrior);
        await ChangeAsync(history =>
        {
            if (!isAsked && history is [{ IsHeld: true }, ..])
            {
                published = null; // somebody rolled back, at another activation, since this round began
                return null;
            }

            // If the history was lost, silos still know what they serve, and refuse an older version that is pushed.
            var version = Math.Max(history is [var latest, ..] ? latest.Version : 0, priors.Version) + 1;
            published = new PublishedPrior(version, router.NowMs, users, evidence, servingEvidence, prior, isHeld);
            return [published, .. history.Take(Remembered - 1)];
        });
        if (published is not null)
        {
            priors.Take(published);
            await push.PushAllAsync(published);
            LogPublished(published.Version, users);
        }

        return published;
    }

    /// <param name="change">Called again if another activation published meanwhile; returns null if nothing is to be changed.</param>
    private async Task ChangeAsync(Func<IReadOnlyList<PublishedPrior>, IReadOnlyList<PublishedPrior>?> change)
    {
        for (var attempt = 0; attempt < RecordStore.MostRetries; attempt++)
        {
            var read = await priors.ReadAsync();
            if (change(read.Priors) is not { } changed || await priors.TryPublishAsync(changed, read))
            {
                return;
            }
        }

        throw RecordStore.Contended("The history of published priors");
    }

    private async Task<Expectation> ExpectAsync(PopulationPrior prior, CohortPart part, Round round)
    {
        var bytes = PriorJson.Write(prior);
        return (await AskAsync(c => c.ExpectAsync(bytes, part), round)).Aggregate(Expectation.None, (sum, a) => sum.Add(new Expectation(a.Counts, a.LogEvidence, a.Users)));
    }

    /// <returns>How well the users held out are predicted, and when the last user who was erased was.</returns>
    private async Task<(PriorEvidence Evidence, long LastErasedAtMs)> EvidenceAsync(PopulationPrior prior, Round round)
    {
        var bytes = PriorJson.Write(prior);
        var answers = await AskAsync(c => c.EvidenceAsync(bytes), round);
        return (answers.Aggregate(default(PriorEvidence), (sum, a) => sum.Add(new PriorEvidence(a.LogEvidence, a.Users))), answers.Max(a => a.LastErasedAtMs));
    }

    /// <summary>Asks every partition at once; the learner's own clock stands still meanwhile.</summary>
    private async Task<T[]> AskAsync<T>(Func<ICohortGrain, ValueTask<T>> question, Round round)
    {
        var asked = Enumerable.Range(0, cluster.Partitions).Select(p => question(GrainFactory.GetGrain<ICohortGrain>(p)).AsTask()).ToArray();
        round.Own.Stop();
        try
        {
            return await Task.WhenAll(asked).WaitAsync(round.Token);
        }
        finally
        {
            round.Own.Start();
        }
    }

    /// <param name="IsAsked">Somebody asked for it: it may replace a prior that is held.</param>
    /// <param name="Own">The clock of the learner's own work.</param>
    /// <param name="Token">The caller gave up, or the silo stops.</param>
    private sealed record Round(bool IsAsked, Stopwatch Own, CancellationToken Token);

    [LoggerMessage(Level = LogLevel.Information, Message = "Prior {Version}, learned from {Users} users, was published.")]
    private partial void LogPublished(long version, long users);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The prior could not be refreshed; it is tried again at the next round. {Reason}")]
    private partial void LogFailed(string reason);
}
