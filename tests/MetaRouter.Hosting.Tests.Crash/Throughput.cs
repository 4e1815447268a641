using System.Diagnostics;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Hosting.Tests.Crash;

/// <summary>Decisions a second, and durable feedback a second with 64 in flight.</summary>
internal static class Throughput
{
    private const int InFlight = 64;
    private const int Users = 20_000;
    private const string Question = "A train leaves at 9:40 and arrives at 13:05 after 273 km. What was its mean speed, and how long would the way back take at 90 km/h?";

    public static async Task RunAsync(string path, double seconds)
    {
        await using var host = await Host.OpenAsync(path);
        await ForAsync(0.5, async i => await host.Router.RouteAsync("bench", User(i), new RouteRequest(Question)));
        Report("decisions", await ForAsync(seconds, async i => await host.Router.RouteAsync("bench", User(i), new RouteRequest(Question))), seconds);

        var decisions = new RouteDecision[Users * 4];
        await Parallel.ForAsync(0, decisions.Length, async (i, ct) => decisions[i] = await host.Router.RouteAsync("bench", User(i), new RouteRequest(Question), ct));
        var clock = Stopwatch.StartNew();
        var sent = await ForAsync(seconds, async i =>
        {
            var result = await host.Router.LearnAsync("bench", User(i), new Feedback(decisions[i].Token, FeedbackKind.Thumb, 1));
            if (!result.Counted)
            {
                throw new InvalidOperationException($"Feedback was not counted: {result.Outcome} {result.Receipt.Message}");
            }
        }, decisions.Length);
        Report("durable feedback", sent, clock.Elapsed.TotalSeconds);
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
