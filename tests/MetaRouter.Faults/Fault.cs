using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace MetaRouter.Faults;

/// <param name="HoldSeconds">How long a fault lasts.</param>
/// <param name="PauseSeconds">How long Redis is stopped.</param>
/// <param name="Times">How often what dies dies.</param>
/// <param name="SlowClients">Clients that read a byte ten times a second.</param>
internal sealed record Scale(double HoldSeconds, double PauseSeconds, int Times, int SlowClients)
{
    /// <summary>A pause is longer than the 3 s that a gateway waits for Redis.</summary>
    public static Scale Small { get; } = new(0.5, 4, 1, 100);

    public static Scale Full { get; } = new(10, 30, 10, 1000);
}

/// <summary>What the fault did to the clients.</summary>
/// <param name="RecoverySeconds">From the end of the fault (of a death: from the death) to the first right answer to something asked since, of which docs/faults.md says more.</param>
/// <param name="RouteP99Ms">Of decisions, from the fault's beginning on.</param>
internal sealed record Outcome(string Fault, Verdict Verdict, double RecoverySeconds, double RouteP99Ms, string Note = "");

internal enum Setting
{
    Redis,
    RedisEverySecond,
    Sqlite,
    MovableClock,
    SmallDisk,
}

/// <summary>One fault: what is set up for it, and what is done to it under load.</summary>
internal sealed record Fault(string Name, Setting Setting, Func<World, Scale, Task<Outcome>> BefallAsync)
{
    /// <summary>A client's users, and how many words each says before it is the next one's turn, whose old words are erased first.</summary>
    private const int UsersEach = 3, Turn = 3;

    /// <summary>What slow readers may take of a gateway's memory, megabytes: in all, which is what a garbage collector may leave for later, and each.</summary>
    private const double BaseMegabytes = 60, MostOfAClient = 0.12;

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("gateway killed, SQLite", Setting.Sqlite, (w, s) => DeathsAsync("gateway killed, SQLite", w, s)),
        new("upstream hangs", Setting.Sqlite, (w, s) => UpstreamAsync("upstream hangs", Manner.Hangs, w, s)),
        new("upstream resets mid-stream", Setting.Sqlite, (w, s) => UpstreamAsync("upstream resets mid-stream", Manner.ResetsInTheMiddle, w, s)),
        new("upstream answers garbage", Setting.Sqlite, (w, s) => UpstreamAsync("upstream answers garbage", Manner.SaysGarbage, w, s)),
        new("upstream answers 429", Setting.Sqlite, (w, s) => UpstreamAsync("upstream answers 429", Manner.Says429, w, s)),
        new("slow-reading clients", Setting.Sqlite, SlowClientsAsync),
        new("disk full", Setting.SmallDisk, DiskFullAsync),
        new("clock back an hour", Setting.MovableClock, ClockBackAsync),
        new("SQLite file torn", Setting.Sqlite, TornAsync),
        new("gateway killed, Redis", Setting.Redis, (w, s) => DeathsAsync("gateway killed, Redis", w, s)),
        new("Redis killed", Setting.Redis, RedisKilledAsync),
        new("Redis paused", Setting.Redis, RedisPausedAsync),
        new("Redis full", Setting.Redis, RedisFullAsync),
        new("Redis slow, 100 ms", Setting.Redis, RedisSlowAsync),
        new("Redis restarted from AOF, always", Setting.Redis, (w, s) => RedisRestartedAsync("Redis restarted from AOF, always", w, s)),
        new("Redis flushed", Setting.Redis, RedisFlushedAsync),
        new("Redis restarted from AOF, everysec", Setting.RedisEverySecond, (w, s) => RedisRestartedAsync("Redis restarted from AOF, everysec", w, s)),
    ];

    /// <summary>All that befalls a file on a disk with room, in one world, whatever of it this machine can do.</summary>
    public static IEnumerable<Fault> OnOneFile => All.Where(f => f.Setting is Setting.Sqlite || (f.Setting == Setting.MovableClock && GatewayProcess.CanMoveClock));

    public static Task<World> SetUpOneFileAsync() => World.OnSqliteAsync(movesClock: GatewayProcess.CanMoveClock);

    public static Task<World> SetUpAsync(Setting setting) => setting switch
    {
        Setting.Redis => World.OnRedisAsync(),
        Setting.RedisEverySecond => World.OnRedisAsync("everysec"),
        Setting.Sqlite => World.OnSqliteAsync(),
        Setting.MovableClock => World.OnSqliteAsync(movesClock: true),
        _ => World.OnSqliteAsync(diskKilobytes: 16_000),
    };

    /// <summary>Load, the fault, its end, recovery, some more load, and the comparison. Where users' states are at stake, clients erase some of them all the time.</summary>
    /// <param name="chats">Answers are at stake, and no users' states: nobody is erased.</param>
    /// <param name="befall">Returns when the fault has ended; of deaths it has seen the recovery, and returns it: seconds.</param>
    private static async Task<Outcome> UnderLoadAsync(string name, World world, Func<Load, Task<(long Ended, double? Recovery)>> befall, bool chats = false, bool erases = true, string note = "")
    {
        using var load = new Load(world, chats: chats, usersEach: erases && !chats ? UsersEach : int.MaxValue, turn: erases && !chats ? Turn : Load.MostSignals);
        await load.AckedAsync(50);
        var began = Stopwatch.GetTimestamp();
        var (ended, recovery) = await befall(load);
        recovery ??= await load.RecoveredAsync(ended);
        await load.AckedAsync(load.Acknowledged + 50);
        return new Outcome(name, await load.CheckAsync(), recovery.Value, load.RoutePercentile(0.99, began), note);
    }

    private static Task HoldAsync(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds));

    /// <summary>Each time until the one that died acknowledges something itself, whatever others did meanwhile; the longest counts.</summary>
    private static Task<Outcome> DeathsAsync(string name, World world, Scale scale) => UnderLoadAsync(name, world, async load =>
    {
        var longest = 0.0;
        for (var i = 0; i < scale.Times; i++)
        {
            await load.AckedAsync(load.Acknowledged + 50);
            var at = i % world.Gateways.Count;
            var died = Stopwatch.GetTimestamp();
            world.Gateways[at].Kill();
            await world.Gateways[at].StartAsync();
            longest = Math.Max(longest, await load.RecoveredAsync(died, at));
        }

        return (0, longest);
    }, note: FormattableString.Invariant($"{scale.Times} times, the longest recovery of them"));

    private static Task<Outcome> RedisRestartedAsync(string name, World world, Scale scale) => UnderLoadAsync(name, world, async load =>
    {
        var longest = 0.0;
        for (var i = 0; i < scale.Times; i++)
        {
            await load.AckedAsync(load.Acknowledged + 50);
            world.Redis.Kill();
            var died = Stopwatch.GetTimestamp(); // what was asked before may still have been answered
            await world.Redis.StartAsync();
            longest = Math.Max(longest, await load.RecoveredAsync(died));
        }

        return (0, longest);
    }, note: FormattableString.Invariant($"its process killed {scale.Times} times, the longest recovery of them"));

    private static Task<Outcome> RedisKilledAsync(World world, Scale scale) => UnderLoadAsync("Redis killed", world, async _ =>
    {
        world.Redis.Kill();
        await HoldAsync(scale.HoldSeconds);
        var ended = Stopwatch.GetTimestamp();
        await world.Redis.StartAsync();
        return (ended, null);
    }, note: FormattableString.Invariant($"away {scale.HoldSeconds} s; its start is part of the recovery"));

    private static Task<Outcome> RedisPausedAsync(World world, Scale scale) => UnderLoadAsync("Redis paused", world, async _ =>
    {
        world.Redis.Pause();
        await HoldAsync(scale.PauseSeconds);
        world.Redis.Resume();
        return (Stopwatch.GetTimestamp(), null);
    }, note: FormattableString.Invariant($"SIGSTOP for {scale.PauseSeconds} s"));

    private static Task<Outcome> RedisFullAsync(World world, Scale scale) => UnderLoadAsync("Redis full", world, async load =>
    {
        world.Redis.Command("config", "set", "maxmemory-policy", "noeviction");
        world.Redis.Command("config", "set", "maxmemory", "1");
        await HoldAsync(0.2); // what was on its way
        var before = load.Acknowledged;
        await HoldAsync(scale.HoldSeconds);
        load.Acknowledged.ShouldBe(before, "a full Redis takes nothing");
        world.Redis.Command("config", "set", "maxmemory", "0");
        return (Stopwatch.GetTimestamp(), null);
    }, note: FormattableString.Invariant($"maxmemory reached, noeviction, {scale.HoldSeconds} s"));

    private static Task<Outcome> RedisSlowAsync(World world, Scale scale) => UnderLoadAsync("Redis slow, 100 ms", world, async load =>
    {
        world.Line.Delay = TimeSpan.FromMilliseconds(100);
        var before = load.Acknowledged;
        await HoldAsync(scale.HoldSeconds);
        load.Acknowledged.ShouldBeGreaterThan(before, "slow is not away");
        world.Line.Delay = default;
        return (Stopwatch.GetTimestamp(), null);
    }, note: FormattableString.Invariant($"100 ms each way, {scale.HoldSeconds} s"));

    /// <summary>
    /// Nothing said before can be kept. It is noticed by both gateways within two seconds, nobody goes without an answer, and all that is counted in answer to something said afterwards is
    /// kept, before it was noticed too.
    /// </summary>
    private static async Task<Outcome> RedisFlushedAsync(World world, Scale scale)
    {
        using var before = new Load(world);
        await before.AckedAsync(100);
        var began = before.History.Next();
        var flushed = Stopwatch.GetTimestamp();
        world.Redis.Command("flushall");
        before.History.Add(new Destroyed(began, before.History.Next()));
        var acknowledged = before.Acknowledged;
        using var client = new HttpClient();
        foreach (var gateway in world.Gateways)
        {
            await RouterContract.Eventually.TrueAsync(async () => JsonNode.Parse(await client.GetStringAsync(new Uri(gateway.Url + "/health")))!["store_lost_at"] is not null, TimeSpan.FromSeconds(5));
            await RouterContract.Eventually.TrueAsync(() => Task.FromResult(gateway.Log.Contains("The store was emptied", StringComparison.Ordinal)), TimeSpan.FromSeconds(5));
        }

        var (noticed, unnoticed) = (Stopwatch.GetElapsedTime(flushed).TotalSeconds, before.Acknowledged - acknowledged);
        unnoticed.ShouldBeGreaterThan(0, "else nothing was said before it was noticed");
        var recovery = await before.RecoveredAsync(flushed);
        var across = await before.CheckAsync();
        using var after = new Load(world, usersEach: UsersEach, turn: Turn);
        await after.AckedAsync(200);
        await HoldAsync(scale.HoldSeconds);
        var verdict = across with { Acknowledged = unnoticed } + await after.CheckAsync();

        // The keys are back: a gateway that starts now is one of them.
        world.Gateways[0].Kill();
        await world.Gateways[0].StartAsync();
        using var restarted = new Load(world);
        await restarted.AckedAsync(50);
        verdict += await restarted.CheckAsync();
        return new Outcome(
            "Redis flushed", verdict, recovery, before.RoutePercentile(0.99, flushed),
            FormattableString.Invariant($"destroyed: counted from there on; both gateways have reported it after {noticed:0.00} s, and the {unnoticed} words acknowledged till then are kept"));
    }

    private static Task<Outcome> DiskFullAsync(World world, Scale scale)
    {
        var ballast = world.Path + ".ballast";
        return UnderLoadAsync("disk full", world, async load =>
        {
            using (var file = new FileStream(ballast, FileMode.Create, FileAccess.Write, FileShare.None, 0))
            {
                try
                {
                    for (var block = new byte[4096]; ;)
                    {
                        file.Write(block);
                    }
                }
                catch (IOException)
                {
                    // Full.
                }
            }

            await HoldAsync(0.5); // what the files had room for
            var before = load.Acknowledged;
            await HoldAsync(scale.HoldSeconds);
            load.Acknowledged.ShouldBeLessThanOrEqualTo(before + 50, "a full disk takes nothing more");
            File.Delete(ballast);
            return (Stopwatch.GetTimestamp(), null);
        }, note: FormattableString.Invariant($"{scale.HoldSeconds} s"));
    }

    /// <summary>And forward again. Users are erased until it goes back: all of them but the newest have to wait until it is there again.</summary>
    private static Task<Outcome> ClockBackAsync(World world, Scale scale) => UnderLoadAsync("clock back an hour", world, async load =>
    {
        using var client = new HttpClient();
        var gateway = world.Gateways[0];
        await load.AckedAsync(150); // every user was erased by then
        var before = await DecisionAsync(client, gateway);
        var erased = await DecisionAsync(client, gateway, "gone");
        await EraseAsync(client, gateway, "gone");
        load.Erases = false;
        gateway.MoveClock(-3600);
        await SeesAsync(client, gateway, -3600);
        await IsFromTheFutureAsync(client, gateway, before);
        var meanwhile = await DecisionAsync(client, gateway);
        await CountsAsync(client, gateway, meanwhile);
        var inTheHour = await DecisionAsync(client, gateway, "gone");
        await IsFromTheFutureAsync(client, gateway, inTheHour, "gone"); // erased at a time that is yet to come, and decided later than that
        await HoldAsync(scale.HoldSeconds);
        gateway.MoveClock(0);
        await SeesAsync(client, gateway, 0);
        var there = Stopwatch.GetTimestamp();
        await CountsAsync(client, gateway, before);
        (await SayAsync(client, gateway, erased, "gone")).Status.ShouldBe(410, "decided before the erasure");
        await CountsAsync(client, gateway, inTheHour, "gone");
        await CountsAsync(client, gateway, await DecisionAsync(client, gateway, "gone"), "gone");
        load.Erases = true;
        return (there, null);
    }, note: FormattableString.Invariant($"{scale.HoldSeconds} s, and forward again, from when recovery is counted: what was decided before, refused meanwhile, counts again"));

    private static Task SeesAsync(HttpClient client, GatewayProcess gateway, int seconds) => RouterContract.Eventually.TrueAsync(
        async () => (await DateAsync(client, gateway) - DateTimeOffset.UtcNow.AddSeconds(seconds))?.Duration() < TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(20)); // it looks once a second

    private static async Task EraseAsync(HttpClient client, GatewayProcess gateway, string user)
    {
        using var answer = await client.DeleteAsync(new Uri($"{gateway.Url}/v1/router/users/{user}"));
        ((int)answer.StatusCode).ShouldBe(200);
    }

    private static async Task CountsAsync(HttpClient client, GatewayProcess gateway, string receipt, string user = "alone")
    {
        var (status, body) = await SayAsync(client, gateway, receipt, user);
        (status, (bool?)body?["counted"]).ShouldBe((200, true), $"feedback of {user} is answered by {body?.ToJsonString()}");
    }

    private static async Task IsFromTheFutureAsync(HttpClient client, GatewayProcess gateway, string receipt, string user = "alone")
    {
        var (status, body) = await SayAsync(client, gateway, receipt, user);
        (status == 400 && Load.IsFromTheFuture(body)).ShouldBeTrue($"a gateway whose clock went back answers {status} {body?.ToJsonString()} to feedback on a decision of before");
    }

    private static async Task<DateTimeOffset?> DateAsync(HttpClient client, GatewayProcess gateway)
    {
        using var answer = await client.GetAsync(new Uri(gateway.Url + "/alive"));
        return answer.Headers.Date;
    }

    /// <returns>The receipt.</returns>
    private static async Task<string> DecisionAsync(HttpClient client, GatewayProcess gateway, string user = "alone")
    {
        var (status, answer) = await Load.PostAsync(client, gateway.Url + "/v1/router/route", new JsonObject { ["user"] = user, ["input"] = "What is 2 + 2?" });
        status.ShouldBe(200, answer?.ToJsonString());
        return (string)answer!["receipt"]!;
    }

    private static Task<(int Status, JsonNode? Body)> SayAsync(HttpClient client, GatewayProcess gateway, string receipt, string user = "alone") =>
        Load.PostAsync(client, gateway.Url + "/v1/router/feedback", new JsonObject { ["receipt"] = receipt, ["user"] = user, ["kind"] = "thumb", ["value"] = 1 });

    /// <summary>Nothing said before can be read. The file is set aside as it was, and all that is said afterwards is kept.</summary>
    private static async Task<Outcome> TornAsync(World world, Scale scale)
    {
        IReadOnlyList<string> wrong;
        using (var before = new Load(world))
        {
            await before.AckedAsync(200);
            wrong = await before.StopAsync();
        }

        wrong.ShouldBeEmpty();

        var gateway = world.Gateways[0];
        gateway.Kill();
        File.Delete(world.Path + "-wal"); // a backup that took the file alone
        using (var file = new FileStream(world.Path, FileMode.Open, FileAccess.ReadWrite))
        {
            var noise = new byte[8192];
            new Random(1).NextBytes(noise);
            file.Position = Math.Min(4096, file.Length);
            file.Write(noise);
        }

        var torn = await File.ReadAllBytesAsync(world.Path);
        var began = Stopwatch.GetTimestamp();
        await gateway.StartAsync("--MetaRouter:SetTornStoreAside", "true");
        gateway.Log.ShouldContain("was set aside as");
        var aside = Directory.GetFiles(Path.GetDirectoryName(world.Path)!, "users.db.torn-*").Single(f => !f.EndsWith("-wal", StringComparison.Ordinal) && !f.EndsWith("-shm", StringComparison.Ordinal));
        (await File.ReadAllBytesAsync(aside)).ShouldBe(torn);

        using (var client = new HttpClient())
        {
            var (status, answer) = await SayAsync(client, gateway, await DecisionAsync(client, gateway));
            (status, (bool?)answer?["counted"]).ShouldBe((200, true), "it goes on with a new file");
        }

        var recovery = Stopwatch.GetElapsedTime(began).TotalSeconds;

        // The new file's keys are its own; the clients' are put there, as from a backup.
        gateway.Kill();
        foreach (var part in (string[])["", "-wal", "-shm"])
        {
            File.Delete(world.Path + part);
        }

        await using (var store = Hosting.Stores.SqliteUserStore.Open(world.Path))
        {
            await store.WriteValueAsync("secrets.v1", World.Keys, null);
        }

        await gateway.StartAsync();
        using var after = new Load(world, usersEach: UsersEach, turn: Turn);
        await after.AckedAsync(100);
        await HoldAsync(scale.HoldSeconds);
        return new Outcome("SQLite file torn", await after.CheckAsync(), recovery, after.RoutePercentile(0.99), "destroyed: counted from there on; recovery is from the start that sets it aside");
    }

    private static Task<Outcome> UpstreamAsync(string name, Manner manner, World world, Scale scale) => UnderLoadAsync(name, world, async _ =>
    {
        world.Upstream.Manner = manner;
        await HoldAsync(scale.HoldSeconds);
        world.Upstream.Manner = Manner.Well;
        return (Stopwatch.GetTimestamp(), null);
    }, chats: true, note: FormattableString.Invariant($"{scale.HoldSeconds} s; p99 is of whole answers"));

    private static async Task<Outcome> SlowClientsAsync(World world, Scale scale)
    {
        var megabytes = 0.0;
        var outcome = await UnderLoadAsync("slow-reading clients", world, async _ =>
        {
            world.Upstream.Manner = Manner.Floods;
            using var end = new CancellationTokenSource();
            var before = world.Gateways[0].ResidentMegabytes;
            var begun = 0;
            var reading = Enumerable.Range(0, scale.SlowClients).Select(i => ReadSlowlyAsync(new Uri(world.Gateways[0].Url).Port, i, () => Interlocked.Increment(ref begun), end.Token)).ToArray();
            await HoldAsync(scale.HoldSeconds);
            await RouterContract.Eventually.TrueAsync(() => Volatile.Read(ref begun) == scale.SlowClients, TimeSpan.FromSeconds(60)); // all of them are slow, at once
            megabytes = world.Gateways[0].ResidentMegabytes - before;
            reading.Count(r => r.IsCompleted).ShouldBe(0, "nobody is done, or cut off");
            await end.CancelAsync();
            await Task.WhenAll(reading);
            megabytes.ShouldBeLessThan(BaseMegabytes + (scale.SlowClients * MostOfAClient), "answers wait at the upstream: in memory they would be a megabyte each");
            world.Upstream.Manner = Manner.Well;
            return (Stopwatch.GetTimestamp(), null);
        });
        return outcome with { Note = string.Create(CultureInfo.InvariantCulture, $"{scale.SlowClients} clients, all of them reading, a megabyte each, {scale.HoldSeconds} s: {megabytes:0} MB more") };
    }

    /// <summary>Asks until an answer begins, and reads that one slowly.</summary>
    /// <param name="begin">Called when it has begun.</param>
    private static async Task ReadSlowlyAsync(int port, int client, Action begin, CancellationToken end)
    {
        try
        {
            for (var isAnswered = false; !isAnswered; await Task.Delay(200, end))
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
                await socket.ConnectAsync(IPAddress.Loopback, port, end);
                var body = $$"""{"model":"auto","stream":true,"messages":[{"role":"user","content":"slow {{client}}"}]}""";
                await socket.SendAsync(Encoding.ASCII.GetBytes($"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"), end);
                await using var stream = new NetworkStream(socket);
                var status = new byte["HTTP/1.1 200".Length];
                await stream.ReadAtLeastAsync(status, status.Length, throwOnEndOfStream: false, end);
                isAnswered = Encoding.ASCII.GetString(status) == "HTTP/1.1 200";
                if (isAnswered)
                {
                    begin();
                }

                for (var one = new byte[1]; isAnswered && await stream.ReadAsync(one, end) > 0;)
                {
                    await Task.Delay(100, end);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException)
        {
            // It leaves, or was cut off: both are answers to slowness.
        }
    }
}
