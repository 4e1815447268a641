using System.Diagnostics;
using System.Globalization;
using MetaRouter.Faults;
using MetaRouter.Hosting.Stores;

const int MostLog = 4_000; // characters shown of a gateway's log when something is wrong: from what nobody expected, else the end

// Faults at full size, thousands of schedules, and the soak: what infra/faults starts.
switch (args)
{
    case ["names"]:
        Console.WriteLine(string.Join('\n', Fault.All.Select(f => f.Name)));
        return 0;

    case ["run", .. var names]:
        return await RunAsync(names);

    case ["schedules", var count]:
        return await ScheduleAsync(int.Parse(count, CultureInfo.InvariantCulture));

    case ["soak", var minutes]:
        return await Soak.RunAsync(int.Parse(minutes, CultureInfo.InvariantCulture));

    default:
        Console.Error.WriteLine($"names | run [NAME...] | schedules COUNT | soak MINUTES; the names: {string.Join(", ", Fault.All.Select(f => $"'{f.Name}'"))}");
        return 2;
}

// The table goes to standard output, what is wrong to standard error.
static async Task<int> RunAsync(string[] names)
{
    var isClean = true;
    Console.WriteLine("| fault | acknowledged | erased | lost | doubled | wrong | recovery, s | p99 of decisions from the fault on, ms | |");
    Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|---|");
    foreach (var fault in Fault.All.Where(f => names.Length == 0 || names.Contains(f.Name)))
    {
        await using var world = await Fault.SetUpAsync(fault.Setting);
        var outcome = await fault.BefallAsync(world, Scale.Full);
        var verdict = outcome.Verdict;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {outcome.Fault} | {verdict.Acknowledged} | {verdict.Erased} | {verdict.Lost} | {verdict.Doubled} | {verdict.Wrong} | {outcome.RecoverySeconds:0.00} | {outcome.RouteP99Ms:0.0} | {outcome.Note} |"));
        if (!Told(verdict))
        {
            isClean = false;
            foreach (var gateway in world.Gateways)
            {
                var (log, at) = (gateway.Log, gateway.Log.IndexOf("failed unexpectedly", StringComparison.Ordinal));
                Console.Error.WriteLine($"{gateway.Url} logged:\n{(at < 0 ? log[^Math.Min(log.Length, MostLog)..] : log[at..Math.Min(log.Length, at + MostLog)])}");
            }
        }
    }

    return isClean ? 0 : 1;
}

static async Task<int> ScheduleAsync(int count)
{
    var isClean = true;
    Console.WriteLine("| store | schedules | acknowledged | erased | lost | doubled | wrong | seconds |");
    Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|");
    using var folder = new TemporaryFolder();
    await using var redis = await RedisServer.StartAsync();
    foreach (var (name, open) in new (string, Func<IUserStore>)[] { ("SQLite", () => SqliteUserStore.Open(folder.File("users.db"))), ("Redis", () => RedisUserStore.Open(redis.Address)) })
    {
        await using var store = open();
        var watch = Stopwatch.StartNew();
        var verdict = await Schedules.RunManyAsync(store, 1, count);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {count} | {verdict.Acknowledged} | {verdict.Erased} | {verdict.Lost} | {verdict.Doubled} | {verdict.Wrong} | {watch.Elapsed.TotalSeconds:0.0} |"));
        isClean &= Told(verdict);
    }

    return isClean ? 0 : 1;
}

static bool Told(Verdict verdict)
{
    foreach (var problem in verdict.Problems.Take(20))
    {
        Console.Error.WriteLine(problem);
    }

    return verdict.IsClean;
}
