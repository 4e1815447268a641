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
}
