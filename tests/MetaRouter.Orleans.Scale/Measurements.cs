using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Orleans.Learning;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Serialization;
using Orleans.TestingHost;

namespace MetaRouter.Orleans.Scale;

internal static class Measurements
{
    private const int Models = 8;
    private const int Users = 2_000;
    private const int Decisions = 10_000;
    private const int InFlight = 16;
    private const int Evidence = 1_000_000;
    private const int Batch = 1_000;

    private static readonly RoutingPool Pool = new(Snapshot.Default, new ModelCatalog(Snapshot.Default.Models.Take(Models)));
    private static readonly RoutingPolicy Policy = new(new ReceiptSealer([new ReceiptKey(1, new byte[32])]), new Guardrails(), new ExplorationPolicy());
    private static readonly int[] PromptWords = [8, 150, 1_500];
    private static readonly int[] Windows = [1, 20, 64];

    public static async Task<Measured> RunAsync()
    {
        await using var redis = await MeasuredRedis.StartAsync();
        var runs = new List<ClusterRun>();
        foreach (short silos in new short[] { 1, 2, 3 })
        {
            await using var cluster = await StartAsync(redis, silos, partitions: 4);
            runs.Add(await RoutesAsync(cluster, silos));
            await cluster.StopAllSilosAsync();
        }

        await using var one = await StartAsync(redis, 1, partitions: 32);
        var (stored, work) = await StoreAsync(one, redis);
        var measured = new Measured { Sizes = Sizes(), Runs = runs, Stored = stored, Redis = work, Learner = await LearnAsync(one) };
        await one.StopAllSilosAsync();
        return measured;
    }

    private static string Prompt(int words, int seed)
    {
        string[] some = [.. "the model of a request should explain how every number in this long table was made and why it differs from last year so that a reader may follow each step".Split(' ')];
        return string.Join(' ', Enumerable.Range(0, words).Select(w => some[((seed * 31) + (w * w * 7) + w) % some.Length]));
    }

    private static List<(int, int, int)> Sizes()
    {
        using var services = new ServiceCollection().AddSerializer().BuildServiceProvider();
        var serializer = services.GetRequiredService<Serializer>();
        return [.. PromptWords.Select(words =>
        {
            var request = new RouteRequest(Prompt(words, 1));
            var decision = new UserModel(Pool, UserState.Empty).Decide(request, Policy, Moment(1), new RequestEncoding());
            return (request.Text.Length, serializer.SerializeToArray(request).Length, serializer.SerializeToArray(decision).Length);
        })];
    }

    private static async Task<InProcessTestCluster> StartAsync(MeasuredRedis redis, short silos, int partitions)
    {
        var service = $"scale-{silos}-{partitions}";
        var options = new MetaRouterClusterOptions { Redis = redis.Address, ServiceId = service, ClusterId = service, Partitions = partitions, SnapshotSeconds = 600 };
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ServiceId = service;
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddLogging(l => l.ClearProviders());
            silo.Services.AddSingleton(new PoolHolder(Pool));
            silo.Services.Configure<MetaRouterOptions>(o => (o.RefreshSeconds, o.RefreshUsers) = (0, 2 * Evidence));
            silo.AddMetaRouter(options);
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return cluster;
    }

    private static async Task<ClusterRun> RoutesAsync(InProcessTestCluster cluster, int silos)
    {
        using var traffic = new Traffic();
        string[] prompts = [.. Enumerable.Range(0, 64).Select(i => Prompt(PromptWords[1], i))];
        var others = cluster.Silos.Select(s => cluster.GetSiloServiceProvider(s.SiloAddress).GetRequiredService<IGrainFactory>()).ToArray();

        // Orleans may bring a user up on the silo that the first call arrives at, which is where this client sends its next one too.
        await EachAsync(Decisions, i => RouteAsync(cluster.Client, "mine", i));
        var before = traffic.Now;
        await EachAsync(Decisions, i => RouteAsync(cluster.Client, "mine", i));
        var mine = traffic.Now.BetweenSilos - before.BetweenSilos;

        // Users that others brought up, anywhere: what one of many clients meets.
        await EachAsync(Users, i => RouteAsync(others[i % others.Length], "anybody", i));
        await EachAsync(Decisions, i => RouteAsync(cluster.Client, "anybody", i));
        (before, var cpu) = (traffic.Now, Environment.CpuUsage.TotalTime);
        await EachAsync(Decisions, i => RouteAsync(cluster.Client, "anybody", i));
        var after = traffic.Now;
        return new ClusterRun(
            silos,
            (after.Messages - before.Messages) / (double)Decisions,
            (after.BetweenSilos - before.BetweenSilos) / (double)Decisions,
            mine / (double)Decisions,
            (after.Bytes - before.Bytes) / (double)Decisions,
            (Environment.CpuUsage.TotalTime - cpu).TotalSeconds / Decisions);

        async Task RouteAsync(IGrainFactory grains, string tenant, int i) => await grains.GetUserRouter(tenant, $"u{i % Users}").RouteAsync(new RouteRequest(prompts[i % prompts.Length]));
    }

    /// <summary>Users whose windows hold so many signals, written through Orleans' provider by importing their records.</summary>
    private static async Task<(List<StoredUser>, RedisWork)> StoreAsync(InProcessTestCluster cluster, MeasuredRedis redis)
    {
        var stored = new List<StoredUser>();
        var (writes, reads) = (0.0, 0.0);
        foreach (var signals in Windows)
        {
            var tenant = $"w{signals}";
            var record = Spoken(signals).State.ToBytes();
            await EachAsync(Users / 10, i => User(-1 - i).ImportAsync(record).AsTask()); // warm

            // Read first, which is what a decision for a user out of memory does.
            var cpu = await redis.CpuAsync();
            await EachAsync(Users, async i => await User(i).ExportAsync());
            reads = (await redis.CpuAsync() - cpu) / Users;
            (cpu, var log) = (await redis.CpuAsync(), await redis.InfoAsync("persistence", "aof_current_size"));
            await EachAsync(Users, i => User(i).ImportAsync(record).AsTask());
            writes = (await redis.CpuAsync() - cpu) / Users;
            log = await redis.InfoAsync("persistence", "aof_current_size") - log;
            var usage = 0.0;
            for (var i = 0; i < Users; i++)
            {
                usage += (double)await redis.Database.ExecuteAsync("MEMORY", "USAGE", $"scale-1-32:user:{UserRouterGrainExtensions.KeyOf(tenant, $"u{i}")}");
            }

            stored.Add(new StoredUser(signals, record.Length, usage / Users, log / Users));

            IUserRouterGrain User(int i) => cluster.Client.GetUserRouter(tenant, $"u{i}");
        }

        return (stored, new RedisWork(writes, reads));
    }

    private static async Task<Learning> LearnAsync(InProcessTestCluster cluster)
    {
        // What silos tell the partitions of so many users, of as many kinds as a window has lengths.
        var partitions = new MetaRouterClusterOptions().Partitions;
        byte[][] evidence = [.. Enumerable.Range(1, UserState.Window).Select(signals =>
        {
            var packed = new byte[ChoiceModel.Hypotheses];
            Cohort.Pack(Spoken(signals).Summarise().LogLikelihood, packed);
            return packed;
        })];
        var silo = cluster.GetSiloServiceProvider(cluster.Silos[0].SiloAddress).GetRequiredService<IGrainFactory>();
        await EachAsync(Evidence / Batch, async i => await silo.GetGrain<ICohortGrain>(i % partitions).ReportAsync(new CohortReport(
            [.. Enumerable.Range(i * Batch, Batch).Select(Mixed)], [.. Enumerable.Range(i, Batch).SelectMany(u => evidence[u % evidence.Length])], [], new byte[]?[Batch])));
        var learner = cluster.Client.GetGrain<IMetaLearnerGrain>(0);
        await learner.RefreshAsync(); // warm
        await silo.GetGrain<ICohortGrain>(0).ReportAsync(new CohortReport([Mixed(Evidence)], evidence[0], [], [null])); // else there is nothing new to learn
        var refresh = await learner.RefreshAsync();
        var published = (await learner.GetHistoryAsync())[0];

        const int Apart = Evidence / 10;
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        var cohort = new Cohort(Apart);
        for (var user = 0; user < Apart; user++)
        {
            cohort.Put(Mixed(user), evidence[user % evidence.Length]);
        }

        memory = GC.GetTotalMemory(forceFullCollection: true) - memory;
        cohort.Expect(PopulationPrior.Default, CohortPart.Taught);
        const int Rounds = 10;
        var cpu = Environment.CpuUsage.TotalTime;
        long users = 0;
        for (var i = 0; i < Rounds; i++)
        {
            users += cohort.Expect(PopulationPrior.Default, CohortPart.Taught).Users;
        }

        return new Learning(
            ChoiceModel.Hypotheses, sizeof(ulong) + ChoiceModel.Hypotheses, memory / (double)Apart, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds / users, ChoiceModel.Hypotheses * sizeof(double),
            published.Prior.Length, 20 * JsonSerializer.SerializeToUtf8Bytes(published).Length, partitions, refresh.Users, refresh.Steps, refresh.Elapsed.TotalSeconds, refresh.OwnWork.TotalSeconds);

        static ulong Mixed(int user) => (ulong)(user + 1) * 0x9E3779B97F4A7C15;
    }

    private static UserModel Spoken(int signals)
    {
        var (user, scratch) = (new UserModel(Pool, UserState.Empty), new RequestEncoding());
        for (var i = 0; i < signals; i++)
        {
            var decision = user.Decide(new RouteRequest(Prompt(60, i)), Policy, Moment(i), scratch);
            user = user.Learn(decision.Receipt, FeedbackKind.Thumb, (byte)(i % 3 == 0 ? 0 : 1), Moment(i).TimeMs + 5_000, false, out _);
        }

        return user;
    }

    private static DecisionMoment Moment(int i) => new(1, 2, 1_700_000_000_000 + (i * 60_000L), (uint)i & SignalKey.MaxNonce, 0.5);

    private static async Task EachAsync(int count, Func<int, Task> work) => await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = InFlight }, async (i, _) => await work(i));
}
