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
                reporter.Report((ulong)(i % 10), s_newcomer);
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
        reporter.Report(Taught, s_taught);
        await reporter.FlushAsync();
        (await partition.SaveAsync()).ShouldBe(before);

        reporter.Report(Taught, s_taught);
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
        reporter.Report(Taught, s_taught);
        await reporter.FlushAsync();
        (await HeardAsync(cluster)).ShouldBe(1);

        Fill(reporter, Holds);
        reporter.Report(Taught, isWithdrawn ? new UserModel(ClusterFixture.Pool, UserState.Empty.Add(s_taught.State.Signals[0] with { Withdrawn = true })) : s_newcomer);
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
        reporter.Report(Taught, s_taught);
        var slow = reporter.FlushAsync();
        await arrived.Task;

        reporter.Report(Taught, s_newcomer);
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
            reporter.Report((ulong)user, s_taught);
        }

        await flush;
        reporter.Waiting.ShouldBeInRange(Holds, Holds + 10); // two at a time may see room for one
    }

    /// <summary>How many users' evidence the partition of the one who taught holds.</summary>
    private static async Task<long> HeardAsync(InProcessTestCluster cluster)
    {
        var partition = cluster.Client.GetGrain<ICohortGrain>((long)((Taught >> 8) % (ulong)cluster.Silos[0].ServiceProvider.GetRequiredService<MetaRouterClusterOptions>().Partitions));
        var prior = PriorJson.Write(ClusterFixture.Pool.Snapshot.Prior);
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
            reporter.Report((ulong)i, who ?? s_newcomer);
        }
    }
}
