using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests.Stores;

public sealed class RedisSharedStateTests
{
    [RedisFact]
    public async Task Lifetime_OfAnAccount_IsCountedFromItsFirstUse()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var store = RedisUserStore.Open(redis.Address);
        using var metrics = new RouterMetrics();
        var (shared, account) = (new RedisSharedState(store, "", TimeProvider.System, metrics), new Account("usd", 7, 100, TimeSpan.FromMinutes(1)));
        await shared.ReserveAsync(1, [account]);
        await Task.Delay(100);

        (await shared.ReserveAsync(1, [account])).Held.ShouldBe([14]);

        var left = await store.Connection.DoAsync("", db => db.KeyTimeToLiveAsync("{a0000000000000001}:usd"), "read", default);
        left.ShouldNotBeNull().ShouldBeLessThan(account.Lifetime - TimeSpan.FromMilliseconds(90));
    }

    [RedisFact]
    public async Task Reserve_ClientLeavesWhileRedisAddsUp_IsToldWhatWasReservedOrNothingIs()
    {
        await using var redis = await RedisServer.StartAsync("--enable-debug-command", "local");
        await using var store = RedisUserStore.Open(redis.Address);
        using var metrics = new RouterMetrics();
        var shared = new RedisSharedState(store, "", TimeProvider.System, metrics);
        Account account = new("usd", 7, 100, TimeSpan.FromMinutes(1));
        await shared.ReserveAsync(1, [account with { Amount = 0 }]); // the script is known from here on
        var busy = store.Connection.DoAsync("", redis => redis.ExecuteAsync("DEBUG", "SLEEP", "0.5"), "kept busy", default);
        using var leaves = new CancellationTokenSource(100);

        var told = 0L;
        try
        {
            told = (await shared.ReserveAsync(1, [account], leaves.Token)).Held[0];
        }
        catch (OperationCanceledException)
        {
            // Then nothing may be reserved: nobody would ever settle it.
        }

        await busy;
        (await shared.ReserveAsync(1, [account with { Amount = 0 }])).Held[0].ShouldBe(told);
    }

    /// <summary>The same deeds in the same order, on Redis and in memory.</summary>
    [RedisFact]
    public async Task Reserve_Settle_AnythingInAnyOrder_CountAsInMemory()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var store = RedisUserStore.Open(redis.Address);
        using var metrics = new RouterMetrics();
        var (shared, memory, random) = (new RedisSharedState(store, "", TimeProvider.System, metrics), new MemorySharedState(TimeProvider.System), new Random(3));
        for (var i = 0; i < 300; i++)
        {
            Account[] accounts = [.. ((string[])["a", "b", "c"]).Select(name => new Account(name, random.Next(0, 4), random.Next(0, 30), TimeSpan.FromHours(1)))];
            if (random.Next(3) == 0)
            {
                accounts = [.. accounts.Select(a => a with { Amount = -a.Amount })];
                await shared.SettleAsync(7, accounts);
                await memory.SettleAsync(7, accounts);
                continue;
            }

            var (told, expected) = (await shared.ReserveAsync(7, accounts), await memory.ReserveAsync(7, accounts));
            told.Refused.ShouldBe(expected.Refused);
            told.Held.ShouldBe(expected.Held);
        }
    }

    [RedisFact]
    public async Task Remember_RedisIsAway_IsKeptHere()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var store = RedisUserStore.Open(redis.Address);
        using var metrics = new RouterMetrics();
        var shared = new RedisSharedState(store, "", TimeProvider.System, metrics);
        redis.Kill();

        await shared.RememberAsync("name", new byte[] { 1 }, TimeSpan.FromMinutes(1));

        (await shared.RecallAsync("name")).ShouldBe([1]);
    }

    /// <summary>Its caller has gone on with a count of its own, so nobody else would ever settle what Redis does too late.</summary>
    [RedisFact]
    public async Task Reserve_RedisDoesItAfterItsCallerGaveUp_IsTakenBack()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var store = RedisUserStore.Open(redis.Address);
        using var metrics = new RouterMetrics();
        var shared = new RedisSharedState(store, "", TimeProvider.System, metrics);
        Account[] accounts = [new("usd", 7, 100, TimeSpan.FromHours(1)), new("usd:ada", 7, 100, TimeSpan.FromHours(1))];
        Account[] shown = [.. accounts.Select(a => a with { Amount = 0 })];
        (await shared.ReserveAsync(1, accounts)).Held.ShouldBe([7, 7]);

        redis.Pause();
        var late = await shared.ReserveAsync(1, accounts);
        redis.Resume();
        late.IsOwn.ShouldBeTrue();
        await Task.Delay(500); // its connection may have to be made anew
        var (held, most) = (await shared.ReserveAsync(1, shown), 0L);
        for (var i = 0; i < 40; i++)
        {
            most = Math.Max(most, held.Held[0]);
            await Task.Delay(50);
            held = await shared.ReserveAsync(1, shown);
        }

        most.ShouldBeLessThanOrEqualTo(14);
        held.Held.ShouldBe([7, 7]); // the first one is nobody's doubt
        await shared.SettleAsync(1, [.. accounts.Select(a => a with { Amount = -7 })]);
        (await shared.ReserveAsync(1, shown)).Held.ShouldBe([0, 0]);
    }

    /// <summary>What is taken back before it arrives is not made any more.</summary>
    [RedisFact]
    public async Task Reserve_RedisIsPausedAgainAndAgain_NothingIsLeftOver()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var store = RedisUserStore.Open(redis.Address);
        using var metrics = new RouterMetrics();
        var shared = new RedisSharedState(store, "", TimeProvider.System, metrics);
        Account taken = new("usd", 10, 1000, TimeSpan.FromHours(1));
        for (var round = 0; round < 2; round++)
        {
            redis.Pause();
            var calls = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => shared.ReserveAsync(1, [taken]).AsTask()));
            redis.Resume();
            calls.ShouldAllBe(c => c.IsOwn);
        }

        var held = -1L;
        for (var i = 0; i < 200 && held != 0; i++)
        {
            await Task.Delay(50);
            var seen = await shared.ReserveAsync(1, [taken with { Amount = 0 }]);
            held = seen.IsOwn ? -1 : seen.Held[0];
        }

        held.ShouldBe(0);
    }

    [RedisFact]
    public async Task Settle_RedisWentOrCameMeanwhile_GivesBackNothingWhereNothingWasTaken()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var store = RedisUserStore.Open(redis.Address);
        using var metrics = new RouterMetrics();
        var shared = new RedisSharedState(store, "", TimeProvider.System, metrics);
        Account shown = new("usd", 0, 100, TimeSpan.FromHours(1)), taken = shown with { Amount = 10 }, unspent = shown with { Amount = -6 };

        var before = await shared.ReserveAsync(1, [taken]);
        redis.Kill();
        (await LookAsync(own: true)).ShouldBe(0);
        await shared.SettleAsync(1, [unspent], before.IsOwn);
        (await LookAsync(own: true)).ShouldBe(0);

        var during = await shared.ReserveAsync(1, [taken]);
        await redis.StartAsync();
        (await LookAsync(own: false)).ShouldBe(10);
        await shared.SettleAsync(1, [unspent], during.IsOwn);
        (await LookAsync(own: false)).ShouldBe(10);
        redis.Kill();
        (await LookAsync(own: true)).ShouldBe(4);

        // What is held, once it is told from where it should be.
        async Task<long> LookAsync(bool own)
        {
            for (var i = 0; ; i++)
            {
                var seen = await shared.ReserveAsync(1, [shown]);
                if (seen.IsOwn == own || i == 200)
                {
                    seen.IsOwn.ShouldBe(own);
                    return seen.Held[0];
                }

                await Task.Delay(50);
            }
        }
    }
}
