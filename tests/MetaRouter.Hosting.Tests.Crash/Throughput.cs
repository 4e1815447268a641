using System.Diagnostics;
using System.Globalization;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Hosting.Tests.Crash;

/// <summary>Decisions a second, durable feedback a second with 64 in flight, and how long feedback takes at half that rate.</summary>
internal static class Throughput
{
    private const int InFlight = 64;
    private const int Users = 20_000;
    private const int MostFeedback = 40_000; // a second: more than two cores acknowledge
    private const string Question = "A train leaves at 9:40 and arrives at 13:05 after 273 km. What was its mean speed, and how long would the way back take at 90 km/h?";

    /// <param name="store">A SQLite file's path, or <c>redis:HOST:PORT</c>.</param>
    public static async Task RunAsync(string store, double seconds)
    {
        await using var host = await Host.OpenAsync(store);
        await ForAsync(0.5, async i => await host.Router.RouteAsync("bench", User(i), new RouteRequest(Question)));
        Report("decisions", await ForAsync(seconds, async i => await host.Router.RouteAsync("bench", User(i), new RouteRequest(Question))), seconds);

        var receipts = new string[(int)(MostFeedback * seconds * 3 / 2)];
        await Parallel.ForAsync(0, receipts.Length, async (i, ct) => receipts[i] = (await host.Router.RouteAsync("bench", User(i), new RouteRequest(Question), ct)).Token);
        var clock = Stopwatch.StartNew();
        var sent = await ForAsync(seconds, SayAsync, receipts.Length);
        var rate = sent / clock.Elapsed.TotalSeconds;
        Report("durable feedback", sent, clock.Elapsed.TotalSeconds);

        var (half, latencies) = (rate / 2, new List<double>());
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(worker => PacedAsync(worker, half)));
        latencies.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"LINE {rate:0} {half:0} {latencies[latencies.Count / 2]:0.00} {latencies[(int)(0.99 * (latencies.Count - 1))]:0.00}"));

        async Task SayAsync(long i)
        {
            var result = await host.Router.LearnAsync("bench", User(i), new Feedback(receipts[i], FeedbackKind.Thumb, 1));
            if (!result.Counted)
            {
                throw new InvalidOperationException($"Feedback was not counted: {result.Outcome} {result.Receipt.Message}");
            }
        }

        // Each worker has its own beat; what is late counts from when it was due, if it was held up by the word before it.
        async Task PacedAsync(int worker, double rate)
        {
            var (own, free) = (new List<double>(), 0.0);
            var started = Stopwatch.GetTimestamp();
            for (var n = 0; ; n++)
            {
                var (due, i) = (((n * InFlight) + worker) / rate, sent + InFlight + (n * InFlight) + worker);
                if (due >= seconds || i >= receipts.Length)
                {
                    break;
                }

                if (TimeSpan.FromSeconds(due) - Stopwatch.GetElapsedTime(started) is var wait && wait > TimeSpan.Zero)
                {
                    await Task.Delay(wait);
                }

                var from = free > due ? due : Stopwatch.GetElapsedTime(started).TotalSeconds;
                await SayAsync(i);
                free = Stopwatch.GetElapsedTime(started).TotalSeconds;
                own.Add((free - from) * 1000);
            }

            lock (latencies)
            {
                latencies.AddRange(own);
            }
        }
    }

    private static string User(long i) => FormattableString.Invariant($"user-{i % Users}");

    private static void Report(string what, long count, double seconds) => Console.WriteLine(FormattableString.Invariant($"{what}: {count / seconds:0}/s ({InFlight} in flight, {count} in {seconds:0.0} s)"));

    private static async Task<long> ForAsync(double seconds, Func<long, Task> act, long most = long.MaxValue)
    {
        var (next, done, clock) = (-1L, 0L, Stopwatch.StartNew());
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(_ => Task.Run(async () =>
        {
            while (clock.Elapsed.TotalSeconds < seconds && Interlocked.Increment(ref next) is var i && i < most)
            {
                await act(i);
                Interlocked.Increment(ref done);
            }
        })));
        return done;
    }
}
