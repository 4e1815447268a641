using System.Text.RegularExpressions;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests.Stores;

public sealed class RedisUserStoreTests
{
    private static readonly UserKey Ann = new(1, 2), Ben = new(1, 67); // of different buckets

    [RedisFact]
    public async Task Save_AnotherWroteFirst_IsRefusedAndKeepsTheirs()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var store = RedisUserStore.Open(redis.Address);

        var first = await store.SaveAsync(Ann, new byte[] { 1 }, 0);
        var second = await store.SaveAsync(Ann, new byte[] { 2 }, first);

        second.ShouldBeGreaterThan(first);
        (await store.SaveAsync(Ann, new byte[] { 3 }, first)).ShouldBe(0);
        (await store.SaveAsync(Ann, new byte[] { 3 }, 0)).ShouldBe(0);
        (await store.LoadAsync(Ann)).ShouldBeEquivalentTo(new StoredUser([2], second, 0));
    }

    [RedisFact]
    public async Task Save_ManyAtOnceFromTwoProcesses_LosesNone()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = RedisUserStore.Open(redis.Address);
        await using var two = RedisUserStore.Open(redis.Address);

        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(async () =>
        {
            var store = worker % 2 == 0 ? one : two;
            for (var i = 0; i < 25;)
            {
                var now = await store.LoadAsync(Ann);
                var count = now.State.Length == 0 ? 0 : BitConverter.ToInt32(now.State);
                i += await store.SaveAsync(Ann, BitConverter.GetBytes(count + 1), now.Etag) > 0 ? 1 : 0;
            }
        })));

        BitConverter.ToInt32((await one.LoadAsync(Ann)).State).ShouldBe(16 * 25);
    }

    [RedisFact]
    public async Task Do_ClientGivesUpTheCall_IsTheStoresFailureAndNotACancellation()
    {
        await using var redis = await RedisServer.StartAsync();
        using var connection = RedisConnection.Open(redis.Address);
        var givenUp = new CancellationToken(canceled: true);

        var failure = await Should.ThrowAsync<StoreException>(() => connection.DoAsync("key", _ => Task.FromCanceled<int>(givenUp), "read", CancellationToken.None));

        failure.Message.ShouldContain("ask again");
        var broken = await Should.ThrowAsync<StoreException>(() => connection.DoAsync("key", _ => Task.FromException<int>(new InvalidOperationException("Reading is not allowed after reader was completed.")), "read", CancellationToken.None));
        broken.Message.ShouldContain("the connection broke; what was asked may have been done");
        await Should.ThrowAsync<OperationCanceledException>(() => connection.DoAsync("key", _ => Task.FromCanceled<int>(givenUp), "read", givenUp));
    }

    [RedisFact]
    public async Task Changed_GoesOnFromTheLast_AndTellsErasedOnesToo()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var store = RedisUserStore.Open(redis.Address);
        var keys = Enumerable.Range(0, 300).Select(i => new UserKey(9, (ulong)i * 7919)).ToArray();
        foreach (var key in keys)
        {
            (await store.SaveAsync(key, new byte[] { 1 }, 0)).ShouldBeGreaterThan(0);
        }

        var (seen, sequence) = (new List<UserKey>(), 0L);
        while (await store.ChangedAsync(sequence, 70) is { Count: > 0 } page)
        {
            seen.AddRange(page.Select(u => u.Key));
            sequence = page[^1].Sequence;
        }

        seen.Order(Comparer<UserKey>.Create((a, b) => a.User.CompareTo(b.User))).ShouldBe(keys);
        await store.EraseAsync(keys[5], 1000);
        var erased = (await store.ChangedAsync(sequence, 70)).Single();
        erased.Key.ShouldBe(keys[5]);
        erased.Record.State.ShouldBeEmpty();
        (await store.ChangedAsync(0, 1000)).Count.ShouldBe(300);
    }

    [RedisFact]
    public async Task Purge_TakesOldTombstonesOnly_AndNoEtagComesBack()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var store = RedisUserStore.Open(redis.Address);
        var etag = await store.SaveAsync(Ann, new byte[] { 1 }, 0);
        await store.EraseAsync(Ann, 1000);
        await store.EraseAsync(Ben, 3000);

        (await store.PurgeTombstonesAsync(2000)).ShouldBe(1);

        (await store.LoadAsync(Ann)).ShouldBe(StoredUser.None);
        (await store.LoadAsync(Ben)).ErasedAtMs.ShouldBe(3000);
        (await store.SaveAsync(Ann, new byte[] { 1 }, 0)).ShouldBeGreaterThan(etag + 1);
    }

    [RedisFact]
    public async Task Killed_EveryCallFailsAtOnce_AndWithinTwoSecondsOfItsReturnNoneDoes()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var store = RedisUserStore.Open(redis.Address);
        var etag = await store.SaveAsync(Ann, new byte[] { 1 }, 0);
        redis.Kill();

        (await Should.ThrowAsync<StoreException>(async () => await store.SaveAsync(Ann, new byte[] { 2 }, etag))).Message.ShouldContain(redis.Address);
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var i = 0; i < 20; i++)
        {
            await Should.ThrowAsync<StoreException>(async () => await store.LoadAsync(Ann));
        }

        System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds.ShouldBeLessThan(2.5);
        await redis.StartAsync();
        await Task.Delay(TimeSpan.FromSeconds(2));
        (await store.LoadAsync(Ann)).State.ShouldBe([1]);
        (await store.SaveAsync(Ann, new byte[] { 3 }, etag)).ShouldBeGreaterThan(etag);
    }

    [RedisFact]
    public async Task Open_WhatDoesNotWork_SaysWhyWithoutThePassword()
    {
        await using var locked = await RedisServer.StartAsync("--requirepass", "hush-hush");
        await using var careless = await RedisServer.StartAsync("--appendonly", "no");

        Should.Throw<StoreException>(() => RedisUserStore.Open("127.0.0.1:1")).Message.ShouldContain("nothing listens there; start Redis");
        var refused = Should.Throw<StoreException>(() => RedisUserStore.Open(locked.Address + ",password=wrong-word"));
        refused.Message.ShouldContain(locked.Address);
        refused.ToString().ShouldNotContain("wrong-word");
        await using (var let = RedisUserStore.Open(locked.Address + ",password=hush-hush"))
        {
            let.IsDurable.ShouldBeTrue();
        }

        await using var open = RedisUserStore.Open(careless.Address);
        open.IsDurable.ShouldBeFalse();
        open.Durability.ShouldContain("appendonly no");
    }

    [RedisFact]
    public async Task Open_RedisIsStillLoading_WaitsForIt()
    {
        await using var redis = await RedisServer.StartAsync("--key-load-delay", "500"); // half a minute for as many keys as follow, were it left to it
        redis.Command("eval", "for i = 1, 60000 do redis.call('SET', 'k' .. i, i) end", "0");
        redis.Kill();
        var started = redis.StartAsync();
        await Eventually.TrueAsync(IsLoading, TimeSpan.FromSeconds(20));

        var opening = Task.Run(() => RedisUserStore.Open(redis.Address));
        await Task.WhenAny(opening, Task.Delay(500));
        opening.IsCompleted.ShouldBeFalse();
        redis.Command("config", "set", "key-load-delay", "0");
        await using var store = await opening;
        await started;

        (await store.SaveAsync(Ann, new byte[] { 1 }, 0)).ShouldBeGreaterThan(0);

        bool IsLoading()
        {
            try
            {
                return redis.Command("ping").StartsWith("LOADING ", StringComparison.Ordinal);
            }
            catch (InvalidOperationException)
            {
                return false; // nobody listens yet
            }
        }
    }

    [RedisFact]
    public async Task Failover_MasterComesBackAsAReplica_TheNewOneIsWrittenTo()
    {
        await using var first = await RedisServer.StartAsync();
        await using var second = await RedisServer.StartAsync("--replicaof", "127.0.0.1", $"{first.Port}");
        await using var store = RedisUserStore.Open($"{first.Address},{second.Address}");
        var etag = await store.SaveAsync(Ann, new byte[] { 1 }, 0);
        first.Command("wait", "1", "60000").Trim().ShouldBe("1");

        second.Command("replicaof", "no", "one");
        first.Command("replicaof", "127.0.0.1", $"{second.Port}");
        var refused = (await Should.ThrowAsync<StoreException>(async () => await store.SaveAsync(Ann, new byte[] { 2 }, etag))).Message;
        await Task.Delay(TimeSpan.FromSeconds(1));

        refused.ShouldContain("name the master, or all of them");
        (await store.SaveAsync(Ann, new byte[] { 2 }, etag)).ShouldBeGreaterThan(etag);
        second.Command("hget", "{b2}:u:00000000000000010000000000000002", "e").Trim().ShouldNotBe($"{etag}");
    }

    /// <summary>Nothing was asked of the store while the other was made the master, so that its client still takes that one for a replica.</summary>
    [RedisFact]
    public async Task Failover_WhileNobodyCalls_MasterOfBeforeIsNotWrittenTo()
    {
        await using var first = await RedisServer.StartAsync();
        await using var second = await RedisServer.StartAsync("--replicaof", "127.0.0.1", $"{first.Port}");
        await using var store = RedisUserStore.Open($"{first.Address},{second.Address}");
        var etag = await store.SaveAsync(Ann, new byte[] { 1 }, 0);
        first.Command("wait", "1", "60000").Trim().ShouldBe("1");
        first.Kill();
        second.Command("replicaof", "no", "one");
        await first.StartAsync();
        await Eventually.TrueAsync(() => first.Command("client", "list").Trim().Split('\n').Length > 2, TimeSpan.FromSeconds(20)); // the store's connections beside the one that asks
        await Task.Delay(TimeSpan.FromSeconds(1));

        var refused = await Should.ThrowAsync<StoreException>(async () => await store.SaveAsync(Ann, new byte[] { 2 }, etag));
        await Task.Delay(TimeSpan.FromSeconds(1));
        refused.Message.ShouldContain("master");
        (await Should.ThrowAsync<StoreException>(async () => await store.SaveAsync(Ann, new byte[] { 2 }, etag))).Message.ShouldContain("both call themselves the master");
        first.Command("replicaof", "127.0.0.1", $"{second.Port}");
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                return await store.SaveAsync(Ann, new byte[] { 2 }, etag) > etag;
            }
            catch (StoreException)
            {
                return false; // it has not been seen yet
            }
        }, TimeSpan.FromSeconds(10));
        second.Command("hget", "{b2}:u:00000000000000010000000000000002", "e").Trim().ShouldNotBe($"{etag}");
    }

    [RedisFact]
    public async Task Failover_MasterOfBeforeComesBackAsOne_IsNotWrittenTo()
    {
        await using var first = await RedisServer.StartAsync();
        await using var second = await RedisServer.StartAsync("--replicaof", "127.0.0.1", $"{first.Port}");
        await using var store = RedisUserStore.Open($"{first.Address},{second.Address}");
        await store.SaveAsync(Ann, new byte[] { 1 }, 0);
        first.Command("wait", "1", "60000").Trim().ShouldBe("1");
        first.Kill();
        second.Command("replicaof", "no", "one");
        var (saved, refused, asked) = (new List<UserKey>(), "", 0ul);
        await SaveForAsync(10, until: () => saved.Count > 0);

        await first.StartAsync(); // nobody has told it yet
        await SaveForAsync(3, until: () => false);
        first.Command("replicaof", "127.0.0.1", $"{second.Port}");
        var before = saved.Count;
        await SaveForAsync(10, until: () => saved.Count > before + 1);

        saved.Count.ShouldBeGreaterThan(before + 1);
        foreach (var user in saved)
        {
            (await store.LoadAsync(user)).ShouldNotBe(StoredUser.None);
        }

        refused.ShouldContain($"{first.Address} and {second.Address} both call themselves the master");

        async Task SaveForAsync(int seconds, Func<bool> until)
        {
            for (var i = 0; i < seconds * 20 && !until(); i++, await Task.Delay(50))
            {
                try
                {
                    var user = new UserKey(++asked, 7);
                    (await store.SaveAsync(user, new byte[] { 1 }, 0)).ShouldBeGreaterThan(0);
                    saved.Add(user);
                }
                catch (StoreException e)
                {
                    refused += e.Message;
                }
            }
        }
    }

    [RedisFact]
    public async Task Rights_ThoseTheReadmeNames_AreEnough_AndFewerAreToldAtTheStart()
    {
        await using var redis = await RedisServer.StartAsync();
        var rights = Regex.Match(File.ReadAllText(Path.Combine(Repository.Root, "README.md")), "needs `(~metarouter:[^`]*)`").Groups[1].Value.Split(' ');
        redis.Command(["acl", "setuser", "named", "on", ">word", .. rights]);
        redis.Command(["acl", "setuser", "less", "on", ">word", .. rights, "-time"]);

        await using var store = RedisUserStore.Open(redis.Address + ",user=named,password=word", "metarouter:");
        await using var less = RedisUserStore.Open(redis.Address + ",user=less,password=word", "metarouter:");

        store.CheckRights();
        store.IsDurable.ShouldBeTrue();
        (await store.SaveAsync(Ann, new byte[] { 1 }, 0)).ShouldBeGreaterThan(0);
        await store.EraseAsync(Ann, 1000);
        (await store.PurgeTombstonesAsync(2000)).ShouldBe(1);
        (await store.WriteValueAsync("v", new byte[] { 1 }, null)).ShouldBeTrue();
        (await store.RemoveValueAsync("v", [1])).ShouldBeTrue();
        Should.Throw<StoreException>(less.CheckRights).Message.ShouldContain("lacks a right; give it those that the README names");
    }

    [RedisFact]
    public async Task Durability_OfARedisThatEvicts_SaysWhatIsLost()
    {
        foreach (var (most, policy, said) in new[]
        {
            ("100mb", "allkeys-lru", "users, and the keys that receipts are sealed with (maxmemory 104857600, maxmemory-policy allkeys-lru); set maxmemory-policy noeviction"),
            ("100mb", "volatile-ttl", "what was spent of budgets (maxmemory 104857600, maxmemory-policy volatile-ttl)"),
            ("100mb", "noeviction", "appendfsync always"),
            ("0", "allkeys-lru", "appendfsync always"),
        })
        {
            await using var redis = await RedisServer.StartAsync("--maxmemory", most, "--maxmemory-policy", policy);
            await using var store = RedisUserStore.Open(redis.Address);

            store.Durability.ShouldContain(said);
            store.IsDurable.ShouldBe(said == "appendfsync always");
        }
    }

    [Theory]
    [InlineData("redis:")]
    [InlineData("redis:127.0.0.1:6379,sll=true,password=secret")]
    public void Options_AddressNobodyUnderstands_IsReportedWithoutThePassword(string store)
    {
        var problems = new MetaRouterOptions { Store = store }.Problems();

        problems.ShouldNotBeEmpty();
        problems.ShouldAllBe(p => !p.Contains("secret"));
    }
}
