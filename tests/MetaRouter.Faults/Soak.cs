using System.Diagnostics;
using System.Globalization;

namespace MetaRouter.Faults;

/// <summary>
/// Two gateways on one Redis under steady load of users who come back, and a random fault in the middle of every minute but the first: what it does to the slowest decisions
/// and to memory, which has no reason to grow once every user was there.
/// </summary>
internal static class Soak
{
    /// <summary>The slowest decisions of a minute, half of the minutes, against the first.</summary>
    private const double MostP99 = 2;

    /// <summary>Megabytes that a gateway's live heap may grow by in a minute, from its second minute on.</summary>
    private const double MostGrowth = 0.5;

    /// <summary>A gateway's resident memory against its own in its second minute.</summary>
    private const double MostResident = 1.5;

    /// <summary>Samples of a life, a minute apart, that a growth is told from; the first, which is of a gateway that is still warming up, aside.</summary>
    private const int LeastSamples = 3;

    private const int UsersEach = 50;

    /// <summary>What a gateway keeps of the last requests is full within a minute: what grows later is something else.</summary>
    private static readonly string[] s_smallJournal = ["--Gateway:ConsoleDecisions", "2000"];

    public static async Task<int> RunAsync(int minutes, int seed = 1)
    {
        var random = new Random(seed);
        await using var world = await World.OnRedisAsync(tellsHeap: true, settings: s_smallJournal);
        using var load = new Load(world, seed, workers: 8, pauseMs: 20, usersEach: UsersEach);
        using var client = new HttpClient();
        var (p99, memory) = (new List<double>(), new List<Sample>());
        var faults = new (string Name, Func<Task> BefallAsync)[]
        {
            ("gateway killed", async () =>
            {
                var victim = world.Gateways[random.Next(2)];
                victim.Kill();
                await victim.StartAsync();
            }),
            ("Redis killed for 3 s", async () =>
            {
                world.Redis.Kill();
                await Task.Delay(3000);
                await world.Redis.StartAsync();
            }),
            ("Redis restarted", async () =>
            {
                world.Redis.Kill();
                await world.Redis.StartAsync();
            }),
            ("Redis paused for 5 s", async () =>
            {
                world.Redis.Pause();
                await Task.Delay(5000);
                world.Redis.Resume();
            }),
            ("Redis full for 5 s", async () =>
            {
                world.Redis.Command("config", "set", "maxmemory", "1");
                await Task.Delay(5000);
                world.Redis.Command("config", "set", "maxmemory", "0");
            }),
            ("Redis slow for 10 s", async () =>
            {
                world.Line.Delay = TimeSpan.FromMilliseconds(100);
                await Task.Delay(10_000);
                world.Line.Delay = default;
            }),
        };
        await load.AckedAsync(500); // warm
        Console.WriteLine("| minute | fault | acknowledged | p50 of decisions, ms | p99, ms | gateways' memory, MB | what they hold of it, MB |");
        Console.WriteLine("|---:|---|---:|---:|---:|---:|---:|");
        for (var minute = 1; minute <= minutes; minute++)
        {
            var (began, acknowledged) = (Stopwatch.GetTimestamp(), load.Acknowledged);
            var fault = minute == 1 ? ("none", () => Task.CompletedTask) : faults[random.Next(faults.Length)];
            await Task.Delay(20_000);
            await fault.Item2();
            var rest = TimeSpan.FromSeconds(60) - Stopwatch.GetElapsedTime(began);
            await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero); // a start can take longer on a busy machine
            p99.Add(load.RoutePercentile(0.99, began));
            var (p50, acked) = (load.RoutePercentile(0.5, began), load.Acknowledged - acknowledged);
            var samples = new Sample[world.Gateways.Count];
            for (var i = 0; i < samples.Length; i++)
            {
                samples[i] = new Sample(i, world.Gateways[i].Life, minute, world.Gateways[i].ResidentMegabytes, await world.Gateways[i].LiveHeapMegabytesAsync(client));
            }

            memory.AddRange(samples);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {minute} | {fault.Item1} | {acked} | {p50:0.0} | {p99[^1]:0.0} | {string.Join(", ", samples.Select(m => m.Resident.ToString("0", CultureInfo.InvariantCulture)))} | {string.Join(", ", samples.Select(m => m.Live.ToString("0.0", CultureInfo.InvariantCulture)))} |"));
        }

        var verdict = await load.CheckAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\nAcknowledged {verdict.Acknowledged}, lost {verdict.Lost}, doubled {verdict.Doubled}, wrong {verdict.Wrong}."));
        foreach (var problem in verdict.Problems.Take(20))
        {
            Console.Error.WriteLine(problem);
        }

        return verdict.IsClean & IsQuick(p99) & IsFlat(memory) ? 0 : 1;
    }

    private static bool IsQuick(List<double> p99)
    {
        var median = p99.Order().ElementAt(p99.Count / 2);
        var isQuick = median <= MostP99 * p99[0];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"p99 of decisions: {median:0.0} ms in the median minute, {p99[0]:0.0} in the first; at most {MostP99} times as much: {(isQuick ? "kept" : "NOT KEPT")}."));
        return isQuick;
    }

    /// <summary>Of each process that lived long enough, since its start: a kill gives back what leaked.</summary>
    internal static bool IsFlat(IReadOnlyList<Sample> memory)
    {
        Sample[][] lives = [.. memory.GroupBy(m => (m.Gateway, m.Life)).Select(life => life.OrderBy(m => m.Minute).Skip(1).ToArray()).Where(life => life.Length >= LeastSamples)];
        if (lives.Length == 0)
        {
            Console.WriteLine($"Memory: NOT KEPT, no gateway lived for {LeastSamples + 1} minutes, and none can be judged.");
            return false;
        }

        var steepest = lives.MaxBy(GrowthOf)!;
        var fattest = lives.MaxBy(TimesOf)!;
        var isFlat = GrowthOf(steepest) <= MostGrowth && TimesOf(fattest) <= MostResident;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Memory of the {lives.Length} gateways that lived for {LeastSamples + 1} minutes or more: what one holds grew by at most {GrowthOf(steepest):0.00} MB a minute ({Told(steepest, m => m.Live)}), at most {MostGrowth}; resident, one has at most {TimesOf(fattest):0.00} times its second minute's ({Told(fattest, m => m.Resident)}), at most {MostResident}: {(isFlat ? "kept" : "NOT KEPT")}."));
        return isFlat;

        static string Told(Sample[] life, Func<Sample, double> of) => string.Create(CultureInfo.InvariantCulture, $"{of(life[0]):0} to {of(life[^1]):0} MB in minutes {life[0].Minute} to {life[^1].Minute}");
        static double TimesOf(Sample[] life) => life[^1].Resident / life[0].Resident;
    }

    /// <summary>Least squares, megabytes a minute.</summary>
    private static double GrowthOf(Sample[] life)
    {
        var (minute, live) = (life.Average(m => (double)m.Minute), life.Average(m => m.Live));
        return life.Sum(m => (m.Minute - minute) * (m.Live - live)) / life.Sum(m => (m.Minute - minute) * (m.Minute - minute));
    }

    /// <summary>A gateway's memory at the end of a minute, megabytes.</summary>
    /// <param name="Life">Of the gateway: how often it was started.</param>
    /// <param name="Live">What is left after a full collection.</param>
    internal sealed record Sample(int Gateway, int Life, int Minute, double Resident, double Live);
}
