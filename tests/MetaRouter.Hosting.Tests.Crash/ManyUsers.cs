using System.Diagnostics;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Hosting.Tests.Crash;

/// <summary>
/// So many users in one process: a decision for each, feedback from one in ten, or so many words of everyone and one more decision; then a restart that looks every one of
/// those up.
/// </summary>
internal static class ManyUsers
{
    /// <param name="words">Of everyone, each on a decision of its own; null: one of one user in ten.</param>
    public static async Task<int> RunAsync(string path, int users, int? words = null)
    {
        var (each, of) = (words ?? 1, words is null ? 10 : 1);
        var room = 2 * users; // the cache keeps half of it or more: all of them stay
        var clock = Stopwatch.StartNew();
        await using (var host = await Host.OpenAsync(path, usersInMemory: room))
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            Report($"opened", clock);
            await Parallel.ForAsync(0, users, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, ct) =>
            {
                for (var word = 0; word < each && i % of == 0; word++)
                {
                    var decision = await RouteAsync(host, i, ct);
                    await host.Router.LearnAsync("many", Name(i), new Feedback(decision.Token, FeedbackKind.Thumb, (byte)(i / of & 1)), ct);
                }

                if (words > 0 || i % of != 0)
                {
                    await RouteAsync(host, i, ct);
                }
            });
            Report($"{users} users routed, {(users + of - 1) / of} of them learned from, {each} {(each == 1 ? "word" : "words")} each", clock);
            Console.WriteLine(FormattableString.Invariant($"heap a user: {(GC.GetTotalMemory(forceFullCollection: true) - before) / users} bytes"));
        }

        clock.Restart();
        var lost = 0;
        await using (var host = await Host.OpenAsync(path, usersInMemory: room))
        {
            Report("reopened", clock);
            await Parallel.ForAsync(0, (users + of - 1) / of, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, ct) =>
            {
                var user = await host.Router.GetUserAsync("many", Name(i * of), ct);
                if (user.State.Signals.Length != each || user.State.Signals[0].Value != (byte)(i & 1))
                {
                    Interlocked.Increment(ref lost);
                }
            });
        }

        Report($"every one of them looked up after a restart, lost {lost}", clock);
        Console.WriteLine(FormattableString.Invariant($"peak_rss_bytes {PeakBytes()} lost {lost} file_bytes {new FileInfo(path).Length}"));
        return lost == 0 ? 0 : 1;
    }

    private static ValueTask<RouteDecision> RouteAsync(Host host, int i, CancellationToken cancellationToken) =>
        host.Router.RouteAsync("many", Name(i), new RouteRequest("What is the capital of France?"), cancellationToken);

    private static string Name(int i) => FormattableString.Invariant($"user-{i}");

    private static void Report(string what, Stopwatch clock) =>
        Console.WriteLine(FormattableString.Invariant($"{clock.Elapsed.TotalSeconds:0.0} s: {what}; peak resident {PeakBytes() / 1048576.0:0} MB"));

    private static long PeakBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
