using System.Diagnostics;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Hosting.Tests.Crash;

/// <summary>So many users in one process: a decision for each, feedback from one in ten; then a restart that looks every one of those up.</summary>
internal static class ManyUsers
{
    public static async Task<int> RunAsync(string path, int users)
    {
        var clock = Stopwatch.StartNew();
        await using (var host = await Host.OpenAsync(path, usersInMemory: users))
        {
            Report($"opened", clock);
            await Parallel.ForAsync(0, users, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, ct) =>
            {
                var decision = await host.Router.RouteAsync("many", Name(i), new RouteRequest("What is the capital of France?"), ct);
                if (i % 10 == 0)
                {
                    await host.Router.LearnAsync("many", Name(i), new Feedback(decision.Token, FeedbackKind.Thumb, (byte)(i / 10 & 1)), ct);
                }
            });
            Report($"{users} users routed, {(users + 9) / 10} of them learned from", clock);
        }

        clock.Restart();
        var lost = 0;
        await using (var host = await Host.OpenAsync(path, usersInMemory: users))
        {
            Report("reopened", clock);
            await Parallel.ForAsync(0, (users + 9) / 10, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, ct) =>
            {
                var user = await host.Router.GetUserAsync("many", Name(i * 10), ct);
                if (user.State.Signals.Length != 1 || user.State.Signals[0].Value != (byte)(i & 1))
                {
                    Interlocked.Increment(ref lost);
                }
            });
        }

        Report($"every one of them looked up after a restart, lost {lost}", clock);
        Console.WriteLine(FormattableString.Invariant($"peak_rss_bytes {PeakBytes()} lost {lost} file_bytes {new FileInfo(path).Length}"));
        return lost == 0 ? 0 : 1;
    }

    private static string Name(int i) => FormattableString.Invariant($"user-{i}");

    private static void Report(string what, Stopwatch clock) =>
        Console.WriteLine(FormattableString.Invariant($"{clock.Elapsed.TotalSeconds:0.0} s: {what}; peak resident {PeakBytes() / 1048576.0:0} MB"));

    private static long PeakBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
