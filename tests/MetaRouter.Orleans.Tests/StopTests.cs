using System.Diagnostics;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Learning;
using MetaRouter.Orleans.Learning;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace MetaRouter.Orleans.Tests;

/// <summary>Silos that are asked to stop, as an operator's restart does.</summary>
public sealed class StopTests(OneRedis redis) : IClassFixture<OneRedis>
{
    private const int Partitions = 4;

    /// <summary>Not much more than what it may take to tell the partitions, twice, and to save them.</summary>
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(25);

    [Fact]
    public async Task Stop_WhatUsersTaughtAndErasedInTheLastSeconds_IsInThePartitions()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        await ImportAsync(cluster, 10);
        await cluster.Client.GetUserRouter("t", "user 0").EraseAsync();
        await fixture.StopAsync();

        (await HeardAsync(await fixture.StartClusterAsync())).ShouldBe(9);
    }

    [Fact]
    public async Task Stop_PartitionThatWasToldSinceItWasSaved_IsSaved()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        await cluster.Client.GetGrain<ICohortGrain>(0).ReportAsync(new CohortReport([1, 2], new byte[2 * ChoiceModel.Hypotheses], [], [null, null]));
        await fixture.StopAsync();

        (await HeardAsync(await fixture.StartClusterAsync())).ShouldBe(2);
    }

    /// <summary>Requests in hand are answered while the silo drains, after it told the partitions for the first time.</summary>
    [Fact]
    public async Task Stop_WhatUsersSayWhileTheyArePutAway_IsToldToTheSilosThatStay()
    {
        await using var fixture = new ClusterFixture(redis.Server, 2, TimeProvider.System)
        {
            ConfigureSilo = s => s.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(p => new AtStop(() =>
                p.GetRequiredService<CohortReporter>().Report(7, new UserModel(ClusterFixture.Pool, UserState.Read(Population.Record(ClusterFixture.Pool, 1, 12, new Random(1)))), default))),
        };
        var cluster = await fixture.StartClusterAsync();

        await cluster.StopSiloAsync(cluster.Silos[1]);

        (await HeardAsync(cluster)).ShouldBe(1);
    }

    [Fact]
    public async Task Stop_DecisionsTakenWhileUsersArePutAway_AreLogged()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System)
        {
            ConfigureSilo = s => s.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(p => new AtStop(() =>
            {
                var router = p.GetRequiredService<SiloRouter>();
                router.Decide(router.Pool.Newcomer, new RouteRequest("Still there?"), router.Moment(default, 0));
            })),
        };
        await fixture.StartClusterAsync();
        await fixture.StopAsync();

        (await fixture.ReadDecisionLogAsync()).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Stop_StoreThatDoesNotAnswer_IsNotWaitedForLong()
    {
        await using var store = await RedisServer.StartAsync();
        await using var fixture = new ClusterFixture(store, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        await ImportAsync(cluster, 10);
        await cluster.Silos[0].ServiceProvider.GetRequiredService<CohortReporter>().FlushAsync();
        store.Pause();
        try
        {
            var asked = Stopwatch.StartNew();
            await cluster.StopSiloAsync(cluster.Silos[0]);

            asked.Elapsed.ShouldBeLessThan(s_soon);
            fixture.Errors.ShouldContain(e => e.Contains("was deactivated before what", StringComparison.Ordinal));
        }
        finally
        {
            store.Resume();
        }
    }

    [Fact]
    public async Task Stop_PartitionThatDoesNotAnswer_IsNotWaitedForLong()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System) { ConfigureSilo = Hold(nameof(ICohortGrain.ReportAsync)) };
        var cluster = await fixture.StartClusterAsync();
        await ImportAsync(cluster, 1);
        _ = cluster.Silos[0].ServiceProvider.GetRequiredService<CohortReporter>().FlushAsync();
        var asked = Stopwatch.StartNew();

        await cluster.StopSiloAsync(cluster.Silos[0]);

        asked.Elapsed.ShouldBeLessThan(s_soon);
    }

    [Fact]
    public async Task Stop_WhileARefreshWaitsForAPartition_IsNotWaitedForAndTheCallerIsTold()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System) { ConfigureSilo = Hold(nameof(ICohortGrain.ExpectAsync)) };
        var cluster = await fixture.StartClusterAsync();
        await ImportAsync(cluster, 40);
        var refresh = cluster.Client.GetGrain<IMetaLearnerGrain>(0).RefreshAsync().AsTask();
        await Task.Delay(TimeSpan.FromSeconds(1));
        refresh.IsCompleted.ShouldBeFalse();
        var asked = Stopwatch.StartNew();

        await cluster.StopSiloAsync(cluster.Silos[0]);

        asked.Elapsed.ShouldBeLessThan(s_soon);
        (await refresh.ShouldThrowAsync<RouterStoreException>()).Message.ShouldContain("asked to stop");
    }

    private static Action<ISiloBuilder> Hold(string method) => s => s.AddOutgoingGrainCallFilter(async call =>
    {
        if (call.MethodName == method)
        {
            await Task.Delay(Timeout.Infinite);
        }

        await call.Invoke();
    });

    private static async Task ImportAsync(InProcessTestCluster cluster, int users)
    {
        var random = new Random(1);
        for (var i = 0; i < users; i++)
        {
            await cluster.Client.GetUserRouter("t", $"user {i}").ImportAsync(Population.Record(ClusterFixture.Pool, 1, 12, random));
        }
    }

    private static async Task<long> HeardAsync(InProcessTestCluster cluster)
    {
        var prior = PriorJson.Write(ClusterFixture.Pool.Snapshot.Prior);
        var parts = Enumerable.Range(0, Partitions).SelectMany(p => Enum.GetValues<CohortPart>().Select(part => cluster.Client.GetGrain<ICohortGrain>(p).ExpectAsync(prior, part).AsTask()));
        return (await Task.WhenAll(parts)).Sum(a => a.Users);
    }

    /// <summary>Does something at the moment when the silo's grains are put away.</summary>
    private sealed class AtStop(Action act) : ILifecycleParticipant<ISiloLifecycle>
    {
        public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(AtStop), ServiceLifecycleStage.GrainDeactivation, _ => Task.CompletedTask, _ =>
        {
            act();
            return Task.CompletedTask;
        });
    }
}
