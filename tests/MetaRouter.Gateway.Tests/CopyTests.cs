using System.Net;
using System.Net.Sockets;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;
using Microsoft.Data.Sqlite;

namespace MetaRouter.Gateway.Tests;

/// <summary>A gateway that outgrew its SQLite file goes on over Redis as if nothing had happened, and back.</summary>
public sealed class CopyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [RedisFact]
    public async Task Copy_FromSqliteToRedisAndBack_KeepsUsersReceiptsErasuresCatalogModeAndSpending()
    {
        await using var redis = await RedisServer.StartAsync();
        var (file, back, onRedis) = ($"sqlite:{_folder.Path}/users.db", $"sqlite:{_folder.Path}/back.db", "redis:" + redis.Address);
        Answer route, gone;
        string believed;
        double spent;
        await using (var gateway = await StartAsync(file))
        {
            (route, gone) = (await gateway.RouteAsync("ann"), await gateway.RouteAsync("bob"));
            (await gateway.FeedbackAsync(route, "ann", "thumb", "up")).Status.ShouldBe(200);
            (await gateway.FeedbackAsync(gone, "bob", "thumb", "up")).Status.ShouldBe(200);
            (await gateway.SendAsync(HttpMethod.Delete, "/v1/router/users/bob")).Status.ShouldBe(200);
            (await gateway.SendAsync(HttpMethod.Put, "/v1/router/models", """{"models":[{"id":"gpt-4o-2024-05-13","input_price_usd_per_million":6,"output_price_usd_per_million":15},{"id":"mixtral-8x7b-instruct","input_price_usd_per_million":0.5,"output_price_usd_per_million":0.5}]}""")).Status.ShouldBe(200);
            (await gateway.SendAsync(HttpMethod.Put, "/v1/router/mode", """{"mode":"observe"}""")).Status.ShouldBe(200);
            (await gateway.PostAsync("/v1/chat/completions", """{"model":"auto","user":"ann","messages":[{"role":"user","content":"hello"}]}""")).Status.ShouldBe(200);
            believed = (string)(await gateway.GetAsync("/v1/router/users/ann/export")).Body["record"]!;
            spent = await SpentAsync(gateway);
            spent.ShouldBeGreaterThan(0);
        }

        await CopyAsync(0, file, onRedis, "Copied 1 user, 1 erasure,");
        await using (var gateway = await StartAsync(onRedis))
        {
            await ShouldGoOnAsync(gateway, route, gone, believed);
            (await SpentAsync(gateway)).ShouldBe(spent, 1e-8);
        }

        await CopyAsync(0, onRedis, back, "What was spent of budgets was not copied");
        await using (var gateway = await StartAsync(back))
        {
            await ShouldGoOnAsync(gateway, route, gone, believed);
        }

        await CopyAsync(1, file, onRedis, "");
        await CopyAsync(2, $"sqlite:{_folder.Path}/none.db", onRedis, "");
        File.Exists($"{_folder.Path}/none.db").ShouldBeFalse("a store that is to be copied is not made");

        // Whatever a gateway kept is known to be copied, or to be left.
        await using var connection = new SqliteConnection($"Data Source={_folder.Path}/users.db;Pooling=False");
        await connection.OpenAsync();
        await using var command = new SqliteCommand("SELECT group_concat(name) FROM shared", connection);
        var names = ((string)(await command.ExecuteScalarAsync())!).Split(',');
        names.Length.ShouldBeGreaterThan(3);
        names.Except([ValueNames.Secrets, ValueNames.Catalog, ValueNames.Mode, ValueNames.Prior, ValueNames.PriorHistory, ValueNames.Accounts, ValueNames.AccountChanges, ValueNames.Lost]).ShouldBeEmpty();
    }

    [RedisFact]
    public async Task Copy_CutShort_IsDoneAgainFromItsBeginning()
    {
        await using var redis = await RedisServer.StartAsync();
        var file = $"{_folder.Path}/users.db";
        await using (var gateway = await StartAsync("sqlite:" + file))
        {
            (await gateway.FeedbackAsync(await gateway.RouteAsync("ann"), "ann", "thumb", "up")).Status.ShouldBe(200);
        }

        // What a copy has done that died before the secrets: users are there, and older than they are by now.
        await using (var from = SqliteUserStore.Open(file))
        await using (var to = RedisUserStore.Open(redis.Address, "metarouter:"))
        {
            var user = (await from.ChangedAsync(0, 10)).Single();
            (await to.SaveAsync(user.Key, new byte[] { 1, 2, 3 }, 0)).ShouldBeGreaterThan(0);
        }

        await CopyAsync(0, "sqlite:" + file, "redis:" + redis.Address, "Copied 1 user,");
        await using var second = await StartAsync("redis:" + redis.Address);
        ((int)(await second.GetAsync("/v1/router/users/ann")).Body["signals"]!).ShouldBe(1);
    }

    [RedisFact]
    public async Task Copy_DoneAgainToRedis_KeepsNobodyWhomTheSourceLostMeanwhile()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var to = RedisUserStore.Open(redis.Address);
        await ShouldKeepNobodyWhomTheSourceLostAsync(to);
    }

    [Fact]
    public async Task Copy_DoneAgainToAFile_KeepsNobodyWhomTheSourceLostMeanwhile()
    {
        await using var to = SqliteUserStore.Open($"{_folder.Path}/new.db");
        await ShouldKeepNobodyWhomTheSourceLostAsync(to);
    }

    /// <summary>A router that begins between the first look at the secrets and the first at the users: whoever is there may be its own.</summary>
    [Fact]
    public async Task Copy_ToAStoreThatARouterBeginsMeanwhile_LeavesThatOneItsUsers()
    {
        await using var from = SqliteUserStore.Open($"{_folder.Path}/users.db");
        await using var to = SqliteUserStore.Open($"{_folder.Path}/new.db");
        (await from.WriteValueAsync(ValueNames.Secrets, new byte[] { 1 }, null)).ShouldBeTrue();
        var key = new UserKey(1, 1);
        await using var begun = new BegunOn(to, async () =>
        {
            await to.WriteValueAsync(ValueNames.Secrets, new byte[] { 2 }, null);
            await to.SaveAsync(key, new byte[] { 7 }, 0);
        });
        var copy = new StoreCopy(from, begun, TimeProvider.System);

        (await Should.ThrowAsync<StoreException>(() => copy.RunAsync(default))).Message.ShouldStartWith("Something else writes");
        (await to.LoadAsync(key)).State.ShouldBe([7]);
    }

    [Fact]
    public async Task Copy_ToAStoreThatARouterBeginsMeanwhile_LeavesThatOneItsSecrets()
    {
        var file = $"{_folder.Path}/users.db";
        await using (var gateway = await StartAsync("sqlite:" + file))
        {
            (await gateway.FeedbackAsync(await gateway.RouteAsync("ann"), "ann", "thumb", "up")).Status.ShouldBe(200);
        }

        byte[] others = [1, 2, 3];
        await using var from = SqliteUserStore.Open(file);
        await using var to = SqliteUserStore.Open($"{_folder.Path}/other.db");
        var copy = new StoreCopy(from, to, new Meanwhile(() => to.WriteValueAsync(ValueNames.Secrets, others, null).AsTask().GetAwaiter().GetResult()));

        (await Should.ThrowAsync<StoreException>(() => copy.RunAsync(default))).Message.ShouldStartWith("Something else writes");
        (await to.ReadValueAsync(ValueNames.Secrets)).ShouldBe(others);
    }

    /// <summary>The same words written otherwise are the same store too.</summary>
    [Theory]
    [InlineData("sqlite:FOLDER/users.db", "sqlite:FOLDER/users.db", "Source and target are the same store, 'sqlite:FOLDER/users.db'. Name another to copy to")]
    [InlineData("sqlite:FOLDER/users.db", "sqlite:FOLDER/../FOLDER/users.db", "Source and target are the same store")]
    [InlineData("sqlite:FOLDER/users.db", "sqlite:FOLDER/link.db", "Source and target are the same store")]
    [InlineData("redis:127.0.0.1:1", "redis:127.0.0.1:1,password=hidden", "Source and target are the same store, 'redis:127.0.0.1:1'. Name another to copy to")]
    [InlineData("memory", "redis:127.0.0.1:1", "'memory' is not a store that can be copied; write sqlite:PATH or redis:HOST:PORT")]
    [InlineData("sqlite:FOLDER/users.db", "cluster:127.0.0.1:1,password=hidden", "'cluster:127.0.0.1:1' is not a store that can be copied")]
    [InlineData("sqlite:FOLDER/users.db", null, "'copy' takes two stores, and there is 1. Usage: copy FROM TO (sqlite:PATH or redis:HOST:PORT)")]
    public async Task Copy_OfWhatCannotBeCopied_NamesTheFaultAndTheRemedy(string from, string? to, string says)
    {
        await (await StartAsync($"sqlite:{_folder.Path}/users.db")).DisposeAsync();
        File.CreateSymbolicLink(_folder.File("link.db"), _folder.File("users.db"));
        string In(string text) => text.Replace("FOLDER/../FOLDER", $"{_folder.Path}/../{Path.GetFileName(_folder.Path)}", StringComparison.Ordinal).Replace("FOLDER", _folder.Path, StringComparison.Ordinal);
        var (code, said) = await Programs.RunAsync(Programs.Of("MetaRouter.Gateway", [CopyStore.Command, In(from), .. to is null ? [] : (string[])[In(to)]]));

        said.ShouldContain(In(says));
        said.ShouldNotContain("hidden");
        code.ShouldBe(2);
    }

    /// <summary>Where it is, what was found there, what to do, and the cause; the gateway that starts says the same.</summary>
    [Theory]
    [InlineData("copy", "127.0.0.1:FREE", "nothing listens there; start Redis, or name the address where it listens. (Connection refused)")]
    [InlineData("start", "127.0.0.1:FREE", "nothing listens there; start Redis, or name the address where it listens. (Connection refused)")]
    [InlineData("copy", "no-such-machine.invalid:6379", "no machine is known by that name; check the name, and that this machine's DNS knows it. (")]
    [InlineData("copy", "127.0.0.1:MUTE", "somebody listens there, but does not answer as a Redis does; check that it is a Redis, ssl=true if it speaks TLS, and the password")]
    [InlineData("copy", "127.0.0.1:MUTE,ssl=true", "somebody listens there, but does not answer as a Redis over TLS does; check that it is a Redis and listens with TLS on this port")]
    [InlineData("copy", "127.0.0.1:FREE,127.0.0.1:MUTE", "127.0.0.1:FREE: nothing listens there; 127.0.0.1:MUTE: somebody listens there, but does not answer as a Redis does; check that it is a Redis")]
    public async Task Redis_ThatCannotBeReached_IsToldWithWhatWasTriedAndWhatToDo(string how, string address, string says)
    {
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        var free = Loopback.FreePort();
        string In(string text) => text.Replace("FREE", $"{free}", StringComparison.Ordinal).Replace("MUTE", $"{((IPEndPoint)mute.LocalEndpoint).Port}", StringComparison.Ordinal);
        await (await StartAsync($"sqlite:{_folder.Path}/users.db")).DisposeAsync();

        var (code, said) = await Programs.RunAsync(Programs.Of("MetaRouter.Gateway", how == "copy" ? [CopyStore.Command, $"sqlite:{_folder.Path}/users.db", "redis:" + In(address)] : ["--MetaRouter:Store", "redis:" + In(address), "--urls", "http://127.0.0.1:0"]));

        said.ShouldStartWith($"The store 'redis:{In(address).Replace(",ssl=true", "", StringComparison.Ordinal)}' cannot be opened: tried for ");
        said.ShouldContain(" s, " + In(says));
        said.ShouldNotContain("PING;");
        code.ShouldBe(1);
    }

    private async Task ShouldKeepNobodyWhomTheSourceLostAsync(IUserStore to)
    {
        await using var from = SqliteUserStore.Open($"{_folder.Path}/users.db");
        (await from.WriteValueAsync(ValueNames.Secrets, new byte[] { 1 }, null)).ShouldBeTrue();
        UserKey stays = new(1, 1), aside = new(1, 2), erased = new(1, 3), purged = new(1, 4);
        foreach (var key in (UserKey[])[stays, aside, erased, purged])
        {
            (await from.SaveAsync(key, new byte[] { 7 }, 0)).ShouldBeGreaterThan(0);
            (await to.SaveAsync(key, new byte[] { 7 }, 0)).ShouldBeGreaterThan(0); // by the copy that was cut short
        }

        string[] copied = [ValueNames.Catalog, ValueNames.Mode, ValueNames.PriorHistory, ValueNames.Prior, ValueNames.Accounts, ValueNames.AccountChanges];
        foreach (var name in copied)
        {
            (await to.WriteValueAsync(name, new byte[] { 9 }, null)).ShouldBeTrue();
        }

        (await from.WriteValueAsync(ValueNames.Mode, new byte[] { 8 }, null)).ShouldBeTrue();
        await from.QuarantineAsync(aside, await from.LoadAsync(aside), "torn", 1);
        await from.EraseAsync(purged, 1);
        (await from.PurgeTombstonesAsync(100)).ShouldBe(1);
        await from.EraseAsync(erased, 200);

        await new StoreCopy(from, to, TimeProvider.System).RunAsync(default);

        foreach (var key in (UserKey[])[stays, aside, erased, purged])
        {
            var (there, here) = (await to.LoadAsync(key), await from.LoadAsync(key));
            (Convert.ToHexString(there.State), there.ErasedAtMs).ShouldBe((Convert.ToHexString(here.State), here.ErasedAtMs), $"user {key.User}");
        }

        foreach (var name in copied)
        {
            (await to.ReadValueAsync(name)).ShouldBe(await from.ReadValueAsync(name), name);
        }
    }

    private static Task<RunningGateway> StartAsync(string store) => RunningGateway.StartAsync("--MetaRouter:Store", store, "--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1");

    private static async Task<double> SpentAsync(RunningGateway gateway) => (double)(await gateway.GetAsync("/v1/router/budget")).Body["spent_usd"]!;

    private static async Task ShouldGoOnAsync(RunningGateway gateway, Answer route, Answer gone, string believed)
    {
        ((string)(await gateway.GetAsync("/v1/router/users/ann/export")).Body["record"]!).ShouldBe(believed);
        ((string)(await gateway.FeedbackAsync(route, "ann", "thumb", "up")).Body["outcome"]!).ShouldBe("repeat");
        (await gateway.FeedbackAsync(gone, "bob", "thumb", "down")).ShouldFail(410, "user_erased");
        ((string)(await gateway.GetAsync("/v1/router/mode")).Body["mode"]!).ShouldBe("observe");
        ((double)(await gateway.GetAsync("/v1/router/models")).Body["models"]![0]!["input_price_usd_per_million"]!).ShouldBe(6);
    }

    private static async Task CopyAsync(int ends, string from, string to, string says)
    {
        await using var output = new StringWriter();
        (await CopyStore.RunAsync([from, to], output)).ShouldBe(ends);
        output.ToString().ShouldContain(says);
    }

    /// <summary>A store that something happens to once its secrets were first looked for.</summary>
    private sealed class BegunOn(IUserStore inner, Func<Task> then) : IUserStore
    {
        private bool _isBegun;

        public ValueTask<StoredUser> LoadAsync(UserKey key, CancellationToken cancellationToken = default) => inner.LoadAsync(key, cancellationToken);

        public ValueTask<long> SaveAsync(UserKey key, ReadOnlyMemory<byte> state, long etag, CancellationToken cancellationToken = default) => inner.SaveAsync(key, state, etag, cancellationToken);

        public ValueTask EraseAsync(UserKey key, long nowMs, CancellationToken cancellationToken = default) => inner.EraseAsync(key, nowMs, cancellationToken);

        public ValueTask QuarantineAsync(UserKey key, StoredUser record, string reason, long nowMs, CancellationToken cancellationToken = default) => inner.QuarantineAsync(key, record, reason, nowMs, cancellationToken);

        public ValueTask<IReadOnlyList<ChangedUser>> ChangedAsync(long sequence, int limit, CancellationToken cancellationToken = default) => inner.ChangedAsync(sequence, limit, cancellationToken);

        public ValueTask<int> PurgeTombstonesAsync(long beforeMs, CancellationToken cancellationToken = default) => inner.PurgeTombstonesAsync(beforeMs, cancellationToken);

        public async ValueTask<byte[]?> ReadValueAsync(string name, CancellationToken cancellationToken = default)
        {
            var value = await inner.ReadValueAsync(name, cancellationToken);
            if (name == ValueNames.Secrets && !_isBegun)
            {
                _isBegun = true;
                await then();
            }

            return value;
        }

        public ValueTask<bool> WriteValueAsync(string name, ReadOnlyMemory<byte> value, byte[]? expected, CancellationToken cancellationToken = default) => inner.WriteValueAsync(name, value, expected, cancellationToken);

        public ValueTask<bool> RemoveValueAsync(string name, byte[] expected, CancellationToken cancellationToken = default) => inner.RemoveValueAsync(name, expected, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    /// <summary>Looked at when what was spent is copied, the last but the secrets.</summary>
    private sealed class Meanwhile(Action then) : TimeProvider
    {
        public override long GetTimestamp()
        {
            then();
            return base.GetTimestamp();
        }
    }
}
