using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting.Tests.Crash;

/// <summary>How many bytes the router keeps of a user, beside the store's: of so many who said so much, each of whom asks, says one word more, looks at what is believed, and asks again.</summary>
internal static class EachUser
{
    private const string Tenant = "each";

    public static async Task RunAsync(int users, int signals)
    {
        var store = new MemoryUserStore();
        await using var host = await Host.OverAsync(store, usersInMemory: 4 * users); // all of them stay
        var first = users / 2;
        for (var i = 0; i < first + users; i++)
        {
            // What the store keeps is there before: measured is what the router keeps beside it.
            await store.SaveAsync(new UserKey(IdentityHash.Compute(host.Secrets.IdentitySecret, Tenant), host.Secrets.HashOf(Tenant, Name(i))), UserStates.Of(i, signals - 1).ToBytes(), 0);
        }

        // Whatever is made once, for whoever comes, is there before as well.
        await LiveAsync(host, 0, first);
        var before = Alive();
        await LiveAsync(host, first, first + users);
        var each = (Alive() - before) / users;
        var one = await host.Router.GetUserAsync(Tenant, Name(first));
        Console.WriteLine(FormattableString.Invariant($"{each} bytes a user of {one.State.Signals.Length} signals on {one.Belief.Topics.Count} topics, of them {one.State.ToBytes().Length} of the record"));
    }

    private static async Task LiveAsync(Host host, int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            var decision = await host.Router.RouteAsync(Tenant, Name(i), new RouteRequest("Which planet has the most moons?"));
            var learned = await host.Router.LearnAsync(Tenant, Name(i), new Feedback(decision.Token, FeedbackKind.Thumb, 1));
            if (!learned.Counted || Explanation.Of(learned.User!).Length == 0)
            {
                throw new InvalidOperationException($"The word of {Name(i)} was not counted: {learned.Outcome}");
            }

            await host.Router.RouteAsync(Tenant, Name(i), new RouteRequest("And which has none?"));
        }
    }

    private static long Alive()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static string Name(int user) => FormattableString.Invariant($"user {user}");
}
