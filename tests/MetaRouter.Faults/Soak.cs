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

    /// <summary>The gateways' memory in the last minutes against that of the first ones after the start.</summary>
    private const double MostMemory = 1.5;

    private const int UsersEach = 50, Settled = 5, Compared = 10; // minutes

    public static async Task<int> RunAsync(int minutes, int seed = 1)
    {
        var random = new Random(seed);
        await using var world = await World.OnRedisAsync();
        using var load = new Load(world, seed, workers: 8, pauseMs: 20, usersEach: UsersEach);
        var (p99, memory) = (new List<double>(), new List<double>());
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
        Console.WriteLine("| minute | fault | acknowledged | p50 of decisions, ms | p99, ms | gateways' memory, MB |");
        Console.WriteLine("|---:|---|---:|---:|---:|---:|");
        for (var minute = 1; minute <= minutes; minute++)
        {
            var (began, acknowledged) = (Stopwatch.GetTimestamp(), load.Acknowledged);
            var fault = minute == 1 ? ("none", () => Task.CompletedTask) : faults[random.Next(faults.Length)];
            await Task.Delay(20_000);
            await fault.Item2();
            var rest = TimeSpan.FromSeconds(60) - Stopwatch.GetElapsedTime(began);
            await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero); // a start can take longer on a busy machine
            var resident = world.Gateways.Select(g => g.ResidentMegabytes).ToArray();
            p99.Add(load.RoutePercentile(0.99, began));
            memory.Add(resident.Sum());
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {minute} | {fault.Item1} | {load.Acknowledged - acknowledged} | {load.RoutePercentile(0.5, began):0.0} | {p99[^1]:0.0} | {string.Join(", ", resident.Select(m => m.ToString("0", CultureInfo.InvariantCulture)))} |"));
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

    private static bool IsFlat(List<double> memory)
    {
        if (memory.Count < Settled + (2 * Compared))
        {
            Console.WriteLine($"Memory: not judged in less than {Settled + (2 * Compared)} minutes.");
            return true;
        }

        var (first, last) = (memory.Skip(Settled).Take(Compared).Average(), memory.TakeLast(Compared).Average());
        var isFlat = last <= MostMemory * first;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Memory of both gateways: {last:0} MB in the last {Compared} minutes, {first:0} in minutes {Settled + 1} to {Settled + Compared}; at most {MostMemory} times as much: {(isFlat ? "kept" : "NOT KEPT")}."));
        return isFlat;
    }
}
