using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetaRouter.Hosting.Tests;

/// <summary>What was spent outlives the process, and every second costs what changed in it.</summary>
public sealed class AccountKeeperTests : IDisposable
{
    private const int Many = 5000;
    private readonly TemporaryFolder _folder = new();
    private readonly SettableTime _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Save_OneOfManyChanged_WritesLittleAndARestartHasAll()
    {
        await using var store = new FaultyStore(SqliteUserStore.Open(_folder.File("users.db")));
        var (accounts, keeper) = await StartAsync(store);
        for (var i = 0; i < Many; i++)
        {
            await SpendAsync(accounts, i, 1);
        }

        await keeper.SaveAsync(default);
        var whole = store.ValueBytes;
        for (var i = 0; i < 10; i++)
        {
            await SpendAsync(accounts, 7, 5);
            await keeper.SaveAsync(default);
        }

        (store.ValueBytes - whole).ShouldBeLessThan(10 * 300);
        await keeper.SaveAsync(default);
        (store.ValueBytes - whole).ShouldBeLessThan(10 * 300); // nothing changed, nothing is written
        var (again, _) = await StartAsync(store);
        Shown(again).ShouldBe(Shown(accounts));
        (await again.ReserveAsync(1, [Of(7, 0)])).Held.Single().ShouldBe(51);
    }

    /// <summary>A write that fails is made up for by the next; what the last good one had is never lost, wherever the process ends.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Restore_AfterAnyRun_HasWhatWasSavedLast(int seed)
    {
        await using var store = new FaultyStore(SqliteUserStore.Open(_folder.File("users.db")));
        var random = new Random(seed);
        var (accounts, keeper) = await StartAsync(store);
        var saved = Bytes(accounts);
        for (var step = 0; step < 300; step++)
        {
            for (var i = random.Next(60); i > 0; i--)
            {
                await SpendAsync(accounts, random.Next(random.Next(1, 2000)), random.Next(1, 100), TimeSpan.FromSeconds(random.Next(1, 400)));
            }

            _time.Now += TimeSpan.FromSeconds(1);
            if (random.Next(5) == 0)
            {
                store.FailNextSave();
            }
            else if (random.Next(5) == 0)
            {
                store.LoseNextAnswer();
            }

            try
            {
                await keeper.SaveAsync(default);
                saved = Bytes(accounts);
            }
            catch (StoreException e)
            {
                saved = e.Message.Contains("get lost", StringComparison.Ordinal) ? Bytes(accounts) : saved; // written all the same; else as a store that is away for a second
            }

            store.FailNextSave();
            await Should.ThrowAsync<StoreException>(async () => await store.WriteValueAsync("other", "x"u8.ToArray(), null)); // it is well again
            if (random.Next(10) == 0)
            {
                (accounts, keeper) = await StartAsync(store); // the process died; what came after the last good save is gone
                Open(Shown(accounts)).ShouldBe(Open(Shown(saved)));
            }
        }
    }

    [Fact]
    public async Task Stop_LeavesAllInOnePlace()
    {
        await using var store = new FaultyStore(SqliteUserStore.Open(_folder.File("users.db")));
        var (accounts, keeper) = await StartAsync(store);
        await SpendAsync(accounts, 1, 1);
        await keeper.SaveAsync(default);
        await SpendAsync(accounts, 2, 1);
        await keeper.SaveAsync(default);

        await keeper.StopAsync(default);

        var earlier = new MemorySharedState(_time); // as a version that knows of no changes reads it
        earlier.Read((await store.ReadValueAsync("accounts.v1"))!);
        Shown(earlier).ShouldBe(Shown(accounts));
    }

    /// <summary>The whole then has the amounts it had before, and the changes in the store are of neither.</summary>
    [Fact]
    public async Task Stop_AfterAllWasGivenBack_ForgetsTheChanges()
    {
        await using var store = new FaultyStore(SqliteUserStore.Open(_folder.File("users.db")));
        var (accounts, keeper) = await StartAsync(store);
        await SpendAsync(accounts, 1, 100);
        await keeper.StopAsync(default);
        (accounts, keeper) = await StartAsync(store);
        await SpendAsync(accounts, 1, 5);
        await keeper.SaveAsync(default);
        await accounts.SettleAsync(1, [Of(1, -5)]);

        await keeper.StopAsync(default);

        var (again, _) = await StartAsync(store);
        (await again.ReserveAsync(1, [Of(1, 0)])).Held.Single().ShouldBe(100);
    }

    /// <summary>What a version wrote that knew of no versions of accounts: later than any changes, since those were cleared when this one stopped for it.</summary>
    [Fact]
    public async Task Restore_AfterAnEarlierVersionRan_HasWhatThatOneWrote()
    {
        await using var store = new FaultyStore(SqliteUserStore.Open(_folder.File("users.db")));
        var (accounts, keeper) = await StartAsync(store);
        await SpendAsync(accounts, 1, 100);
        await keeper.SaveAsync(default);
        await keeper.StopAsync(default);
        await store.WriteValueAsync("accounts.v1", """[{"Partition":"0000000000000001","Name":"usd:1","Held":130,"Ends":"2026-02-01T12:00:00+00:00"}]"""u8.ToArray(), await store.ReadValueAsync("accounts.v1"));

        (accounts, keeper) = await StartAsync(store);
        await SpendAsync(accounts, 1, 7);
        await keeper.SaveAsync(default);

        var (again, _) = await StartAsync(store);
        (await again.ReserveAsync(1, [Of(1, 0)])).Held.Single().ShouldBe(137);
    }

    /// <summary>Else whoever waits for a wrong clock has the budget twice.</summary>
    [Fact]
    public async Task ClockLeapsAYearAndIsSetRight_NothingSpentIsForgotten()
    {
        await using var store = new FaultyStore(SqliteUserStore.Open(_folder.File("users.db")));
        var (accounts, keeper) = await StartAsync(store);
        await SpendAsync(accounts, 1, 100);

        _time.Set = TimeSpan.FromDays(366);
        for (var i = 0; i < Many; i++)
        {
            await SpendAsync(accounts, 1000 + i, 1); // enough for what has ended to be swept
        }

        await keeper.StopAsync(default);
        _time.Set = TimeSpan.Zero;

        (await accounts.ReserveAsync(1, [Of(1, 0)])).Held.Single().ShouldBe(100);
        var (again, _) = await StartAsync(store);
        (await again.ReserveAsync(1, [Of(1, 0)])).Held.Single().ShouldBe(100);
    }

    /// <summary>Else changes of before would pass for later ones than those of after.</summary>
    [Fact]
    public async Task Restore_LastChangedAccountHasEnded_VersionsGoOn()
    {
        await using var store = new FaultyStore(SqliteUserStore.Open(_folder.File("users.db")));
        var (accounts, keeper) = await StartAsync(store);
        await SpendAsync(accounts, 1, 1);
        await SpendAsync(accounts, 2, 1, TimeSpan.FromSeconds(5));
        _time.Now += TimeSpan.FromMinutes(1);
        await keeper.StopAsync(default);

        var (again, _) = await StartAsync(store);

        again.Version.ShouldBe(accounts.Version);
        (await again.ReserveAsync(1, [Of(2, 0)])).Held.Single().ShouldBe(0);
    }

    private async Task<(MemorySharedState, AccountKeeper)> StartAsync(FaultyStore store)
    {
        var accounts = new MemorySharedState(_time);
        var keeper = new AccountKeeper(store, accounts, NullLogger<AccountKeeper>.Instance);
        await keeper.RestoreAsync(default);
        return (accounts, keeper);
    }

    private static async Task SpendAsync(MemorySharedState accounts, int account, int amount, TimeSpan? lifetime = null) =>
        (await accounts.ReserveAsync(1, [Of(account, amount) with { Lifetime = lifetime ?? TimeSpan.FromDays(1) }])).Refused.ShouldBe(-1);

    private static Account Of(int account, int amount) => new($"usd:{account}", amount, long.MaxValue, TimeSpan.FromDays(1));

    private IEnumerable<string> Open(string[] shown) => shown.Where(a => DateTimeOffset.Parse((string)System.Text.Json.Nodes.JsonNode.Parse(a)!["Ends"]!, System.Globalization.CultureInfo.InvariantCulture) > _time.Now);

    private static string[] Shown(MemorySharedState accounts) => Shown(Bytes(accounts));

    private static string[] Shown(byte[] accounts) => [.. System.Text.Json.Nodes.JsonNode.Parse(accounts)!.AsArray().Select(a => a!.ToJsonString()).Order(StringComparer.Ordinal)];

    private static byte[] Bytes(MemorySharedState accounts) => accounts.Write(-1).Bytes;

    private sealed class SettableTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 31, 23, 58, 0, TimeSpan.Zero);

        /// <summary>By so much the clock is wrong.</summary>
        public TimeSpan Set { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => Now + Set;

        public override long GetTimestamp() => Now.Ticks;
    }
}
