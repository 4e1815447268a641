using System.Globalization;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using Xunit.Abstractions;

namespace MetaRouter.Hosting.Tests;

/// <summary>What is in memory is the test's own only while no other test runs.</summary>
[Collection(Stores.Alone.Name)]
public sealed class UserMemoryTests(ITestOutputHelper output)
{
    private const string Tenant = "acme";
    private const int Users = 1_000, Rounds = 3;

    /// <summary>What the router keeps beside the store. 900 bytes are asked, which a full window does not keep: its record alone takes as much where every signal has a wait and a topic.</summary>
    [Theory]
    [InlineData(1, 900)]
    [InlineData(5, 900)]
    [InlineData(15, 900)]
    [InlineData(UserState.Window, 1_650)]
    public async Task Users_RoutedLearnedAndShown_TakeSoManyBytesEach(int signals, int most)
    {
        using var store = new MemoryUserStore();
        await using var fixture = new HostingFixture(_ => store, _ => Task.FromResult(0), TimeProvider.System);
        var router = await fixture.StartAsync(new PoolHolder(HostingFixture.Pool), Rounds * Users * 2);
        await LiveAsync(fixture, router, "warm");
        for (var i = 0; i < Rounds * Users; i++)
        {
            // What the store keeps is there before: measured is what the router keeps beside it.
            (await store.SaveAsync(HostingFixture.KeyOf(Tenant, Id(i)), State(i, signals - 1).ToBytes(), 0)).ShouldBeGreaterThan(0);
        }

        // What other tests left behind may go within any one round, and not within most.
        var rounds = new long[Rounds];
        for (var round = 0; round < Rounds; round++)
        {
            var before = await SettledAsync();
            for (var i = 0; i < Users; i++)
            {
                await LiveAsync(fixture, router, Id((round * Users) + i));
            }

            rounds[round] = (await SettledAsync() - before) / Users;
        }

        var each = rounds.Order().ElementAt(Rounds / 2);
        var one = await router.GetUserAsync(Tenant, Id(0));
        output.WriteLine($"{each} bytes a user of {signals} signals, of them {one.State.ToBytes().Length} of the record");
        one.Belief.Topics.Count.ShouldBeGreaterThanOrEqualTo(Math.Min(signals - 1, 6), "a user of few topics would measure nothing");
        each.ShouldBeInRange(100, most);
    }

    /// <summary>Bytes alive once what other tests leave behind is gone: some of it waits for a timer or a finalizer, and would count against what is measured.</summary>
    private static async Task<long> SettledAsync()
    {
        var (least, alike) = (long.MaxValue, 0);
        for (var look = 0; look < 40 && alike < 3; look++)
        {
            await Task.Delay(100);
            GC.WaitForPendingFinalizers();
            var now = GC.GetTotalMemory(forceFullCollection: true);
            (least, alike) = now < least - 16_384 ? (now, 0) : (Math.Min(least, now), alike + 1);
        }

        return least;
    }

    /// <summary>A request, a word on it, the answer to the word, and another request.</summary>
    private static async Task LiveAsync(HostingFixture fixture, InProcessRouter router, string user)
    {
        var decision = await router.RouteAsync(Tenant, user, new RouteRequest("Which planet has the most moons?"));
        var learned = await router.LearnAsync(Tenant, user, new Feedback(decision.Token, FeedbackKind.Thumb, 1));
        learned.Counted.ShouldBeTrue();
        Explanation.Of(learned.User!).ShouldNotBeEmpty();
        await router.RouteAsync(Tenant, user, new RouteRequest("And which has none?"));
        fixture.Errors.ShouldBeEmpty();
    }

    /// <summary>Comparisons and thumbs of every topic, of models that differ in everything.</summary>
    /// <param name="late">Said within so many minutes.</param>
    internal static UserState State(int user, int signals, int late = 1)
    {
        var random = new Random(user);
        var topics = HostingFixture.Pool.Snapshot.Encoder.Topics.Groups.All;
        var state = UserState.Empty;
        for (var i = 1; i <= signals; i++)
        {
            var time = DateTimeOffset.UtcNow.AddHours(-i).ToUnixTimeMilliseconds();
            state = state.Add(new Signal(
                new SignalKey(time, (uint)random.Next(1 << 24), i % 2 == 0 ? FeedbackKind.Thumb : FeedbackKind.Comparison), time + random.Next(late * 60_000), (byte)random.Next(2), false,
                new Outcome(random.NextSingle(), 0.01f * random.NextSingle(), 20 * random.NextSingle()),
                new Outcome(random.NextSingle(), 0.01f * random.NextSingle(), 20 * random.NextSingle()))
            {
                Topic = topics[i % topics.Length].Code,
            });
        }

        return state;
    }

    private static string Id(int user) => string.Create(CultureInfo.InvariantCulture, $"user {user}");
}
