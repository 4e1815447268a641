using System.Collections.Concurrent;
using System.Diagnostics;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.Hosting.Stores;
using MetaRouter.Orleans.Client;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace MetaRouter.Orleans.Tests;

/// <summary>Silos and Redis as processes, killed under load: what was acknowledged stays, once, and the beliefs are those of a run without the fault.</summary>
public sealed class FaultTests
{
    private const int Users = 60;
    private const int SignalsEach = 40;
    private static readonly byte[] Keys = [.. Enumerable.Range(0, RouterSecrets.Bytes).Select(i => (byte)(i * 3))];

    [Fact]
    public async Task KillOneOfThreeSilos_LosesNothingAndFailsOnlyForAMoment()
    {
        await using var redis = await RedisServer.StartAsync();
        var options = await PrepareAsync(redis);
        await using var first = await SiloProcess.StartAsync(options);
        await using var second = await SiloProcess.StartAsync(options);
        await using var third = await SiloProcess.StartAsync(options);
        await Task.WhenAll(first.ReadyAsync(), second.ReadyAsync(), third.ReadyAsync());
        using var client = await ClusterClient.ConnectAsync(options);

        var run = new Run(client.Services.GetRequiredService<IGrainFactory>());
        var load = run.GoAsync();
        await run.AckedAsync(Users * SignalsEach / 4);
        var at = run.Elapsed;
        load.IsCompleted.ShouldBeFalse();
        second.Kill();
        await load;

        // A call that times out and is answered when it is asked again is a busy machine's, and no client's failure: they ask three times more. Where calls do so before
        // anything was killed, a silo is found dead later too.
        var moment = TimeSpan.FromSeconds(run.Failures.Any(f => f.IsTimeout && f.At < at) ? 30 : 3);
        run.Failures.Where(f => (f.At < at - TimeSpan.FromMilliseconds(100) || f.At > at + moment) && (!f.IsTimeout || f.Try > 3)).Select(f => $"{f.At - at}, try {f.Try}: {f.Why}").ShouldBeEmpty();
        await run.VerifyAsync();
        await client.StopAsync();

        // What is left drains: a clean exit, and the users are still there for the last one.
        (await third.TerminateAsync()).ShouldBe(0);
        using var again = await ClusterClient.ConnectAsync(options);
        await run.VerifyAsync(again.Services.GetRequiredService<IGrainFactory>());
        await again.StopAsync();
    }

    /// <summary>What the router of an application or gateway does about it by itself: calls on their way through the silo that died are made again through the other.</summary>
    [Fact]
    public async Task KillASilo_CallersOfTheRouter_NoticeNothing()
    {
        await using var redis = await RedisServer.StartAsync();
        var options = await PrepareAsync(redis);
        await using var first = await SiloProcess.StartAsync(options);
        await using var second = await SiloProcess.StartAsync(options);
        await Task.WhenAll(first.ReadyAsync(), second.ReadyAsync());
        using var client = await ClusterClient.ConnectAsync(options);
        var router = client.Services.GetRequiredService<ClusterRouter>();
        var (until, calls, failures) = (Stopwatch.StartNew(), 0, new ConcurrentBag<string>());
        var load = Task.WhenAll(Enumerable.Range(0, 16).Select(u => Task.Run(async () =>
        {
            while (until.Elapsed < TimeSpan.FromSeconds(15))
            {
                try
                {
                    var decision = u % 2 == 0 ? await router.RouteAsync("acme", $"user {u}", new RouteRequest("?")) : await router.RouteAnonymousAsync("acme", new RouteRequest("?"));
                    if (u % 2 == 0)
                    {
                        (await router.LearnAsync("acme", $"user {u}", new Feedback(decision.Token, FeedbackKind.Thumb, 1))).Outcome.ShouldNotBeNull();
                    }

                    Interlocked.Increment(ref calls);
                }
                catch (Exception e)
                {
                    failures.Add($"{until.Elapsed}: {e}");
                }

                await Task.Delay(20);
            }
        })));
        await Task.Delay(TimeSpan.FromSeconds(5));
        var before = Volatile.Read(ref calls);
        second.Kill();
        await load;

        failures.ShouldBeEmpty();
        (Volatile.Read(ref calls) - before).ShouldBeGreaterThan(100);
        await client.StopAsync();
    }

    [Fact]
    public async Task KillRedis_RoutingGoesOnAndNothingAcknowledgedIsLost()
    {
        await using var redis = await RedisServer.StartAsync();
        var options = await PrepareAsync(redis);
        await using var silo = await SiloProcess.StartAsync(options);
        await silo.ReadyAsync();
        using var client = await ClusterClient.ConnectAsync(options);
        var router = client.Services.GetRequiredService<ClusterRouter>();

        var run = new Run(client.Services.GetRequiredService<IGrainFactory>());
        var load = run.GoAsync();
        await run.AckedAsync(Users * SignalsEach / 4);
        redis.Kill();
        for (var i = 0; i < 20; i++)
        {
            (await router.RouteAsync("acme", $"user {i}", new RouteRequest("Still there?"))).Propensity.ShouldBeGreaterThan(0);
        }

        (await router.RouteAsync("acme", "never seen", new RouteRequest("And me?"))).Propensity.ShouldBeGreaterThan(0);
        load.IsCompleted.ShouldBeFalse();
        await redis.StartAsync();
        await load;

        await run.VerifyAsync();
        await client.StopAsync();
    }

    /// <summary>It takes connections and answers nothing, as where its disk hangs.</summary>
    [Fact]
    public async Task PauseRedis_RoutingGoesOnAndFeedbackIsRefusedUntilItAnswers()
    {
        await using var redis = await RedisServer.StartAsync();
        var options = await PrepareAsync(redis);
        await using var silo = await SiloProcess.StartAsync(options);
        await silo.ReadyAsync();
        using var client = await ClusterClient.ConnectAsync(options);
        var router = client.Services.GetRequiredService<ClusterRouter>();
        var decision = await router.RouteAsync("acme", "ada", new RouteRequest("?"));
        var feedback = new Feedback(decision.Token, FeedbackKind.Thumb, 1);
        redis.Pause();
        try
        {
            for (var i = 0; i < 20; i++)
            {
                (await router.RouteAsync("acme", "ada", new RouteRequest("Still there?"))).Propensity.ShouldBeGreaterThan(0);
                (await router.RouteAsync("acme", $"never seen {i}", new RouteRequest("And me?"))).Propensity.ShouldBeGreaterThan(0);
            }

            var refused = router.LearnAsync("acme", "ada", feedback).AsTask();
            (await router.RouteAsync("acme", "ada", new RouteRequest("While I say something?"))).Propensity.ShouldBeGreaterThan(0);
            await refused.ShouldThrowAsync<StoreException>();
        }
        finally
        {
            redis.Resume();
        }

        await Eventually.TrueAsync(async () => (await router.LearnAsync("acme", "ada", feedback)).Outcome is AddOutcome.Counted or AddOutcome.Repeat, TimeSpan.FromSeconds(30));
        (await router.GetUserAsync("acme", "ada")).State.Count.ShouldBe(1);
        await client.StopAsync();
    }

    /// <summary>By chance before, while and after it publishes.</summary>
    [Fact]
    public async Task KillTheLearnersSilo_AgainAndAgainAsItPublishes_PriorsGoOnWhole()
    {
        await using var redis = await RedisServer.StartAsync();
        var (options, random) = (await PrepareAsync(redis), new Random(5));
        var silos = new List<SiloProcess>();
        try
        {
            using var client = await StartAsync(2);
            var (router, grains) = (client.Services.GetRequiredService<ClusterRouter>(), client.Services.GetRequiredService<IGrainFactory>());
            var learner = grains.GetGrain<IMetaLearnerGrain>(0);
            var latest = 0L;
            for (var round = 0; round < 3; round++)
            {
                var mean = ((double[])[1.5, -2.5, 0.2])[round]; // each round others: the windows that judge a prior are lost with a silo, and what is only more of the same may not foretell the rest better
                await Task.WhenAll(Enumerable.Range(0, 100).Select(i =>
                    router.ImportAsync("t", $"user {round}-{i}", Population.Record(ClusterFixture.Pool, Math.Exp(mean + (0.3 * Population.Normal(random))), 12, random)).AsTask()));
                await Eventually.TrueAsync(async () => (await learner.GetHistoryAsync()) is [var newest, ..] && newest.Version > latest, TimeSpan.FromSeconds(60));
                _ = learner.RefreshAsync().AsTask().ContinueWith(t => t.Exception, TaskScheduler.Default); // answered or not
                await Task.Delay(random.Next(300));
                var home = await grains.GetGrain<IManagementGrain>(0).GetActivationAddress(learner);
                var dead = silos.Single(s => s.Port == home!.Endpoint.Port);
                await dead.DisposeAsync(); // by SIGKILL
                silos.Remove(dead);
                silos.Add(await StartSiloAsync());
                await silos[^1].ReadyAsync();

                var history = Array.Empty<PublishedPrior>();
                await Eventually.TrueAsync(async () => (history = [.. await learner.GetHistoryAsync()]).Length > 0, TimeSpan.FromSeconds(30));
                history.Select(p => p.Version).ShouldBe(Enumerable.Range(0, history.Length).Select(i => history[0].Version - i)); // each once
                history.Select(p => PriorJson.Read(p.Prior, out var error) is null ? error : "").ShouldAllBe(error => error.Length == 0);
                history[0].Version.ShouldBeGreaterThan(latest);
                latest = history[0].Version;
            }

            await client.StopAsync();
        }
        finally
        {
            foreach (var silo in silos)
            {
                await silo.DisposeAsync();
            }
        }

        Task<SiloProcess> StartSiloAsync() => SiloProcess.StartAsync(options, "--MetaRouter:RefreshSeconds", "1");

        async Task<IHost> StartAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                silos.Add(await StartSiloAsync());
            }

            await Task.WhenAll(silos.Select(s => s.ReadyAsync()));
            return await ClusterClient.ConnectAsync(options);
        }
    }

    private static async Task<MetaRouterClusterOptions> PrepareAsync(RedisServer redis)
    {
        var options = new MetaRouterClusterOptions { Redis = redis.Address, ServiceId = "faults", ClusterId = "faults", SnapshotSeconds = 1, Partitions = 4 };
        await using var records = await ClusterRecords.OpenAsync(redis, options.ServiceId);
        await records.SetSecretsAsync(Keys);
        return options;
    }

    /// <summary>Every user routes and says something, again and again; what fails is sent again until it is acknowledged.</summary>
    private sealed class Run(IGrainFactory grains)
    {
        private readonly ConcurrentDictionary<string, ConcurrentBag<Feedback>> _acked = new();
        private readonly Stopwatch _watch = Stopwatch.StartNew();
        private int _count;

        /// <summary>Try: 1 for a call's first failure, and on until it is answered.</summary>
        public ConcurrentBag<(TimeSpan At, int Try, bool IsTimeout, string Why)> Failures { get; } = [];

        public TimeSpan Elapsed => _watch.Elapsed;

        public Task GoAsync() => Task.WhenAll(Enumerable.Range(0, Users).Select(u => Task.Run(async () =>
        {
            var user = $"user {u}";
            for (var i = 0; i < SignalsEach; i++)
            {
                var decision = await UntilAsync(() => grains.GetUserRouter("acme", user).RouteAsync(new RouteRequest($"Question {i} of {u}")));
                var feedback = new Feedback(decision.Token, FeedbackKind.Thumb, (byte)((i + u) & 1)) { OccurredAt = DateTimeOffset.FromUnixTimeMilliseconds(decision.Receipt.DecisionTimeMs) };
                var result = await UntilAsync(() => grains.GetUserRouter("acme", user).RecordFeedbackAsync(feedback));
                result.Outcome.ShouldNotBeNull().ShouldBeOneOf(AddOutcome.Counted, AddOutcome.Repeat); // a repeat where the answer was lost
                _acked.GetOrAdd(user, _ => []).Add(feedback);
                Interlocked.Increment(ref _count);
            }
        })));

        public async Task AckedAsync(int count) => await Eventually.TrueAsync(() => Volatile.Read(ref _count) >= count, TimeSpan.FromSeconds(60));

        /// <summary>Each user's record is, byte for byte, what the acknowledged feedback makes without any cluster.</summary>
        public async Task VerifyAsync(IGrainFactory? by = null)
        {
            var secrets = RouterSecrets.Read(Keys)!;
            var sealer = new ReceiptSealer(secrets.ReceiptKeys);
            _acked.Count.ShouldBe(Users);
            foreach (var (user, said) in _acked)
            {
                var (_, pseudonym) = UserRouterGrainExtensions.Parse(UserRouterGrainExtensions.KeyOf("acme", user));
                var expected = new UserModel(ClusterFixture.Pool, UserState.Empty);
                foreach (var feedback in said)
                {
                    var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
                    sealer.Open(feedback.Receipt, IdentityHash.Compute(secrets.IdentitySecret, "acme"), IdentityHash.Compute(secrets.IdentitySecret, "acme", pseudonym), now, out var receipt).IsValid.ShouldBeTrue();
                    expected = expected.Learn(receipt, feedback, now, out _);
                }

                var record = await UntilAsync(() => (by ?? grains).GetUserRouter("acme", user).ExportAsync());
                record.ShouldBe(expected.State.ToBytes(), user);
            }
        }

        private async ValueTask<T> UntilAsync<T>(Func<ValueTask<T>> call)
        {
            for (var tries = 1; ; tries++)
            {
                try
                {
                    return await call();
                }
                catch (Exception e) when (e is not ShouldAssertException && _watch.Elapsed < TimeSpan.FromMinutes(3))
                {
                    Failures.Add((_watch.Elapsed, tries, e is TimeoutException, $"{e.GetType().Name}: {e.Message}"));
                    await Task.Delay(50);
                }
            }
        }
    }
}
