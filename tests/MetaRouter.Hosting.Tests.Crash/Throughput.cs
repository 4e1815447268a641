using System.Diagnostics;
using System.Globalization;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Hosting.Tests.Crash;

/// <summary>Decisions a second, durable feedback a second with 64 in flight, and how long feedback takes at half that rate and at a given one.</summary>
internal static class Throughput
{
    private const int InFlight = 64;
    private const int Users = 20_000;
    private const int MostFeedback = 50_000; // a second: more than two cores acknowledge
    private const string Question = "A train leaves at 9:40 and arrives at 13:05 after 273 km. What was its mean speed, and how long would the way back take at 90 km/h?";

    /// <param name="store">A SQLite file's path, or <c>redis:HOST:PORT</c>.</param>
    /// <param name="given">Words a second.</param>
    public static async Task RunAsync(string store, double seconds, double given)
    {
        await using var host = await Host.OpenAsync(store);
        await ForAsync(0.5, async i => await host.Router.RouteAsync("bench", User(i), new RouteRequest(Question)));
        Report("decisions", await ForAsync(seconds, async i => await host.Router.RouteAsync("bench", User(i), new RouteRequest(Question))), seconds);

        var receipts = new string[(int)(MostFeedback * seconds * 2)];
        await Parallel.ForAsync(0, receipts.Length, async (i, ct) => receipts[i] = (await host.Router.RouteAsync("bench", User(i), new RouteRequest(Question), ct)).Token);
        var clock = Stopwatch.StartNew();
        var sent = await ForAsync(seconds, SayAsync, receipts.Length);
        var rate = sent / clock.Elapsed.TotalSeconds;
        Report("durable feedback", sent, clock.Elapsed.TotalSeconds);

        var half = await PacedAsync(rate / 2, sent + InFlight);
        var slow = await PacedAsync(given, sent + InFlight + (long)(rate / 2 * seconds) + 1);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"LINE {rate:0} {rate / 2:0} {At(half, 0.5):0.00} {At(half, 0.99):0.00} {At(slow, 0.5):0.00} {At(slow, 0.99):0.00}"));

        async Task SayAsync(long i)
        {
            var result = await host.Router.LearnAsync("bench", User(i), new Feedback(receipts[i], FeedbackKind.Thumb, 1));
            if (!result.Counted)
            {
                throw new InvalidOperationException($"Feedback was not counted: {result.Outcome} {result.Receipt.Message}");
            }
        }

        // Each word is said when it is due, whatever became of those before it, and counts from then. Sorted milliseconds.
        async Task<double[]> PacedAsync(double rate, long first)
        {
            var (words, started) = (new Task<double>[(int)Math.Min(rate * seconds, receipts.Length - first)], Stopwatch.GetTimestamp());
            for (var n = 0; n < words.Length; n++)
            {
                var (due, i) = (TimeSpan.FromSeconds(n / rate), first + n);
                if (due - Stopwatch.GetElapsedTime(started) is var wait && wait > TimeSpan.Zero)
                {
                    await Task.Delay(wait);
                }

                words[n] = Task.Run(async () =>
                {
                    await SayAsync(i);
                    return (Stopwatch.GetElapsedTime(started) - due).TotalMilliseconds;
                });
            }

            var latencies = await Task.WhenAll(words);
            Array.Sort(latencies);
            return latencies;
        }
    }

    private static double At(double[] sorted, double p) => sorted[(int)(p * (sorted.Length - 1))];

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
