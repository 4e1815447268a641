using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Faults.Tests;

/// <summary>Random schedules over real stores; `infra/faults/run.sh` runs thousands more.</summary>
public sealed class ScheduleTests
{
    [Fact]
    public async Task Sqlite_Schedules_AreKeptToTheLetter()
    {
        using var folder = new TemporaryFolder();
        await using var store = SqliteUserStore.Open(folder.File("users.db"));
        ShouldBeClean(await Schedules.RunManyAsync(store, 1, 200));
    }

    [RedisFact]
    public async Task Redis_Schedules_AreKeptToTheLetter()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var store = RedisUserStore.Open(redis.Address);
        ShouldBeClean(await Schedules.RunManyAsync(store, 10_000, 200));
    }

    private static void ShouldBeClean(Verdict verdict)
    {
        verdict.Problems.Take(10).ShouldBeEmpty();
        verdict.Acknowledged.ShouldBeGreaterThan(1000);
    }
}
