using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Learning;
using MetaRouter.Orleans.Client;
using MetaRouter.Orleans.Learning;
using MetaRouter.Orleans.Snapshots;
using MetaRouter.Orleans.Storage;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace MetaRouter.Orleans.Tests;

public sealed class LearnerTests(OneRedis redis) : IClassFixture<OneRedis>
{
    private const int Teachers = 500;

    [Fact]
    public async Task Refresh_PopulationThatDrifts_IsFollowedByWhatNewUsersStartFrom()
    {
        await using var fixture = new ClusterFixture(redis.Server, 2, TimeProvider.System) { Configure = o => o.RefreshUsers = Teachers };
        var cluster = await fixture.StartClusterAsync();
        var learner = cluster.Client.GetGrain<IMetaLearnerGrain>(0);
        Func<Random, double> drifted = r => -1.5 + (0.5 * Population.Normal(r)); // demanding all at once, whom nothing but what was learned serves well
        var flat = await FirstTenAsync(cluster, "flat", drifted);

        await TeachAsync(cluster, "before", r => 1.5 + Population.Normal(r));
        var first = await learner.RefreshAsync();
        first.Promoted.ShouldBeTrue();
        first.Users.ShouldBeInRange(Teachers / 2, Teachers);
        var before = await FirstTenAsync(cluster, "before the drift", drifted);

        await TeachAsync(cluster, "after", drifted);
        (await learner.RefreshAsync()).Promoted.ShouldBeTrue();
        var after = await FirstTenAsync(cluster, "after the drift", drifted);

        after.ShouldBeLessThan(0.75 * flat);
        after.ShouldBeLessThan(0.75 * before);

        // And back again with one call, on every silo.
        var history = await learner.GetHistoryAsync();
        history.Select(p => p.Version).ShouldBe([2, 1]);
        (await learner.RollBackAsync(1)).Version.ShouldBe(3);
        (await FirstTenAsync(cluster, "rolled back", drifted)).ShouldBe(before, 0.25 * before);
        Versions(cluster).ShouldAllBe(v => v == 3);
        (await Should.ThrowAsync<ArgumentException>(async () => await learner.RollBackAsync(99))).Message.ShouldContain("3, 2, 1");
    }

    [Fact]
    public async Task Refresh_NothingNew_IsNotFittedAgain()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var learner = cluster.Client.GetGrain<IMetaLearnerGrain>(0);
        (await learner.RefreshAsync()).Promoted.ShouldBeFalse();
        await TeachAsync(cluster, "t", Population.Normal, users: 100);
        (await learner.RefreshAsync()).Users.ShouldBeGreaterThan(0);

        (await learner.RefreshAsync()).ShouldSatisfyAllConditions(r => r.Promoted.ShouldBeFalse(), r => r.Steps.ShouldBe(0));
        (await learner.GetHistoryAsync()).Count.ShouldBe(1);
        (await learner.GetPublishedAsync(known: 1)).ShouldBeNull();
        (await learner.GetPublishedAsync(known: 0))!.Version.ShouldBe(1);
    }

    [Fact]
    public async Task RolledBack_IsHeldUntilARefreshIsAskedFor_WhichHearsTheLatestWordsToo()
    {
        await using var fixture = new ClusterFixture(redis.Server, 2, TimeProvider.System) { Configure = o => o.RefreshSeconds = 1 };
        var cluster = await fixture.StartClusterAsync();
        var learner = cluster.Client.GetGrain<IMetaLearnerGrain>(0);
        await TeachAsync(cluster, "thrifty", r => 1.5 + (0.3 * Population.Normal(r)), users: 100);
        await Eventually.TrueAsync(async () => (await learner.GetHistoryAsync()).Count > 0, TimeSpan.FromSeconds(30)); // by the timer
        var version = (await learner.RollBackAsync((await learner.GetHistoryAsync())[^1].Version)).Version;

        await TeachAsync(cluster, "lavish", r => -2.5 + (0.3 * Population.Normal(r)), users: 200);
        await Task.Delay(TimeSpan.FromSeconds(3)); // some rounds
        (await learner.GetHistoryAsync())[0].ShouldSatisfyAllConditions(p => p.Version.ShouldBe(version), p => p.IsHeld.ShouldBeTrue());

        var before = (await learner.RefreshAsync()).Users;
        await learner.RollBackAsync(version);
        var random = new Random(3);
        foreach (var i in Enumerable.Range(0, 20))
        {
            await cluster.Client.GetUserRouter("last words", $"user {i}").ImportAsync(Population.Record(ClusterFixture.Pool, 1, 12, random));
        }

        (await learner.RefreshAsync()).Users.ShouldBeGreaterThan(before); // within the five seconds in which the silos are silent
        (await learner.GetHistoryAsync())[0].IsHeld.ShouldBeFalse();
    }

    [Fact]
    public async Task Silos_OfAnotherCluster_FollowWithinTheirPeriod()
    {
        await using var fixture = new ClusterFixture(redis.Server, 2, TimeProvider.System);
        var (publisher, follower) = (await fixture.StartClusterAsync(), await fixture.StartClusterAsync());
        await TeachAsync(publisher, "t", Population.Normal, users: 100);
        (await publisher.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync()).Promoted.ShouldBeTrue();
        Versions(publisher).ShouldAllBe(v => v == 1); // pushed

        // Nobody pushes to the other one.
        await Eventually.TrueAsync(() => Versions(follower).All(v => v == 1), TimeSpan.FromSeconds(fixture.Options.SnapshotSeconds + 10));
        foreach (var silo in follower.Silos)
        {
            silo.ServiceProvider.GetRequiredService<PriorStore>().Staleness.ShouldBeLessThan(TimeSpan.FromSeconds(fixture.Options.SnapshotSeconds + 10));
        }

        // One that starts now has it before it serves, and so has a client.
        var late = await follower.StartAdditionalSiloAsync();
        late.ServiceProvider.GetRequiredService<PriorStore>().Version.ShouldBe(1);
        var client = RouterOf(follower);
        await client.FollowAsync();
        (await client.GetUserAsync("acme", "new")).Pool.Snapshot.Version.ShouldBe((await client.RouteAsync("acme", "new", new RouteRequest("?"))).SnapshotVersion);
    }

    [Fact]
    public async Task TenantThatTurnsPrivate_UsersWhoComeBack_TeachNoMore()
    {
        var isPrivate = false;
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System)
        {
            Configure = o =>
            {
                if (isPrivate)
                {
                    o.PrivateTenants.Add("t");
                }
            },
        };
        var cluster = await fixture.StartClusterAsync();
        await TeachAsync(cluster, "t", Population.Normal, users: 100);
        (await cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync()).Users.ShouldBeGreaterThan(0);
        await fixture.StopAsync();

        isPrivate = true;
        cluster = await fixture.StartClusterAsync();
        await TeachAsync(cluster, "other", Population.Normal, users: 1); // else nothing is new, and the number that was told last is told again
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => RouterOf(cluster).ExportAsync("t", $"user {i}").AsTask()));
        (await cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync()).Users.ShouldBeLessThan(2);
    }

    [Fact]
    public async Task Refresh_AfterErasuresThatLeaveTooFew_PutsTheShippedPriorBack()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var learner = cluster.Client.GetGrain<IMetaLearnerGrain>(0);
        await TeachAsync(cluster, "t", r => 1.5 + (0.3 * Population.Normal(r)), users: 100);
        (await learner.RefreshAsync()).Promoted.ShouldBeTrue();
        await Task.WhenAll(Enumerable.Range(0, 90).Select(i => cluster.Client.GetUserRouter("t", $"user {i}").EraseAsync().AsTask()));

        (await learner.RefreshAsync()).Promoted.ShouldBeTrue();

        (await learner.GetHistoryAsync())[0].ShouldSatisfyAllConditions(p => p.Version.ShouldBe(2), p => p.Users.ShouldBe(0));
        var silo = cluster.Silos.Single().ServiceProvider;
        silo.GetRequiredService<Hosting.PoolHolder>().Current.Snapshot.Version.ShouldBe(ClusterFixture.Pool.Snapshot.Version);
        (await cluster.Client.ServiceProvider.GetRequiredService<Hosting.Learning.ILearning>().HistoryAsync(default))[0].Result.ShouldBe(Hosting.Learning.PriorResults.Withdrawn);
        await TeachAsync(cluster, "one more", Population.Normal, users: 1);
        (await learner.RefreshAsync()).Promoted.ShouldBeFalse();
    }

    /// <summary>Those held out speak for what the erased taught, and those who still teach say the opposite.</summary>
    [Fact]
    public async Task Refresh_AfterErasuresThatLeaveAPriorWhichForetellsWorse_ServesNothingThatTheErasedTaught()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var learner = cluster.Client.GetGrain<IMetaLearnerGrain>(0);
        var reporter = cluster.Silos.Single().ServiceProvider.GetRequiredService<CohortReporter>();
        var (random, erased) = (new Random(4), Hashes(from: 0, CohortPart.Taught, 150));
        Tell(erased, logLambda: 1.5);
        Tell(Hashes(from: 10_000, CohortPart.HeldOut, 12), logLambda: 1.5);
        Tell(Hashes(from: 20_000, CohortPart.Taught, 48), logLambda: -2.5);
        await reporter.FlushAsync();
        (await learner.RefreshAsync()).Promoted.ShouldBeTrue();

        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var user in erased)
        {
            reporter.Report(user, new UserModel(ClusterFixture.Pool, UserState.Empty), new ReportTime(now, now));
        }

        await reporter.FlushAsync();
        (await learner.RefreshAsync()).Promoted.ShouldBeTrue();

        (await learner.GetHistoryAsync())[0].ShouldSatisfyAllConditions(p => p.Version.ShouldBe(2), p => p.Users.ShouldBe(0), p => p.Prior.ShouldBe(PriorJson.Write(ClusterFixture.Pool.Snapshot.Prior)));

        static ulong[] Hashes(ulong from, CohortPart part, int count) =>
            [.. Enumerable.Range(0, 10 * count).Select(i => WindowSample.Rank(from + (ulong)i)).Where(h => Cohort.PartOf(h) == part).Take(count)];

        void Tell(ulong[] users, double logLambda)
        {
            var at = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - 1_000;
            foreach (var user in users)
            {
                reporter.Report(user, new UserModel(ClusterFixture.Pool, UserState.Read(Population.Record(ClusterFixture.Pool, Math.Exp(logLambda + (0.3 * Population.Normal(random))), 20, random))), new ReportTime(0, at));
            }
        }
    }

    [Fact]
    public async Task Silos_WithOtherPrices_HearEverybodyAgainAndKeepThePriorMeanwhile()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        await TeachAsync(cluster, "t", Population.Normal, users: 100);
        var taught = (await cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync()).Users;
        await fixture.StopAsync();

        fixture.Served = WithOtherPrices();
        for (var start = 0; start < 2; start++)
        {
            cluster = await fixture.StartClusterAsync();
            await TeachAsync(cluster, $"other {start}", Population.Normal, users: 1);
            (await cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync()).ShouldSatisfyAllConditions(r => r.Users.ShouldBeLessThan(3), r => r.Promoted.ShouldBeFalse());
            (await cluster.Client.GetGrain<IMetaLearnerGrain>(0).GetHistoryAsync()).Count.ShouldBe(1);
            if (start == 0)
            {
                await fixture.StopAsync();
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => RouterOf(cluster).ExportAsync("t", $"user {i}").AsTask()));
        (await cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync()).Users.ShouldBeInRange(taught, taught + 2);
    }

    /// <summary>As silos are restarted with new prices one after the other: what an old one measures is no evidence on a new one, nor the other way round.</summary>
    [Fact]
    public async Task Evidence_MeasuredAtOtherPrices_WaitsUntilItsPartitionHasThem()
    {
        const int users = 40;
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        (await HeardAsync(cluster, fixture)).ShouldBe(0); // every partition is on the old silo
        fixture.Served = WithOtherPrices();
        var old = cluster.Silos.Single();
        var restarted = await cluster.StartAdditionalSiloAsync();
        await TellAsync(old, ClusterFixture.Pool, from: 0);
        (await HeardAsync(cluster, fixture)).ShouldBe(users);

        var told = await TellAsync(restarted, fixture.Served, from: users);

        (await HeardAsync(cluster, fixture)).ShouldBe(users);
        await told.FlushAsync();
        (await HeardAsync(cluster, fixture)).ShouldBe(users);
        await cluster.StopSiloAsync(old);
        await told.FlushAsync();
        (await HeardAsync(cluster, fixture, restarted)).ShouldBe(users); // others: the partitions moved, and what those of the old silo saved is of other prices

        async Task<CohortReporter> TellAsync(InProcessSiloHandle silo, RoutingPool pool, int from)
        {
            var (random, reporter) = (new Random(from), silo.ServiceProvider.GetRequiredService<CohortReporter>());
            for (var u = from; u < from + users; u++)
            {
                reporter.Report(WindowSample.Rank((ulong)u), new UserModel(pool, UserState.Read(Population.Record(pool, 1, 12, random))), default);
            }

            await reporter.FlushAsync();
            return reporter;
        }
    }

    /// <summary>A partition that is active twice, as while membership changes: what was not written must not count as saved.</summary>
    [Fact]
    public async Task Evidence_WhereAnotherActivationWroteFirst_IsWrittenAllTheSame()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        await TeachAsync(cluster, "t", Population.Normal, users: 100);
        await cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync();
        await TeachAsync(cluster, "later", Population.Normal, users: 100);
        var store = cluster.Silos.Single().ServiceProvider.GetRequiredService<RecordStore>();
        for (var p = 0; p < fixture.Options.Partitions; p++)
        {
            var id = cluster.Client.GetGrain<ICohortGrain>(p).GetGrainId();
            var (record, etag) = await store.ReadAsync("cohort", id);
            (await store.WriteAsync("cohort", id, record, etag)).ShouldNotBeNull();
        }

        await cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync();
        var heard = await HeardAsync(cluster, fixture);
        await fixture.StopAsync();

        (await HeardAsync(await fixture.StartClusterAsync(), fixture)).ShouldBe(heard);
    }

    /// <summary>A second activation is told of some users alone, and who went there must not come back from here.</summary>
    [Fact]
    public async Task Evidence_ThatAnotherActivationWrote_IsJoinedWithWhatWasReportedHere()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var (cluster, second) = (await fixture.StartClusterAsync(), await fixture.StartClusterAsync());
        await ReportAsync(cluster, spoke: [1, 2], gone: []);
        await SaveAsync(cluster);
        await ReportAsync(second, spoke: [3], gone: [1]);
        await ReportAsync(cluster, spoke: [4], gone: []);
        await SaveAsync(second);

        await SaveAsync(cluster);

        (await StoredAsync(cluster)).Keys.ShouldBe(new ulong[] { 2, 3, 4 }, ignoreOrder: true);
    }

    [Fact]
    public async Task Evidence_OfAPartitionThatBeganWhileTheStoreWasAway_IsJoinedWithWhatTheStoreHas()
    {
        await using var store = await RedisServer.StartAsync();
        await using var fixture = new ClusterFixture(store, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        await ReportAsync(cluster, spoke: [1, 2, 3, 4], gone: []);
        await SaveAsync(cluster);
        await fixture.StopAsync();

        cluster = await fixture.StartClusterAsync();
        store.Kill();
        await ReportAsync(cluster, spoke: [2, 5], gone: [3], steps: 7);
        (await HeardAsync(cluster, fixture)).ShouldBe(2);
        await store.StartAsync();
        await Eventually.TrueAsync(async () => await SaveAsync(cluster).ContinueWith(t => t.IsCompletedSuccessfully, TaskScheduler.Default), TimeSpan.FromSeconds(30));

        var stored = await StoredAsync(cluster);
        stored.Keys.ShouldBe(new ulong[] { 1, 2, 4, 5 }, ignoreOrder: true);
        (stored[1][0], stored[2][0], stored[5][0]).ShouldBe(((byte)0, (byte)7, (byte)7)); // the newer word
        (await HeardAsync(cluster, fixture)).ShouldBe(4);
    }

    /// <summary>An erased user may never be active again.</summary>
    [Fact]
    public async Task Evidence_OfAUserWhoseErasureIsAcknowledged_StaysAwayThoughTheSiloDiesThen()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        await TeachAsync(cluster, "t", Population.Normal, users: 10);
        await cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync();

        await RouterOf(cluster).EraseAsync("t", "user 0");

        await cluster.KillSiloAsync(cluster.Silos.Single());
        await fixture.StopAsync();
        (await HeardAsync(await fixture.StartClusterAsync(), fixture)).ShouldBe(9);
    }

    /// <summary>The user's silo died before the partition answered.</summary>
    [Fact]
    public async Task Evidence_OfAnErasedUserThatCameBackFromTheStore_GoesWhenTheUserIsNextActive()
    {
        var isAway = false;
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System)
        {
            ConfigureSilo = s => s.AddOutgoingGrainCallFilter(call =>
                Volatile.Read(ref isAway) && call.MethodName == nameof(ICohortGrain.ReportAsync) ? Task.Delay(Timeout.Infinite) : call.Invoke()),
        };
        var cluster = await fixture.StartClusterAsync();
        await TeachAsync(cluster, "t", Population.Normal, users: 10);
        await cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync();
        Volatile.Write(ref isAway, true);
        await RouterOf(cluster).EraseAsync("t", "user 0");
        await cluster.KillSiloAsync(cluster.Silos.Single());
        await fixture.StopAsync();
        Volatile.Write(ref isAway, false);
        cluster = await fixture.StartClusterAsync();
        (await HeardAsync(cluster, fixture)).ShouldBe(10);

        await RouterOf(cluster).RouteAsync("t", "user 0", new RouteRequest("Who am I?"));
        await cluster.Silos.Single().ServiceProvider.GetRequiredService<CohortReporter>().FlushAsync();

        (await HeardAsync(cluster, fixture)).ShouldBe(9);
    }

    [Fact]
    public async Task Evidence_ThatCannotBeRead_IsKeptAsideUntilSomebodyGoes()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var store = cluster.Silos.Single().ServiceProvider.GetRequiredService<RecordStore>();
        var partition = cluster.Client.GetGrain<ICohortGrain>(0).GetGrainId();
        byte[] unreadable = [9, 9, 9];
        (await store.WriteAsync("cohort", partition, unreadable, null)).ShouldNotBeNull();

        await ReportAsync(cluster, spoke: [1], gone: []);
        await SaveAsync(cluster);

        (await store.ReadAsync("unreadable-cohort", partition)).Value.ShouldBe(unreadable);
        (await StoredAsync(cluster)).Keys.ShouldBe(new ulong[] { 1 });
        fixture.Errors.ShouldContain(e => e.Contains("set aside", StringComparison.Ordinal));

        await ReportAsync(cluster, spoke: [], gone: [2]); // who may be in it
        await SaveAsync(cluster);
        (await store.ReadAsync("unreadable-cohort", partition)).Value.ShouldBeEmpty();
    }

    [Fact]
    public async Task Evidence_SavedBeforeCatalogsWereNamed_IsRead()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        await TeachAsync(cluster, "t", Population.Normal, users: 100);
        var taught = (await cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync()).Users;
        await fixture.StopAsync();

        cluster = await fixture.StartClusterAsync();
        var store = cluster.Silos.Single().ServiceProvider.GetRequiredService<RecordStore>();
        for (var p = 0; p < fixture.Options.Partitions; p++)
        {
            var id = cluster.Client.GetGrain<ICohortGrain>(p).GetGrainId();
            var (record, etag) = await store.ReadAsync("cohort", id);
            (await store.WriteAsync("cohort", id, [1, record[1], .. record[14..]], etag)).ShouldNotBeNull();
        }

        await TeachAsync(cluster, "other", Population.Normal, users: 1);
        (await cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync()).Users.ShouldBeInRange(taught, taught + 1);
    }

    [Fact]
    public async Task SiloOfTheLearnerDies_TheNextRefreshRunsElsewhereAndMissesNobody()
    {
        await using var fixture = new ClusterFixture(redis.Server, 3, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var learner = cluster.Client.GetGrain<IMetaLearnerGrain>(0);
        await TeachAsync(cluster, "t", Population.Normal, users: 200);
        var report = await learner.RefreshAsync();
        report.Promoted.ShouldBeTrue();
        var home = await cluster.Client.GetGrain<global::Orleans.Runtime.IManagementGrain>(0).GetActivationAddress(learner);

        await cluster.KillSiloAsync(cluster.GetSiloForAddress(home!)!);
        await cluster.WaitForLivenessToStabilizeAsync(didKill: true);

        await TeachAsync(cluster, "later", Population.Normal, users: 20);
        await Eventually.TrueAsync(
            async () => (await learner.RefreshAsync()) is { Users: var users } && users >= report.Users + 10, TimeSpan.FromSeconds(30));
        (await learner.GetHistoryAsync()).ShouldContain(p => p.Version == 1);
        (await cluster.Client.GetGrain<global::Orleans.Runtime.IManagementGrain>(0).GetActivationAddress(learner)).ShouldNotBeNull().ShouldNotBe(home);
    }

    private static RoutingPool WithOtherPrices() => new(
        ClusterFixture.Pool.Snapshot, new Core.Catalog.ModelCatalog(ClusterFixture.Pool.Catalog.Models.Select(m => m with { InputPrice = new(10 * m.InputPrice.Usd), OutputPrice = new(10 * m.OutputPrice.Usd) })));

    /// <summary>How many users' evidence the partitions hold.</summary>
    /// <param name="by">Who asks, else the client, which tries a silo that has just stopped for a moment longer.</param>
    private static async Task<long> HeardAsync(InProcessTestCluster cluster, ClusterFixture fixture, InProcessSiloHandle? by = null)
    {
        var grains = by?.ServiceProvider.GetRequiredService<IGrainFactory>() ?? cluster.Client;
        var prior = PriorJson.Write(ClusterFixture.Pool.Snapshot.Prior);
        var parts = Enumerable.Range(0, fixture.Options.Partitions).SelectMany(p => Enum.GetValues<CohortPart>().Select(part => grains.GetGrain<ICohortGrain>(p).ExpectAsync(prior, part).AsTask()));
        return (await Task.WhenAll(parts)).Sum(a => a.Users);
    }

    /// <summary>Tells the first partition.</summary>
    private static async Task ReportAsync(InProcessTestCluster cluster, ulong[] spoke, ulong[] gone, byte steps = 0)
    {
        var evidence = new byte[spoke.Length * ChoiceModel.Hypotheses];
        Array.Fill(evidence, steps);
        await cluster.Client.GetGrain<ICohortGrain>(0).ReportAsync(new CohortReport(spoke, evidence, gone, new byte[]?[spoke.Length]));
    }

    private static Task<long> SaveAsync(InProcessTestCluster cluster) => cluster.Client.GetGrain<ICohortGrain>(0).SaveAsync().AsTask();

    /// <summary>Who is in the first partition's record, with what they said.</summary>
    private static async Task<Dictionary<ulong, byte[]>> StoredAsync(InProcessTestCluster cluster)
    {
        var (record, _) = await cluster.Silos.Single().ServiceProvider.GetRequiredService<RecordStore>().ReadAsync("cohort", cluster.Client.GetGrain<ICohortGrain>(0).GetGrainId());
        return record[14..].Chunk(sizeof(ulong) + ChoiceModel.Hypotheses).ToDictionary(r => BitConverter.ToUInt64(r), r => r[sizeof(ulong)..]);
    }

    /// <summary>As an application calls the cluster: what a busy silo does not answer in time is asked again.</summary>
    private static ClusterRouter RouterOf(InProcessTestCluster cluster) => cluster.Client.ServiceProvider.GetRequiredService<ClusterRouter>();

    private static IEnumerable<long> Versions(InProcessTestCluster cluster) => cluster.Silos.Select(s => s.ServiceProvider.GetRequiredService<PriorStore>().Version);

    private static async Task TeachAsync(InProcessTestCluster cluster, string tenant, Func<Random, double> logLambda, int users = Teachers)
    {
        var random = new Random(tenant.Length);
        var records = Enumerable.Range(0, users).Select(_ => Population.Record(ClusterFixture.Pool, Math.Exp(logLambda(random)), 20, random)).ToArray();
        await Task.WhenAll(records.Select((r, i) => RouterOf(cluster).ImportAsync(tenant, $"user {i}", r).AsTask()));
        foreach (var silo in cluster.Silos)
        {
            await silo.ServiceProvider.GetRequiredService<CohortReporter>().FlushAsync();
        }
    }

    /// <summary>Mean regret of the first ten requests of 60 users nobody has met.</summary>
    private static async Task<double> FirstTenAsync(InProcessTestCluster cluster, string tenant, Func<Random, double> logLambda)
    {
        var random = new Random(7);
        var lambdas = Enumerable.Range(0, 60).Select(_ => Math.Exp(logLambda(random))).ToArray();
        var regrets = await Task.WhenAll(lambdas.SelectMany((lambda, u) => Enumerable.Range(0, 10).Select(async r =>
            Population.Regret(
                await RouterOf(cluster).RouteAsync(tenant, $"user {u}", new RouteRequest($"Question {r}: solve for x and explain step {u % 5}.") { MayExplore = false }),
                lambda, ClusterFixture.Pool))));
        return regrets.Average();
    }
}
