using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Hosting.Tests.Crash;

/// <summary>Sends feedback from 32 workers and prints each piece once it is acknowledged: user, decision time, nonce. Runs until it is killed.</summary>
internal static class FeedbackUntilKilled
{
    public const string Tenant = "crash";

    public static async Task RunAsync(string path)
    {
        await using var host = await Host.OpenAsync(path);
        var gate = new Lock();
        Console.WriteLine("ready");
        await Task.WhenAll(Enumerable.Range(0, 32).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; ; i++)
            {
                // Neighbours share users, so that one user's signals come from several workers; no user gets more than a window holds.
                var user = $"{Environment.ProcessId}-{worker / 2}-{i / 16}";
                var decision = await host.Router.RouteAsync(Tenant, user, new RouteRequest($"question {i}"));
                var feedback = new Feedback(decision.Token, FeedbackKind.Thumb, (byte)(i & 1));
                var result = await host.Router.LearnAsync(Tenant, user, feedback);
                if (i % 7 == 0)
                {
                    await host.Router.LearnAsync(Tenant, user, feedback); // a client that retries
                }

                var line = FormattableString.Invariant($"{user} {decision.Receipt.DecisionTimeMs} {decision.Receipt.Nonce}\n");
                lock (gate)
                {
                    if (result.Counted)
                    {
                        Console.Out.Write(line);
                        Console.Out.Flush();
                    }
                }
            }
        })));
    }
}
