using System.Text;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.Orleans.Learning;
using MetaRouter.Orleans.Snapshots;
using MetaRouter.Orleans.Storage;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;

namespace MetaRouter.Orleans.Tests;

/// <summary>The record of published priors, torn, of a later version, put back to an earlier day, or published by somebody else.</summary>
public sealed class PriorHistoryTests(OneRedis redis) : IClassFixture<OneRedis>
{
    private static readonly GrainId s_id = GrainId.Create("metarouter-shared", "0");

    [Theory]
    [InlineData("[{\"Version\":1,\"AtMs\":17000")]
    [InlineData("{\"Format\":2,\"Priors\":[]}")]
    [InlineData("[null]")]
    [InlineData("[{\"Number\":7}]")]
    public async Task History_ThatCannotBeRead_IsKeptAsideWhenTheNextIsPublished(string text)
    {
        await using var fixture = new ClusterFixture(redis.Server, 2, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var (learner, store) = (cluster.Client.GetGrain<IMetaLearnerGrain>(0), StoreOf(cluster));
        await TeachAsync(cluster, "t", 0);
        (await learner.RefreshAsync()).Promoted.ShouldBeTrue();
        var unreadable = Encoding.UTF8.GetBytes(text);
        var etag = await store.WriteAsync("priors", s_id, unreadable, (await store.ReadAsync("priors", s_id)).Etag);
        await Task.Delay(TimeSpan.FromSeconds(2.5)); // every silo looks each second

        // Nobody puts anything in its place but who publishes; what was in service stays.
        (await store.ReadAsync("priors", s_id)).Value.ShouldBe(unreadable);
        Shared(cluster).ShouldAllBe(s => s.Version == 1);
        await Eventually.TrueAsync(() => Shared(cluster).All(s => s.Staleness < TimeSpan.FromSeconds(2)), TimeSpan.FromSeconds(15)); // a look waits a second for a learner that is busy
        fixture.Errors.Count(e => e.Contains("cannot be read; what was in service stays", StringComparison.Ordinal)).ShouldBe(2); // once a silo

        await TeachAsync(cluster, "later", 1.5);
        (await learner.RefreshAsync()).Promoted.ShouldBeTrue();

        (await store.ReadAsync("unreadable-priors", GrainId.Create("metarouter-shared", etag!))).Value.ShouldBe(unreadable);
        fixture.Errors.ShouldContain(e => e.Contains($"set aside under 'unreadable-priors:{etag}'", StringComparison.Ordinal));
        (await learner.GetHistoryAsync()).Select(p => p.Version).ShouldBe([2]); // as the silos count
        Shared(cluster).ShouldAllBe(s => s.Version == 2);
    }

    [Fact]
    public async Task History_PutBackToAnEarlierDay_IsFollowed()
    {
        await using var fixture = new ClusterFixture(redis.Server, 2, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var (learner, store) = (cluster.Client.GetGrain<IMetaLearnerGrain>(0), StoreOf(cluster));
        await TeachAsync(cluster, "t", 0);
        await learner.RefreshAsync();
        var (backup, _) = await store.ReadAsync("priors", s_id);
        var before = Snapshots(cluster).First();
        await TeachAsync(cluster, "later", 1.5);
        (await learner.RefreshAsync()).Promoted.ShouldBeTrue();
        Snapshots(cluster).ShouldAllBe(v => v != before);

        await store.WriteAsync("priors", s_id, backup, (await store.ReadAsync("priors", s_id)).Etag);

        await Eventually.TrueAsync(() => Shared(cluster).All(s => s.Version == 1) && Snapshots(cluster).All(v => v == before), TimeSpan.FromSeconds(15));
    }

    /// <summary>The learner may be active twice while membership changes.</summary>
    [Fact]
    public async Task History_WhereSomebodyWentBackWhileARoundOfTheTimerRan_StaysAsItIs()
    {
        var (isHeld, arrived, letGo) = (false, new TaskCompletionSource(), new TaskCompletionSource());
        var starts = 0;
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System)
        {
            Configure = o => o.RefreshSeconds = Interlocked.Increment(ref starts) == 1 ? 1 : 0,
            ConfigureSilo = s => s.AddOutgoingGrainCallFilter(async call =>
            {
                if (call.MethodName == nameof(ICohortGrain.SpeechAsync) && Volatile.Read(ref isHeld))
                {
                    arrived.TrySetResult();
                    await letGo.Task;
                }

                await call.Invoke();
            }),
        };
        var (cluster, other) = (await fixture.StartClusterAsync(), await fixture.StartClusterAsync());
        var learner = cluster.Client.GetGrain<IMetaLearnerGrain>(0);
        await TeachAsync(cluster, "t", 0);
        await Eventually.TrueAsync(async () => (await learner.GetHistoryAsync()).Count > 0, TimeSpan.FromSeconds(30));
        Volatile.Write(ref isHeld, true);
        await TeachAsync(cluster, "later", 1.5);
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(30));

        var back = await other.Client.GetGrain<IMetaLearnerGrain>(0).RollBackAsync(1);
        letGo.SetResult();
        await Task.Delay(TimeSpan.FromSeconds(3)); // the round ends, and some more would begin

        (await learner.GetHistoryAsync())[0].ShouldSatisfyAllConditions(p => p.Version.ShouldBe(back.Version), p => p.IsHeld.ShouldBeTrue());
    }

    /// <summary>The version stays the same then: whoever hears of new versions alone would show the prior as held for ever.</summary>
    [Fact]
    public async Task Hold_LiftedByARefreshThatPublishesNothing_IsLiftedForWhoFollows()
    {
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System);
        var cluster = await fixture.StartClusterAsync();
        var (priors, learning) = (Shared(cluster).Single(), cluster.Client.ServiceProvider.GetRequiredService<ILearning>());
        await priors.TryPublishAsync([new PublishedPrior(1, 1, 0, double.NaN, double.NaN, PriorJson.Write(priors.Shipped))], await priors.ReadAsync());
        (await learning.RollBackAsync((await learning.HistoryAsync(default)).Single().Version, default)).ShouldBeTrue();
        learning.Serving.IsHeld.ShouldBeTrue();

        (await learning.RefreshAsync(default)).ShouldBeFalse();

        learning.Serving.IsHeld.ShouldBeFalse();
    }

    /// <summary>Gateways show themselves as degraded where nobody answers them.</summary>
    [Fact]
    public async Task Learner_WhileARefreshWaitsForAPartition_AnswersWhoFollows()
    {
        var letGo = new TaskCompletionSource();
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System)
        {
            ConfigureSilo = s => s.AddOutgoingGrainCallFilter(async call =>
            {
                if (call.MethodName == nameof(ICohortGrain.SaveAsync))
                {
                    await letGo.Task;
                }

                await call.Invoke();
            }),
        };
        var cluster = await fixture.StartClusterAsync();
        var learner = cluster.Client.GetGrain<IMetaLearnerGrain>(0);
        await learner.WakeAsync();
        var refresh = learner.RefreshAsync().AsTask();
        await Task.Delay(TimeSpan.FromSeconds(1));

        await Task.WhenAll(learner.WakeAsync().AsTask(), learner.GetPublishedAsync(0).AsTask(), learner.GetHistoryAsync().AsTask()).WaitAsync(TimeSpan.FromSeconds(10));

        refresh.IsCompleted.ShouldBeFalse();
        letGo.SetResult();
        await refresh;
    }

    private static RecordStore StoreOf(InProcessTestCluster cluster) => cluster.Silos[0].ServiceProvider.GetRequiredService<RecordStore>();

    private static IEnumerable<PriorStore> Shared(InProcessTestCluster cluster) => cluster.Silos.Select(s => s.ServiceProvider.GetRequiredService<PriorStore>());

    private static IEnumerable<ulong> Snapshots(InProcessTestCluster cluster) => cluster.Silos.Select(s => s.ServiceProvider.GetRequiredService<PoolHolder>().Current.Snapshot.Version);

    private static async Task TeachAsync(InProcessTestCluster cluster, string tenant, double mean)
    {
        var random = new Random(tenant.Length);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i =>
            cluster.Client.ServiceProvider.GetRequiredService<Client.ClusterRouter>().ImportAsync(tenant, $"user {i}", Population.Record(ClusterFixture.Pool, Math.Exp(mean + (0.3 * Population.Normal(random))), 20, random)).AsTask()));
        foreach (var silo in cluster.Silos)
        {
            await silo.ServiceProvider.GetRequiredService<CohortReporter>().FlushAsync();
        }
    }
}
