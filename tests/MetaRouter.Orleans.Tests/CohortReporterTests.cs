using System.Collections.Concurrent;
using System.Diagnostics;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.Orleans.Learning;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.TestingHost;

namespace MetaRouter.Orleans.Tests;

public sealed class CohortReporterTests(OneRedis redis) : IClassFixture<OneRedis>
{
    private const int Holds = 200_000;
    private const ulong Taught = ulong.MaxValue;

    private static readonly UserModel s_newcomer = new(ClusterFixture.Pool, UserState.Empty);
    private static readonly UserModel s_taught = new(ClusterFixture.Pool, UserState.Read(Population.Record(ClusterFixture.Pool, 1, 12, new Random(1))));

    [Fact]
    public void Report_ManyWait_TakesNoLongerThanWhereFewDo()
    {
        var (few, many) = (WithWaiting(10), WithWaiting(100_000));
        var (ofFew, ofMany) = (double.MaxValue, double.MaxValue);
        for (var round = 0; round < 10; round++)
        {
            (ofFew, ofMany) = (Math.Min(ofFew, Time(few)), Math.Min(ofMany, Time(many)));
        }

        ofMany.ShouldBeLessThan(20 * ofFew); // of caches alone some times as long; to count them, a hundred

        static double Time(CohortReporter reporter)
        {
            var started = Stopwatch.GetTimestamp();
            for (var i = 0; i < 1_000; i++)
            {
                reporter.Report((ulong)(i % 10), s_newcomer, default);
            }

            return Stopwatch.GetElapsedTime(started).TotalMicroseconds;
        }
    }

    [Fact]
    public async Task Report_AsManyWaitAsItHolds_TakesNobodyElseUntilItHasSent()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var reporter = new CohortReporter(cluster.Silos[0].ServiceProvider.GetRequiredService<IGrainFactory>(), new PoolHolder(ClusterFixture.Pool), fixture.Options, NullLogger<CohortReporter>.Instance);
        var partition = cluster.Client.GetGrain<ICohortGrain>((long)((Taught >> 8) % (ulong)fixture.Options.Partitions));
        var before = await partition.SaveAsync();

        Fill(reporter, Holds); // with users who taught nothing, which changes nothing there
        reporter.Report(Taught, s_taught, default);
        await reporter.FlushAsync();
        (await partition.SaveAsync()).ShouldBe(before);

        reporter.Report(Taught, s_taught, default);
        await reporter.FlushAsync();
        (await partition.SaveAsync()).ShouldNotBe(before);
    }

    /// <summary>Erased, or all of it withdrawn.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Report_UserWhoIsGone_IsTakenThoughAsManyWaitAsItHolds(bool isWithdrawn)
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var reporter = cluster.Silos[0].ServiceProvider.GetRequiredService<CohortReporter>();
        reporter.Report(Taught, s_taught, default);
        await reporter.FlushAsync();
        (await HeardAsync(cluster)).ShouldBe(1);

        Fill(reporter, Holds);
        reporter.Report(Taught, isWithdrawn ? new UserModel(ClusterFixture.Pool, UserState.Empty.Add(s_taught.State.Signals[0] with { Withdrawn = true })) : s_newcomer, default);
        await reporter.FlushAsync();
        (await HeardAsync(cluster)).ShouldBe(0);
    }

    [Fact]
    public async Task Flush_WordThatCannotBeSent_StaysAwayOnceItsUserIsGone()
    {
        var (reports, arrived, letGo) = (0, new TaskCompletionSource(), new TaskCompletionSource());
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System)
        {
            ConfigureSilo = s => s.AddOutgoingGrainCallFilter(async call =>
            {
                if (call.MethodName == nameof(ICohortGrain.ReportAsync) && Interlocked.Increment(ref reports) == 1)
                {
                    arrived.SetResult();
                    await letGo.Task;
                    throw new TimeoutException("The silo is slow.");
                }

                await call.Invoke();
            }),
        };
        var cluster = await fixture.StartClusterAsync();
        var reporter = cluster.Silos[0].ServiceProvider.GetRequiredService<CohortReporter>();
        reporter.Report(Taught, s_taught, default);
        var slow = reporter.FlushAsync();
        await arrived.Task;

        reporter.Report(Taught, s_newcomer, default);
        var next = reporter.FlushAsync();
        await Task.WhenAny(next, Task.Delay(TimeSpan.FromSeconds(1)));
        letGo.SetResult();
        await Task.WhenAll(slow, next);
        await reporter.FlushAsync();

        (await HeardAsync(cluster)).ShouldBe(0);
    }

    [Fact]
    public async Task Flush_ManyWait_TellsAPartitionOneReportAfterTheOther()
    {
        var (now, most) = (new ConcurrentDictionary<GrainId, int>(), new ConcurrentBag<int>());
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System)
        {
            ConfigureSilo = s => s.AddOutgoingGrainCallFilter(async call =>
            {
                if (call.MethodName != nameof(ICohortGrain.ReportAsync))
                {
                    await call.Invoke();
                    return;
                }

                most.Add(now.AddOrUpdate(call.TargetId, 1, (_, n) => n + 1));
                await call.Invoke();
                now.AddOrUpdate(call.TargetId, 0, (_, n) => n - 1);
            }),
        };
        var cluster = await fixture.StartClusterAsync();
        var reporter = cluster.Silos[0].ServiceProvider.GetRequiredService<CohortReporter>();
        Fill(reporter, 10_000);
        await reporter.FlushAsync();

        most.Count.ShouldBeGreaterThan(fixture.Options.Partitions);
        most.Max().ShouldBe(1);
    }

    [Fact]
    public async Task Flush_ThatFailsWhileOthersSpeak_HoldsNoMoreThanBefore()
    {
        var reporter = WithWaiting(Holds, s_taught); // nobody can be reached
        var flush = Task.Run(reporter.FlushAsync);
        for (var user = Holds; !flush.IsCompleted; user++)
        {
            reporter.Report((ulong)user, s_taught, default);
        }

        await flush;
        reporter.Waiting.ShouldBeInRange(Holds, Holds + 10); // two at a time may see room for one
    }

    /// <summary>As after a network that was cut: one silo holds what the user taught, on another the user went meanwhile.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Flush_OldWordOfAnotherSilo_DoesNotBringBackWhoWentSince(bool isWithdrawn)
    {
        await using var fixture = new ClusterFixture(redis.Server, 2, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var (cut, other) = (ReporterOf(cluster.Silos[0]), ReporterOf(cluster.Silos[1]));
        var taught = new ReportTime(0, now - 20_000);
        cut.Report(Taught, s_taught, taught);
        other.Report(Taught, s_taught, taught with { AtMs = taught.AtMs + 1 });
        await other.FlushAsync();
        (await HeardAsync(cluster)).ShouldBe(1);
        var gone = new ReportTime(isWithdrawn ? 0 : now - 10_000, now - 10_000);
        other.Report(Taught, isWithdrawn ? new UserModel(ClusterFixture.Pool, UserState.Empty.Add(s_taught.State.Signals[0] with { Withdrawn = true })) : s_newcomer, gone);
        await other.FlushAsync();
        (await HeardAsync(cluster)).ShouldBe(0);

        await cut.FlushAsync();
        (await HeardAsync(cluster)).ShouldBe(0);

        // Nor does it when the partition lives elsewhere; and who speaks again is heard.
        await fixture.StopAsync();
        cluster = await fixture.StartClusterAsync();
        cut = ReporterOf(cluster.Silos[0]);
        cut.Report(Taught, s_taught, taught);
        await cut.FlushAsync();
        (await HeardAsync(cluster)).ShouldBe(0);
        cut.Report(Taught, s_taught, gone with { AtMs = now });
        await cut.FlushAsync();
        (await HeardAsync(cluster)).ShouldBe(1);
    }

    /// <summary>Clocks of silos differ: an erasure's order is the record's own.</summary>
    [Fact]
    public async Task Flush_OldWordOfASiloWhoseClockRunsFast_DoesNotUndoAnErasure()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var (now, reporter) = (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), ReporterOf(cluster.Silos[0]));
        reporter.Report(Taught, s_newcomer, new ReportTime(now, now));
        await reporter.FlushAsync();

        reporter.Report(Taught, s_taught, new ReportTime(now - 5_000, now + 60_000));
        await reporter.FlushAsync();

        (await HeardAsync(cluster)).ShouldBe(0);
    }

    [Fact]
    public async Task Report_OlderWordThanTheOneThatWaits_IsLeftOut()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var (now, reporter) = (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), ReporterOf(cluster.Silos[0]));
        reporter.Report(Taught, s_newcomer, new ReportTime(now, now));
        reporter.Report(Taught, s_taught, new ReportTime(0, now));
        await reporter.FlushAsync();

        (await HeardAsync(cluster)).ShouldBe(0);
    }

    /// <summary>A silo of an earlier version sends words without times.</summary>
    [Fact]
    public async Task Report_WithoutTimes_IsTakenUnlessItsUserIsGone()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var partition = cluster.Client.GetGrain<ICohortGrain>(0);
        var (now, evidence) = (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), new byte[2 * MetaRouter.Core.Preferences.ChoiceModel.Hypotheses]);
        await partition.ReportAsync(new CohortReport([], [], [1], [], GoneTimes: [new ReportTime(now, now)]));

        await partition.ReportAsync(new CohortReport([1, 2], evidence, [], [null, null]));

        var prior = PriorJson.Write(ClusterFixture.Pool.Snapshot.Prior);
        ((await partition.ExpectAsync(prior, CohortPart.Taught)).Users + (await partition.ExpectAsync(prior, CohortPart.HeldOut)).Users).ShouldBe(1);
    }

    /// <summary>Nobody tells a partition a second time of an erasure that it took.</summary>
    [Fact]
    public async Task Flush_ErasureThatAPartitionTook_SurvivesTheDeathOfItsSilo()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var (now, reporter) = (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), ReporterOf(cluster.Silos[0]));
        reporter.Report(Taught, s_taught, new ReportTime(0, now));
        await reporter.FlushAsync();
        await PartitionOf(cluster).SaveAsync();
        reporter.Report(Taught, s_newcomer, new ReportTime(now + 1, now + 1));
        await reporter.FlushAsync();

        await cluster.KillSiloAsync(cluster.Silos[0]);

        (await HeardAsync(await fixture.StartClusterAsync())).ShouldBe(0);
    }

    [Fact]
    public async Task Flush_ErasureThatCannotBeWritten_WaitsUntilItCan()
    {
        await using var store = await RedisServer.StartAsync();
        await using var fixture = new ClusterFixture(store, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var (now, reporter) = (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), ReporterOf(cluster.Silos[0]));
        reporter.Report(Taught, s_taught, new ReportTime(0, now));
        await reporter.FlushAsync();
        store.Kill();
        reporter.Report(Taught, s_newcomer, new ReportTime(now + 1, now + 1));
        await reporter.FlushAsync();
        reporter.Waiting.ShouldBe(1);

        await store.StartAsync();
        await Eventually.TrueAsync(
            async () =>
            {
                await reporter.FlushAsync();
                return reporter.Waiting == 0;
            },
            TimeSpan.FromSeconds(30));
        await cluster.KillSiloAsync(cluster.Silos[0]);
        (await HeardAsync(await fixture.StartClusterAsync())).ShouldBe(0);
    }

    private static CohortReporter ReporterOf(InProcessSiloHandle silo) => silo.ServiceProvider.GetRequiredService<CohortReporter>();

    private static ICohortGrain PartitionOf(InProcessTestCluster cluster) =>
        cluster.Client.GetGrain<ICohortGrain>((long)((Taught >> 8) % (ulong)cluster.Silos[0].ServiceProvider.GetRequiredService<MetaRouterClusterOptions>().Partitions));

    /// <summary>How many users' evidence the partition of the one who taught holds.</summary>
    private static async Task<long> HeardAsync(InProcessTestCluster cluster)
    {
        var (partition, prior) = (PartitionOf(cluster), PriorJson.Write(ClusterFixture.Pool.Snapshot.Prior));
        return (await partition.ExpectAsync(prior, CohortPart.Taught)).Users + (await partition.ExpectAsync(prior, CohortPart.HeldOut)).Users;
    }

    private static CohortReporter WithWaiting(int users, UserModel? who = null)
    {
        var reporter = new CohortReporter(null!, new PoolHolder(ClusterFixture.Pool), new MetaRouterClusterOptions(), NullLogger<CohortReporter>.Instance);
        Fill(reporter, users, who);
        return reporter;
    }

    private static void Fill(CohortReporter reporter, int users, UserModel? who = null)
    {
        for (var i = 0; i < users; i++)
        {
            reporter.Report((ulong)i, who ?? s_newcomer, default);
        }
    }
}
