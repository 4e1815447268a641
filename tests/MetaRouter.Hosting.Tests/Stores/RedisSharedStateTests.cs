using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests.Stores;

public sealed class RedisSharedStateTests
{
    [RedisFact]
    public async Task Reserve_ClientLeavesWhileRedisAddsUp_IsToldWhatWasReservedOrNothingIs()
    {
        await using var redis = await RedisServer.StartAsync("--enable-debug-command", "local");
        await using var store = RedisUserStore.Open(redis.Address);
        using var metrics = new RouterMetrics();
        var shared = new RedisSharedState(store, "", TimeProvider.System, metrics);
        Account account = new("usd", 7, 100, TimeSpan.FromMinutes(1));
        await shared.ReserveAsync(1, [account with { Amount = 0 }]); // the script is known from here on
        var busy = store.Connection.Database.ExecuteAsync("DEBUG", "SLEEP", "0.5");
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
