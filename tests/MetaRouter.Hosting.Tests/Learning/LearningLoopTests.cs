using System.Collections.Concurrent;
using System.Diagnostics;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Learning;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests.Learning;

public sealed class LearningLoopTests : IDisposable
{
    private static readonly RoutingPolicy s_policy = new(new ReceiptSealer([new ReceiptKey(1, new byte[32])]), new Guardrails(), new ExplorationPolicy(new ExplorationOptions { Enabled = false }));
    private static readonly RequestEncoding s_scratch = new();

    private readonly FaultyStore _store = new(new MemoryUserStore());
    private readonly PoolHolder _pool = new(HostingFixture.Pool);
    private readonly RouterMetrics _metrics = new();
    private readonly ConcurrentQueue<string> _errors = [];
    private readonly MetaRouterOptions _options = new();
    private LearningLoop? _loop;

    private LearningLoop Loop => _loop ??= NewLoop(_pool);

    public void Dispose()
    {
        _loop?.Dispose();
        _metrics.Dispose();
    }

    [Fact]
    public async Task Refresh_UsersWhoAllPreferTheCheaper_MovesANewcomersFirstChoice()
    {
        await TeachAsync(0, 100, prefersCheap: true);
        var before = _pool.Newcomer;

        (await Loop.RefreshAsync(default)).ShouldBeTrue();

        _pool.Newcomer.Belief.CostShare.ShouldBeGreaterThan(before.Belief.CostShare);
        _pool.Current.Snapshot.Version.ShouldNotBe(before.Pool.Snapshot.Version);
        FirstChoiceCost(_pool.Newcomer).ShouldBeLessThan(FirstChoiceCost(before));
    }

    [Fact]
    public async Task Refresh_NothingChangedSince_DoesNothing()
    {
        await TeachAsync(0, 100, prefersCheap: true);
        await Loop.RefreshAsync(default);
        var pool = _pool.Current;

        (await Loop.RefreshAsync(default)).ShouldBeFalse();

        _pool.Current.ShouldBeSameAs(pool);
    }

    /// <summary>A fit of millions takes minutes, which nobody who stops a program waits for.</summary>
    [Fact]
    public async Task Refresh_StoppedBeforeItFits_DoesNotFit()
    {
        await TeachAsync(0, 100, prefersCheap: true);
        await _store.EraseAsync(new UserKey(1, 1), 1);
        using var stop = new CancellationTokenSource();
        Loop.OnErased = (_, _) => stop.Cancel(); // while the evidence is collected

        await Should.ThrowAsync<OperationCanceledException>(() => Loop.RefreshAsync(stop.Token));

        _store.ValueBytes.ShouldBe(0); // nobody tried to publish what was fitted
        (await Loop.RefreshAsync(default)).ShouldBeTrue();
    }

    [Fact]
    public async Task Refresh_PoisonedUsers_AreNotPromotedAgainstThoseHeldOut()
    {
        await TeachAsync(0, 100, prefersCheap: false);
        (await Loop.RefreshAsync(default)).ShouldBeTrue();
        var serving = _pool.Current;

        // As many again say the opposite, all of them among those that are taught from.
        await TeachAsync(1_000, 400, prefersCheap: true, heldOut: false);

        (await Loop.RefreshAsync(default)).ShouldBeFalse();
        _pool.Current.ShouldBeSameAs(serving);
    }

    [Fact]
    public async Task Refresh_FewerUsersThanTheCohort_PublishesNothing()
    {
        await TeachAsync(0, MetaLearner.SmallestCohort - 1, prefersCheap: true);

        (await Loop.RefreshAsync(default)).ShouldBeFalse();

        (await _store.ReadValueAsync("prior.v1")).ShouldBeNull();
        _pool.Current.ShouldBeSameAs(HostingFixture.Pool);
    }

    [Fact]
    public async Task Refresh_AfterErasures_IsAsIfTheErasedHadNeverBeen()
    {
        var cheap = await TeachAsync(0, 60, prefersCheap: true);
        var dear = await TeachAsync(1_000, 60, prefersCheap: false);
        await Loop.RefreshAsync(default);
        foreach (var user in dear)
        {
            await _store.EraseAsync(user, 1);
        }

        (await Loop.RefreshAsync(default)).ShouldBeTrue();

        // What a loop that meets only the others learns.
        var alone = new PoolHolder(HostingFixture.Pool);
        await using var others = new MemoryUserStore();
        foreach (var user in cheap)
        {
            await others.SaveAsync(user, (await _store.LoadAsync(user)).State, 0);
        }

        using var loop = new LearningLoop(others, alone, _options, TimeProvider.System, _metrics, new ErrorLog<LearningLoop>(_errors));
        await loop.RefreshAsync(default);
        PriorJson.Write(_pool.Current.Snapshot.Prior).ShouldBe(PriorJson.Write(alone.Current.Snapshot.Prior));
    }

    [Fact]
    public async Task Refresh_AfterErasuresThatLeaveTooFew_PutsTheShippedPriorBackEverywhere()
    {
        var users = await TeachAsync(0, 100, prefersCheap: true);
        await Loop.RefreshAsync(default);
        var other = new PoolHolder(HostingFixture.Pool);
        using var beside = NewLoop(other);
        await beside.RestoreAsync(default);
        foreach (var user in users.Skip(MetaLearner.SmallestCohort - 1))
        {
            await _store.EraseAsync(user, 1);
        }

        (await Loop.RefreshAsync(default)).ShouldBeTrue();

        _pool.Current.Snapshot.Version.ShouldBe(HostingFixture.Pool.Snapshot.Version);
        _pool.Newcomer.Belief.CostShare.ShouldBe(new UserModel(HostingFixture.Pool, UserState.Empty).Belief.CostShare);
        (await Loop.HistoryAsync(default))[0].ShouldSatisfyAllConditions(r => r.Result.ShouldBe(PriorResults.Withdrawn), r => r.Version.ShouldBe(_pool.Current.Snapshot.Version));
        await beside.RestoreAsync(default);
        other.Current.Snapshot.Version.ShouldBe(_pool.Current.Snapshot.Version);

        // The last ones go: nothing is left to put back.
        foreach (var user in users)
        {
            await _store.EraseAsync(user, 2);
        }

        (await Loop.RefreshAsync(default)).ShouldBeFalse();
        await TeachAsync(1_000, 100, prefersCheap: true);
        (await Loop.RefreshAsync(default)).ShouldBeTrue();
    }

    /// <summary>While routers of two versions run: those whose last word only the newer one can read are not gone, and no prior is taken back or fitted as if they were.</summary>
    [Fact]
    public async Task Refresh_RecordsOfALaterVersion_AreNotTakenForErasures()
    {
        var users = await TeachAsync(0, 100, prefersCheap: true);
        await Loop.RefreshAsync(default);
        var learned = await _store.ReadValueAsync("prior.v1");
        await WriteALaterVersionAsync(users);

        (await Loop.RefreshAsync(default)).ShouldBeTrue(); // what it had heard of them is what it goes by
        (await _store.ReadValueAsync("prior.v1")).ShouldBe(learned);

        // One that is started now, and has heard nothing of them.
        using var started = NewLoop(new PoolHolder(HostingFixture.Pool));
        (await started.RefreshAsync(default)).ShouldBeFalse();
        (await _store.ReadValueAsync("prior.v1")).ShouldBe(learned);
        (await started.HistoryAsync(default))[0].Result.ShouldBe(PriorResults.Promoted);

        foreach (var user in users)
        {
            await _store.EraseAsync(user, 1);
        }

        (await started.RefreshAsync(default)).ShouldBeTrue();
        (await started.HistoryAsync(default))[0].Result.ShouldBe(PriorResults.Withdrawn);
    }

    /// <summary>At other prices what they said is other evidence, and it cannot be drawn anew.</summary>
    [Fact]
    public async Task Refresh_RecordsOfALaterVersionAtOtherPrices_TeachNothingAndTakeNothingBack()
    {
        var users = await TeachAsync(0, 100, prefersCheap: true);
        await Loop.RefreshAsync(default);
        var learned = await _store.ReadValueAsync("prior.v1");
        await WriteALaterVersionAsync(users);

        _pool.Update(p => new RoutingPool(p.Snapshot, new Core.Catalog.ModelCatalog(p.Catalog.Models.Select(m => m with { InputPrice = new(m.InputPrice.Usd / 8), OutputPrice = new(m.OutputPrice.Usd / 8) }))));

        (await Loop.RefreshAsync(default)).ShouldBeFalse();
        (await _store.ReadValueAsync("prior.v1")).ShouldBe(learned);
    }

    [Fact]
    public async Task Restore_AfterARestart_ServesTheLearnedPrior()
    {
        await TeachAsync(0, 100, prefersCheap: true);
        await Loop.RefreshAsync(default);
        var again = new PoolHolder(HostingFixture.Pool);
        using var loop = NewLoop(again);

        await loop.RestoreAsync(default);

        again.Current.Snapshot.Version.ShouldBe(_pool.Current.Snapshot.Version);
    }

    /// <summary>An upgrade brings another snapshot: who looks which prior is in service, and whom it was learned from, is told.</summary>
    [Fact]
    public async Task Restore_WithAnotherSnapshot_FindsTheLearnedPriorInItsHistory()
    {
        await TeachAsync(0, 100, prefersCheap: true);
        await Loop.RefreshAsync(default);
        var upgraded = new PoolHolder(RoutingPool.OfSnapshot(ModelArrival.Add(Snapshot.Default, Snapshot.Default.Models[0] with { Id = new("newer") }, [])));
        using var loop = NewLoop(upgraded);

        await loop.RestoreAsync(default);

        var version = upgraded.Current.Snapshot.Version;
        version.ShouldNotBe(_pool.Current.Snapshot.Version);
        var learned = (await loop.HistoryAsync(default))[0];
        learned.Version.ShouldBe(version);
        loop.Serving.ShouldBe(new ServingPrior(version, learned.At, 100, false));
        (await loop.RollBackAsync(version, default)).ShouldBeTrue();
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"Version":1}""")]
    [InlineData("""{"Version":1,"Components":[{"Weight":1,"Mean":0,"Deviation":1}],"Lapse":0.05}""")]
    [InlineData("""{"Version":1,"Components":[null],"BetaWeights":[1,0,0],"Lapse":0.05}""")]
    [InlineData("""{"Version":1,"Components":[{"Weight":1,"Mean":0,"Deviation":-1}],"BetaWeights":[1,0,0],"Lapse":0.05}""")]
    [InlineData("""{"Version":1,"Components":[{"Weight":1,"Mean":1e999,"Deviation":1}],"BetaWeights":[1,0,0],"Lapse":0.05}""")]
    [InlineData("""{"Version":5,"Components":[{"Weight":1,"Mean":0,"Deviation":1}],"BetaWeights":[1,0,0],"Lapse":0.05}""")]
    [InlineData("\0\u0001\u0002")]
    public async Task Restore_BadPriorBytes_AreReportedAndIgnoredAndReplacedByTheNextRefresh(string bytes)
    {
        await _store.WriteValueAsync("prior.v1", System.Text.Encoding.UTF8.GetBytes(bytes), null);

        await Loop.RestoreAsync(default);

        _pool.Current.ShouldBeSameAs(HostingFixture.Pool);
        _errors.ShouldHaveSingleItem().ShouldContain("cannot be read");
        await TeachAsync(0, 100, prefersCheap: true);
        (await Loop.RefreshAsync(default)).ShouldBeTrue();
        PriorJson.Read((await _store.ReadValueAsync("prior.v1"))!, out _).ShouldNotBeNull();
    }

    [Fact]
    public async Task Refresh_WhenTheStoreFailsToTakeThePrior_TriesAgainAtTheNextRound()
    {
        await TeachAsync(0, 100, prefersCheap: true);
        _store.FailNextSave();
        await Should.ThrowAsync<StoreException>(() => Loop.RefreshAsync(default));
        _pool.Current.ShouldBeSameAs(HostingFixture.Pool);

        (await Loop.RefreshAsync(default)).ShouldBeTrue();
    }

    [Fact]
    public async Task Refresh_BeforeTheRouterWasAskedFor_MeasuresAgainstTheRestoredPrior()
    {
        await TeachAsync(0, 100, prefersCheap: false);
        await Loop.RefreshAsync(default);
        await TeachAsync(1_000, 400, prefersCheap: true, heldOut: false); // poisoned: worse than what was learned, better than nothing
        var again = new PoolHolder(HostingFixture.Pool);
        using var loop = NewLoop(again);

        await loop.RefreshAsync(default);

        again.Current.Snapshot.Version.ShouldBe(_pool.Current.Snapshot.Version);
    }

    [Fact]
    public async Task Update_APriorAndACatalogAtOnce_KeepsBoth()
    {
        var models = new Core.Catalog.ModelCatalog(HostingFixture.Pool.Catalog.Models.Take(3));
        await TeachAsync(0, 100, prefersCheap: true);

        await Task.WhenAll(Task.Run(() => _pool.Update(p => new RoutingPool(p.Snapshot, models))), Loop.RefreshAsync(default));

        _pool.Current.Catalog.ShouldBeSameAs(models);
        _pool.Current.Snapshot.Prior.ShouldNotBe(PopulationPrior.Default);
    }

    [Fact]
    public async Task Refresh_AfterPricesChanged_LearnsWhatALoopThatStartsAtThosePricesLearns()
    {
        var random = new Random(9);
        UserState[] users = [.. Enumerable.Range(0, 120).Select(_ => OfTopics(random, differs: false))];
        await using var others = new MemoryUserStore();
        await SaveAsync(_store, users);
        var erased = new List<UserKey>();
        Loop.OnErased = (key, _) => erased.Add(key);
        await _store.EraseAsync(new UserKey(1, 1_000), 1);
        await Loop.RefreshAsync(default);
        var before = PriorJson.Write(_pool.Current.Snapshot.Prior);
        await others.WriteValueAsync("prior.v1", before, null);
        await SaveAsync(others, users);
        var cheaper = new Core.Catalog.ModelCatalog(HostingFixture.Pool.Catalog.Models.Select(m => m with { InputPrice = new(m.InputPrice.Usd / 8), OutputPrice = new(m.OutputPrice.Usd / 8) }));
        _pool.Update(p => new RoutingPool(p.Snapshot, cheaper));

        (await Loop.RefreshAsync(default)).ShouldBeTrue(); // nobody spoke since, but every trade-off is measured against the dearest model's cost

        var started = new PoolHolder(new RoutingPool(HostingFixture.Pool.Snapshot, cheaper));
        using var loop = new LearningLoop(others, started, _options, TimeProvider.System, _metrics, new ErrorLog<LearningLoop>(_errors));
        await loop.RefreshAsync(default);
        var after = PriorJson.Write(_pool.Current.Snapshot.Prior);
        after.ShouldNotBe(before);
        erased.ShouldHaveSingleItem(); // long ago, and told then: who was erased may be back
        after.ShouldBe(PriorJson.Write(started.Current.Snapshot.Prior));
    }

    [Theory]
    [InlineData(.9, .8, 4)]
    [InlineData(0, 0, .05)]
    public async Task Refresh_UsersWhoWeighCostByTopic_LearnsHowFar(double share, double atLeast, double atMost)
    {
        var random = new Random(7);
        for (var u = 0; u < 120; u++)
        {
            await _store.SaveAsync(new UserKey(1, (ulong)u), OfTopics(random, random.NextDouble() < share).ToBytes(), 0);
        }

        (await Loop.RefreshAsync(default)).ShouldBeTrue();

        OffsetVariance.ShouldBeInRange(atLeast, atMost, $"{_pool.Current.Snapshot.Prior.Topics}");
        var again = new PoolHolder(HostingFixture.Pool);
        using var loop = NewLoop(again);
        await loop.RestoreAsync(default);
        again.Current.Snapshot.Prior.Topics.ShouldBe(_pool.Current.Snapshot.Prior.Topics);
    }

    [Fact]
    public async Task Refresh_UsersWhoAreErased_TakesWhatTheySaidOfTopicsOut()
    {
        var random = new Random(8);
        for (var u = 0; u < 120; u++)
        {
            await _store.SaveAsync(new UserKey(1, (ulong)u), OfTopics(random, differs: u >= 60).ToBytes(), 0);
        }

        await Loop.RefreshAsync(default);
        OffsetVariance.ShouldBeGreaterThan(.5, $"{_pool.Current.Snapshot.Prior.Topics}");
        for (var u = 60; u < 120; u++)
        {
            await _store.EraseAsync(new UserKey(1, (ulong)u), 1);
        }

        await Loop.RefreshAsync(default);

        OffsetVariance.ShouldBeLessThan(.05, $"{_pool.Current.Snapshot.Prior.Topics}");
    }

    /// <summary>What users said before a prior served, and what they say after, is heard alike: else what is learned would depend on when the process began.</summary>
    [Fact]
    public async Task Refresh_WordsSaidUnderSeveralPriors_LearnsWhatALoopThatStartsNowLearns()
    {
        var random = new Random(9);
        UserState[] users = [.. Enumerable.Range(0, 121).Select(_ => OfTopics(random, differs: true))];
        await SaveAsync(_store, users[..120]);
        await Loop.RefreshAsync(default);
        await SaveAsync(_store, users[120..], first: 120);

        await Loop.RefreshAsync(default);

        using var started = NewLoop(new PoolHolder(HostingFixture.Pool));
        await started.RestoreAsync(default);
        await started.RefreshAsync(default);
        var history = await started.HistoryAsync(default);
        history.Count.ShouldBe(4);
        Json(history[0].Prior).ShouldBe(Json(history[1].Prior));
    }

    [Fact]
    public async Task Refresh_ErasedUsersWhosePriorTheOthersWereHeardUnder_LeaveNoTrace()
    {
        var random = new Random(8);
        UserState[] users = [.. Enumerable.Range(0, 120).Select(u => OfTopics(random, differs: u >= 60))];
        await SaveAsync(_store, users);
        await Loop.RefreshAsync(default);
        using var started = NewLoop(_pool);
        await started.RefreshAsync(default);
        for (var u = 60; u < 120; u++)
        {
            await _store.EraseAsync(new UserKey(1, (ulong)u), 1);
        }

        await started.RefreshAsync(default);

        Json((await started.HistoryAsync(default))[0].Prior).ShouldBe(Json(await LearnedOfAsync(users[..60])));
    }

    /// <summary>Fewer say the same: what they teach is less sharp, and foretells those held out worse than what the others taught.</summary>
    [Fact]
    public async Task Refresh_AfterErasuresThatLeaveAPriorWhichForetellsWorse_ServesItAllTheSame()
    {
        var users = await TeachAsync(0, 240, prefersCheap: true);
        await Loop.RefreshAsync(default);
        foreach (var user in users.Skip(60))
        {
            await _store.EraseAsync(user, 1);
        }

        (await Loop.RefreshAsync(default)).ShouldBeTrue();

        var left = await Task.WhenAll(users.Take(60).Select(async u => UserState.TryRead((await _store.LoadAsync(u)).State, out var state, out _) ? state : UserState.Empty));
        Json(_pool.Current.Snapshot.Prior).ShouldBe(Json(await LearnedOfAsync(left)));
        var promoted = (await Loop.HistoryAsync(default))[0];
        promoted.Result.ShouldBe(PriorResults.Promoted);
        promoted.ChallengerEvidence!.Value.ShouldBeLessThan(promoted.ChampionEvidence!.Value);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // the one who refreshes next met nobody of those who went
    public async Task Refresh_AfterErasuresThatLeaveAPriorWhichForetellsWorseThanTheShipped_PutsThatBack(bool isStartedAnew)
    {
        var erased = await TeachAsync(1_000, 180, prefersCheap: true);
        await TeachAsync(0, 12, prefersCheap: true, heldOut: true);
        await TeachAsync(0, 48, prefersCheap: false, heldOut: false);
        (await Loop.RefreshAsync(default)).ShouldBeTrue();
        using var loop = isStartedAnew ? NewLoop(new PoolHolder(HostingFixture.Pool)) : null;
        foreach (var user in erased)
        {
            await _store.EraseAsync(user, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        }

        (await (loop ?? Loop).RefreshAsync(default)).ShouldBeTrue();

        (await Loop.HistoryAsync(default))[0].ShouldSatisfyAllConditions(r => r.Result.ShouldBe(PriorResults.Withdrawn), r => r.Version.ShouldBe(HostingFixture.Pool.Snapshot.Version));
        (await _store.ReadValueAsync("prior.v1")).ShouldBe(PriorJson.Write(HostingFixture.Pool.Snapshot.Prior));
    }

    [Fact]
    public async Task Refresh_WhatHeldOutUsersSay_TeachesNothing()
    {
        var random = new Random(10);
        UserState[] users = [.. Enumerable.Range(0, 120).Select(u => OfTopics(random, differs: u % 5 == 0))];
        UserState[] others = [.. users.Select((state, u) => u % 5 == 0 ? OfTopics(random, differs: false) : state)];

        Json(await LearnedOfAsync(users)).ShouldBe(Json(await LearnedOfAsync(others)));
    }

    /// <summary>As many of every trade-off as before, and held out are those whose trade-offs are alike on all topics: that they differ is what foretells worse.</summary>
    [Fact]
    public async Task Refresh_HowTopicsDifferForetellsThoseHeldOutWorse_IsNotPromoted()
    {
        await SaveAsync(_store, Users(120, differs: false));
        (await Loop.RefreshAsync(default)).ShouldBeTrue();
        var serving = _pool.Current;
        foreach (var (u, state) in Users(120, differs: true).Index().Where(u => u.Index % 5 != 0))
        {
            var key = new UserKey(1, (ulong)u);
            await _store.SaveAsync(key, state.ToBytes(), (await _store.LoadAsync(key)).Etag);
        }

        (await Loop.RefreshAsync(default)).ShouldBeFalse();

        _pool.Current.ShouldBeSameAs(serving);
        (await Loop.HistoryAsync(default))[0].Result.ShouldBe(PriorResults.Kept);

        static UserState[] Users(int count, bool differs) => [.. Enumerable.Range(0, count).Select(u => OfTopics(new Random(u), differs))];
    }

    /// <summary>Of a user's topics under the prior in service, in ln lambda squared; of users who do not differ a small share with any width, or any share with a small width, is the same.</summary>
    private double OffsetVariance => _pool.Current.Snapshot.Prior.Topics is var t ? t.Share * t.Width * t.Width : 0;

    /// <summary>How users are heard is learned of a sample of their windows: those who say nothing of the trade-off take no place in it.</summary>
    [Fact]
    public async Task Refresh_ManyUsersWhoOnlyRate_LearnsWhatItWouldWithoutThem()
    {
        var random = new Random(7);
        UserState[] users = [.. Enumerable.Range(0, 120).Select(_ => OfTopics(random, differs: true))];
        var rated = UserState.Empty.Add(new Signal(new SignalKey(1, 0, FeedbackKind.Rating), 1, 5, false, default, default));

        Json(await LearnedOfAsync([.. users, .. Enumerable.Repeat(rated, 3_000)])).ShouldBe(Json(await LearnedOfAsync(users)));
    }

    [Fact]
    public async Task Purge_ClockLeapsPastAReceiptsLifetime_KeepsTheTombstones()
    {
        var (time, key) = (new ManualTime(), new UserKey(1, 2));
        var erasedAt = time.GetUtcNow().ToUnixTimeMilliseconds();
        await _store.EraseAsync(key, erasedAt);
        using var loop = new LearningLoop(_store, _pool, new MetaRouterOptions { RefreshSeconds = 1 }, time, _metrics, new ErrorLog<LearningLoop>(_errors));
        await loop.StartAsync(default);
        time.Advance(TimeSpan.FromDays(30));
        for (var wait = Stopwatch.StartNew(); _store.Purges < 2 && wait.Elapsed < TimeSpan.FromMinutes(1);)
        {
            await Task.Delay(20);
        }

        await loop.StopAsync(default);
        _store.Purges.ShouldBeGreaterThan(1);
        (await _store.LoadAsync(key)).ErasedAtMs.ShouldBe(erasedAt); // else, the clock set right, late feedback would bring the user back
    }

    /// <summary>Gives users' records a version that this program does not know.</summary>
    private async Task WriteALaterVersionAsync(UserKey[] users)
    {
        foreach (var user in users)
        {
            var record = await _store.LoadAsync(user);
            await _store.SaveAsync(user, (byte[])[record.State[0], 99, .. record.State[2..]], record.Etag);
        }
    }

    private static async Task SaveAsync(IUserStore store, IReadOnlyList<UserState> users, ulong first = 0)
    {
        foreach (var (u, state) in users.Index())
        {
            await store.SaveAsync(new UserKey(1, first + (ulong)u), state.ToBytes(), 0);
        }
    }

    private static string Json(PopulationPrior prior) => System.Text.Encoding.UTF8.GetString(PriorJson.Write(prior));

    /// <summary>What a loop that never met others learns of these, whether or not it serves it.</summary>
    private async Task<PopulationPrior> LearnedOfAsync(IReadOnlyList<UserState> users)
    {
        await using var store = new MemoryUserStore();
        await SaveAsync(store, users);
        using var loop = new LearningLoop(store, new PoolHolder(HostingFixture.Pool), _options, TimeProvider.System, _metrics, new ErrorLog<LearningLoop>(_errors));
        await loop.RefreshAsync(default);
        return (await loop.HistoryAsync(default))[0].Prior;
    }

    private LearningLoop NewLoop(PoolHolder pool) => new(_store, pool, _options, TimeProvider.System, _metrics, new ErrorLog<LearningLoop>(_errors));

    private static double FirstChoiceCost(UserModel user) => Enumerable.Range(0, 20)
        .Select(i => user.Decide(new RouteRequest($"Explain theorem {i} and prove it."), s_policy, Moment(0, i), s_scratch))
        .Average(d => (double)d.Candidates[d.ChosenIndex].Predicted.CostUsd);

    private static DecisionMoment Moment(int user, int i) => new(1, (ulong)user, 1_790_000_000_000 + (i * 60_000L), (uint)i, 0.5);

    /// <summary>Forty-eight comparisons on three topics; cost weighs a fifth, alike or five times on them, or alike on all.</summary>
    private static UserState OfTopics(Random random, bool differs)
    {
        var (own, state, scale) = (Math.Pow(10, (2 * random.NextDouble()) - 1.5), UserState.Empty, HostingFixture.Pool.CostScaleUsd);
        for (var i = 0; i < 48; i++)
        {
            var topic = i % 3;
            var lambda = own * (differs ? Math.Pow(5, topic - 1) : 1);
            var (first, second) = (Answer(), Answer());
            var lead = (first.Quality - second.Quality - (lambda * (first.CostUsd - second.CostUsd) / scale)) / (1 + lambda);
            var prefersFirst = random.NextDouble() < (.95 / (1 + Math.Exp(-10 * lead))) + .025;
            state = state.Add(new Signal(new SignalKey(i, 0, FeedbackKind.Comparison), i, prefersFirst ? (byte)1 : (byte)0, false, first, second) { Topic = (byte)(topic + 3) });
        }

        return state;

        Outcome Answer() => new(random.Next(2), (float)(scale * random.NextDouble()), 0);
    }

    /// <summary>Saves users who answered a dozen comparisons all one way; every fifth is held out by the loop, or all or none.</summary>
    private async Task<UserKey[]> TeachAsync(int from, int count, bool prefersCheap, bool? heldOut = null)
    {
        var keys = new List<UserKey>();
        for (var u = from; keys.Count < count; u++)
        {
            var key = new UserKey(1, (ulong)u);
            if (heldOut is { } wanted && wanted != (u % 5 == 0))
            {
                continue;
            }

            var user = new UserModel(HostingFixture.Pool, UserState.Empty);
            for (var i = 0; i < 12; i++)
            {
                var decision = user.Decide(new RouteRequest($"Question {i}: explain step by step.") { MayCompare = true }, s_policy, Moment(u, i), s_scratch);
                var firstIsCheaper = decision.Receipt.First.CostUsd < decision.Receipt.Offered.CostUsd;
                user = user.Learn(decision.Receipt, FeedbackKind.Comparison, (byte)(firstIsCheaper == prefersCheap ? 1 : 0), decision.Receipt.DecisionTimeMs + 1_000, false, out _);
            }

            await _store.SaveAsync(key, user.State.ToBytes(), 0);
            keys.Add(key);
        }

        return [.. keys];
    }
}
