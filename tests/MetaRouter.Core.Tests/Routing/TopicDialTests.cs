using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.MetaLearning;
using MetaRouter.Core.Tests.Users;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Routing;

public class TopicDialTests
{
    /// <summary>Users who spoke of none, one and many topics, with seconds at stake and without.</summary>
    [Fact]
    public void On_EveryTopic_IsToTheLastBitWhatTheBeliefThereServes()
    {
        var pool = RoutingPool.OfSnapshot(SomeSnapshots.TwoTopics);
        for (var seed = 0; seed < 15; seed++)
        {
            var random = new Random(seed);
            var topics = seed % 5 * 4;
            var state = SomeSignals.State(SomeSignals.Spread(random, 3 + (3 * seed), 60, SomeSignals.Day, withLatency: seed % 2 == 0).Select(s => s with { Topic = (byte)random.Next(topics + 1) }));
            var belief = new UserModel(pool, state).Belief;
            var dial = new TopicDial(belief, pool.Values);

            for (byte topic = 0; topic < 64; topic++)
            {
                var there = belief.On(topic);
                dial.On(topic).ShouldBe(new DialAct(pool.Values.Best(there.CostShare), pool.Values.ExpectedRegret(there), belief.Latency.Price));
                there.Latency.Price.ShouldBe(belief.Latency.Price);
            }
        }

        PreferenceGrid.Length.ShouldBeLessThanOrEqualTo(256, "a position is kept in a byte");
    }
}
