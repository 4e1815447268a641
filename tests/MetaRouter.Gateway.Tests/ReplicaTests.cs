using System.Diagnostics;
using System.Globalization;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

/// <summary>Three gateways on one Redis: one to whoever talks to them.</summary>
public sealed class ReplicaTests : IAsyncLifetime
{
    private RedisServer _redis = null!;
    private RunningGateway[] _gateways = [];

    public async Task InitializeAsync()
    {
        if (RedisServer.IsInstalled)
        {
            _redis = await RedisServer.StartAsync();
            _gateways = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => RunningGateway.StartAsync("--MetaRouter:Store", "redis:" + _redis.Address)));
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var gateway in _gateways)
        {
            await gateway.DisposeAsync();
        }

        if (_redis is not null)
        {
            await _redis.DisposeAsync();
        }
    }

    [RedisFact]
    public async Task SameUserOnAllThree_ConcurrentFeedback_LosesNothingAndBelievesAlike()
    {
        var routes = await Task.WhenAll(Enumerable.Range(0, 45).Select(i => _gateways[i % 3].RouteAsync("ann", compare: true, input: $"Question {i} of many")));

        // Each is told twice, by other gateways than the one that decided.
        var answers = await Task.WhenAll(routes.SelectMany((route, i) => Enumerable.Range(1, 2).Select(next => _gateways[(i + next) % 3].FeedbackAsync(route, "ann", "comparison", "cheaper"))));

        answers.ShouldAllBe(a => a.Status == 200);
        answers.Count(a => (bool)a.Body["counted"]!).ShouldBe(45);
        await Task.Delay(TimeSpan.FromSeconds(1));
        var users = await Task.WhenAll(_gateways.Select(g => g.GetAsync("/v1/router/users/ann")));
        ((int)users[0].Body["signals"]!).ShouldBe(45);
        users[1].Text.ShouldBe(users[0].Text);
        users[2].Text.ShouldBe(users[0].Text);
    }

    [RedisFact]
    public async Task Belief_IsAtMostOneSecondStaleElsewhere()
    {
        foreach (var gateway in _gateways)
        {
            await gateway.RouteAsync("ben"); // all have read the user
        }

        for (var i = 0; i < 8; i++)
        {
            (await _gateways[0].FeedbackAsync(await _gateways[0].RouteAsync("ben", compare: true), "ben", "comparison", "cheaper")).Status.ShouldBe(200);
        }

        var told = Stopwatch.GetTimestamp();
        var lambda = (double)(await _gateways[0].RouteAsync("ben")).Body["lambda_cost"]!;
        var left = TimeSpan.FromSeconds(1) - Stopwatch.GetElapsedTime(told);
        await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero);

        foreach (var gateway in _gateways)
        {
            ((double)(await gateway.RouteAsync("ben")).Body["lambda_cost"]!).ShouldBe(lambda);
        }
    }

    [RedisFact]
    public async Task KeysRotated_AtOne_AllFollow_AndNoReceiptIsLost()
    {
        var routes = new List<Answer> { await _gateways[0].RouteAsync("kim") };

        var rotated = await _gateways[1].PostAsync("/v1/router/keys/rotate", "{}");

        rotated.Status.ShouldBe(200, rotated.Text);
        ((int)rotated.Body["key"]!).ShouldBe(2);
        foreach (var gateway in _gateways)
        {
            routes.Add(await gateway.RouteAsync("kim")); // told, and not in use yet
        }

        routes.Select(KeyOf).ShouldAllBe(key => key == 1);
        await Task.Delay(TimeSpan.FromSeconds(2));
        foreach (var gateway in _gateways)
        {
            gateway.Time.Ahead = KeyRotation.Notice;
        }

        foreach (var gateway in _gateways)
        {
            var route = await gateway.RouteAsync("kim");
            KeyOf(route).ShouldBe((byte)2);
            routes.Add(route);
        }

        // Whoever sealed, and whoever opens.
        for (var i = 0; i < routes.Count; i++)
        {
            var answer = await _gateways[(i + 1) % 3].FeedbackAsync(routes[i], "kim", "accept");
            ((bool)answer.Body["counted"]!).ShouldBeTrue(answer.Text);
        }

        static byte KeyOf(Answer route) => System.Buffers.Text.Base64Url.DecodeFromChars(((string)route.Body["receipt"]!).AsSpan(0, 4))[2];
    }

    [RedisFact]
    public async Task Erased_IsErasedOnAll_LateFeedbackElsewhereToo()
    {
        var late = await _gateways[1].RouteAsync("cleo");
        (await _gateways[2].FeedbackAsync(late, "cleo", "accept")).Status.ShouldBe(200);

        (await _gateways[0].SendAsync(HttpMethod.Delete, "/v1/router/users/cleo")).Status.ShouldBe(200);

        (await _gateways[2].FeedbackAsync(late, "cleo", "thumb", "up")).ShouldFail(410, "user_erased");
        (await _gateways[1].FeedbackAsync(late, "cleo", "edit")).ShouldFail(410, "user_erased");
    }

    [RedisFact]
    public async Task Erased_TheOthersConsolesForgetTooAtTheirNextRefresh()
    {
        var route = await _gateways[1].RouteAsync("cleo");
        await _gateways[1].FeedbackAsync(route, "cleo", "accept");
        await _gateways[1].RouteAsync("dan");
        (await _gateways[0].SendAsync(HttpMethod.Delete, "/v1/router/users/cleo")).Status.ShouldBe(200);

        await _gateways[1].App.Services.GetRequiredService<LearningLoop>().RefreshAsync(default);

        var recorder = _gateways[1].App.Services.GetRequiredService<ConsoleRecorder>();
        recorder.Journal.NewestFirst().Select(e => e.Record.User == 0).ShouldBe([false, true]);
        recorder.Feedback.CountByUser(recorder.Of("default").Number).Keys.ShouldBe([0ul]);
    }

    [RedisFact]
    public async Task RedisAway_RoutingGoesOn_FeedbackIs503_AndIsWellWithinTwoSecondsOfItsReturn()
    {
        for (var i = 0; i < 8; i++)
        {
            await _gateways[0].FeedbackAsync(await _gateways[0].RouteAsync("dora", compare: true), "dora", "comparison", "cheaper");
        }

        var known = await _gateways[0].RouteAsync("dora");
        _redis.Kill();
        await Task.Delay(1100); // what is in memory is stale by now

        var away = await _gateways[0].RouteAsync("dora");
        ((double)away.Body["lambda_cost"]!).ShouldBe((double)known.Body["lambda_cost"]!); // from memory
        (await _gateways[1].RouteAsync("never seen")).Status.ShouldBe(200); // from the prior
        (await _gateways[1].PostAsync("/v1/chat/completions", """{"model":"auto","user":"dora","messages":[{"role":"user","content":"hello"}]}""")).Status.ShouldBe(200);
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < 50; i++)
        {
            await _gateways[2].RouteAsync($"user {i}");
        }

        Stopwatch.GetElapsedTime(started).TotalSeconds.ShouldBeLessThan(5);
        foreach (var gateway in _gateways)
        {
            var refused = await gateway.FeedbackAsync(away, "dora", "accept");
            refused.ShouldFail(503, "store_unavailable", _redis.Address);
            int.Parse(refused.Headers["Retry-After"], CultureInfo.InvariantCulture).ShouldBeInRange(1, 5);
        }

        ((string)(await _gateways[0].GetAsync("/health")).Body["status"]!).ShouldBe("degraded");

        await _redis.StartAsync();
        await Task.Delay(TimeSpan.FromSeconds(2));
        var counted = await _gateways[0].FeedbackAsync(away, "dora", "accept");
        counted.Status.ShouldBe(200, counted.Text);
        ((bool)counted.Body["counted"]!).ShouldBeTrue(); // what was refused had not been kept
        ((int)counted.Body["preference"]!["signals"]!).ShouldBe(9);
        ((string)(await _gateways[0].GetAsync("/health")).Body["status"]!).ShouldBe("ok");
    }

    [RedisFact]
    public async Task Prior_PromotedByOne_IsServedByAll()
    {
        var before = (string)(await _gateways[1].RouteAsync("x")).Body["snapshot"]!;
        for (var user = 0; user < 40; user++)
        {
            for (var i = 0; i < 4; i++)
            {
                await _gateways[0].FeedbackAsync(await _gateways[0].RouteAsync($"u{user}", compare: true, input: $"Task {i} of {user}"), $"u{user}", "comparison", "cheaper");
            }
        }

        (await _gateways[0].App.Services.GetRequiredService<LearningLoop>().RefreshAsync(default)).ShouldBeTrue();
        var promoted = (string)(await _gateways[0].RouteAsync("x")).Body["snapshot"]!;
        promoted.ShouldNotBe(before);
        foreach (var other in _gateways.Skip(1))
        {
            await Eventually.TrueAsync(async () => (string)(await other.RouteAsync("x")).Body["snapshot"]! == promoted, TimeSpan.FromSeconds(10));
        }
    }

    /// <summary>Users are lost then, and said to be (see the fault tests); what every gateway has in memory need not be.</summary>
    [RedisFact]
    public async Task RedisFlushed_ModeAndCatalogComeBack_AndCanBeSetAgain()
    {
        (await _gateways[0].SendAsync(HttpMethod.Put, "/v1/router/mode", """{"mode":"observe"}""")).Status.ShouldBe(200);
        var (keeper, catalog) = (_gateways[0].App.Services.GetRequiredService<CatalogKeeper>(), _gateways[0].App.Services.GetRequiredService<PoolHolder>().Current.Catalog);
        (await keeper.ReplaceAsync(catalog, null, default)).ShouldBeTrue();

        _redis.Command("flushall");
        (await keeper.ReplaceAsync(catalog, null, default).WaitAsync(TimeSpan.FromSeconds(10))).ShouldBeTrue();
        foreach (var gateway in _gateways)
        {
            await Eventually.TrueAsync(async () => (await gateway.GetAsync("/health")).Body["store_lost_at"] is not null, TimeSpan.FromSeconds(10));
            await Eventually.TrueAsync(async () => (string)(await gateway.GetAsync("/v1/router/mode")).Body["mode"]! == "observe", TimeSpan.FromSeconds(10));
        }

        await Eventually.TrueAsync(() => _redis.Command("exists", "metarouter:v:{secrets.v1}", "metarouter:v:{catalog.v1}", "metarouter:v:{mode.v1}").Trim() == "3", TimeSpan.FromSeconds(10));
    }
}
