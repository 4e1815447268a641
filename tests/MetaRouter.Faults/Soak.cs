using System.Diagnostics;
using System.Globalization;

namespace MetaRouter.Faults;

/// <summary>Two gateways on one Redis under steady load, and a random fault in the middle of every minute but the first: what it does to the slowest decisions and to memory.</summary>
internal static class Soak
{
    public static async Task<int> RunAsync(int minutes, int seed = 1)
    {
        var random = new Random(seed);
        await using var world = await World.OnRedisAsync();
        using var load = new Load(world, seed, workers: 8, pauseMs: 20);
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
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {minute} | {fault.Item1} | {load.Acknowledged - acknowledged} | {load.RoutePercentile(0.5, began):0.0} | {load.RoutePercentile(0.99, began):0.0} | {string.Join(", ", world.Gateways.Select(g => g.ResidentMegabytes.ToString("0", CultureInfo.InvariantCulture)))} |"));
        }

        var verdict = await load.CheckAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\nAcknowledged {verdict.Acknowledged}, lost {verdict.Lost}, doubled {verdict.Doubled}, wrong {verdict.Wrong}."));
        foreach (var problem in verdict.Problems.Take(20))
        {
            Console.Error.WriteLine(problem);
        }

        return verdict.IsClean ? 0 : 1;
    }
}
