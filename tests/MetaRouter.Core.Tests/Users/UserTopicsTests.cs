using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.MetaLearning;
using MetaRouter.Core.Tests.Prediction;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Users;

/// <summary>A user who spends on poems and saves on sums, from decisions to receipts to what is served and told.</summary>
public class UserTopicsTests
{
    private static readonly Lazy<RoutingPool> s_pool = new(() => RoutingPool.OfSnapshot(SomeSnapshots.TwoTopics));

    private readonly RequestEncoding _scratch = new();

    [Fact]
    public void Decide_TellsTheTopicInTheReceiptAndLearnKeepsIt()
    {
        var newcomer = new UserModel(s_pool.Value, UserState.Empty);
        var (poem, sum) = (Decide(newcomer, Text(1), 1), Decide(newcomer, Text(0), 2));
        poem.Receipt.Topic.ShouldNotBe(sum.Receipt.Topic);
        s_pool.Value.Snapshot.Encoder.Topics.Groups.Find(poem.Receipt.Topic).ShouldNotBeNull();

        SomeModels.Policy.Sealer.Open(poem.Token, 10, 20, SomeSignals.Start + 2, out var opened).Status.ShouldBe(ReceiptStatus.Valid);
        opened.Topic.ShouldBe(poem.Receipt.Topic);
        newcomer.Learn(opened, FeedbackKind.Thumb, 1, SomeSignals.Start + 5, false, out _).State.Signals[0].Topic.ShouldBe(poem.Receipt.Topic);
    }

    [Fact]
    public void Learn_SpendsOnOneTopicAndSavesOnTheOther_IsServedAndToldSo()
    {
        var user = new UserModel(s_pool.Value, UserState.Empty);
        for (var i = 0; i < 40; i++)
        {
            var receipt = Compared(user, i);
            user = user.Learn(receipt, FeedbackKind.Comparison, (receipt.First.CostUsd < receipt.Offered.CostUsd) == (i % 2 == 0) ? (byte)1 : (byte)0, receipt.DecisionTimeMs, false, out _);
        }

        Decide(user, Text(0), 100).LambdaCost.ShouldBeGreaterThan(Decide(user, Text(1), 101).LambdaCost);
        Explanation.Of(user).ShouldMatch(@"from 40 signals; firmer on sums \(\$[\d.]+\); freer on poems \(\$[\d.]+\)$");

        // The same answers without topics: one trade-off for everything, and nothing more to tell.
        var plain = new UserModel(s_pool.Value, SomeSignals.State(user.State.Signals.Select(s => s with { Topic = 0 })));
        Decide(plain, Text(0), 100).LambdaCost.ShouldBe(Decide(plain, Text(1), 101).LambdaCost);
        Explanation.Of(plain).ShouldEndWith("from 40 signals");

        var told = user.Summarise();
        told.Signals.ShouldBe(40);
        var joint = told.LogLikelihood.Zip(s_pool.Value.Snapshot.Prior.LogWeights.ToArray(), (l, p) => Math.Exp(l + p - told.LogLikelihood.Max())).ToArray();
        joint.Zip(user.Belief.Joint.ToArray()).ShouldAllBe(pair => Math.Abs((pair.First / joint.Sum()) - pair.Second) < 1e-4);
    }

    /// <summary>What was drawn of one topic alone decides as the whole belief did, to the last bit, and in less memory.</summary>
    [Fact]
    public void Decide_ComparisonsAndTeaching_AreThoseOfTheWholeBelief()
    {
        var (random, compared) = (new Random(5), 0);
        var policy = new RoutingPolicy(SomeModels.Policy.Sealer, SomeModels.Policy.Guardrails, new ExplorationPolicy(new ExplorationOptions { Horizon = 30 }));
        for (var i = 0; i < 100; i++)
        {
            var signals = SomeSignals.Spread(random, random.Next(25), days: 3, latestMs: 1000, withLatency: i % 2 == 0).Select(s => s with { Topic = (byte)random.Next(4) });
            var user = new UserModel(s_pool.Value, SomeSignals.State(signals));
            var (request, moment) = (new RouteRequest(Text(i)) { MayCompare = i % 3 > 0 }, new DecisionMoment(10, 20, SomeSignals.Start + (i * 60_000L), (uint)i, random.NextDouble()));

            var whole = user.Decide(request, policy, moment, _scratch); // draws all, since nothing is known of what it comes to
            var alone = user.Decide(request, policy, moment, _scratch);

            alone.Candidates.ShouldBe(whole.Candidates);
            (alone.Model, alone.Offered, alone.Reason, alone.Token).ShouldBe((whole.Model, whole.Offered, whole.Reason, whole.Token));
            compared += whole.OfferedIndex is null ? 0 : 1;
        }

        compared.ShouldBeGreaterThan(30);
    }

    /// <summary>Of a comparison between the cheapest and the dearest model.</summary>
    private Receipt Compared(UserModel user, int i)
    {
        var decision = Decide(user, Text(i), i);
        var (cheap, dear) = (decision.Candidates.MinBy(c => c.Predicted.CostUsd)!, decision.Candidates.MaxBy(c => c.Predicted.CostUsd)!);
        return decision.Receipt with { IsComparison = true, First = cheap.Predicted with { Quality = 0.4f }, Offered = dear.Predicted with { Quality = 0.7f } };
    }

    private static string Text(int i) => i % 2 == 0 ? SomeTables.Sum(new Random(i)) : SomeTables.Poem(new Random(i));

    private RouteDecision Decide(UserModel user, string text, int i) =>
        user.Decide(new RouteRequest(text) { MayExplore = false }, SomeModels.Policy, new DecisionMoment(10, 20, SomeSignals.Start + i, (uint)i, 0), _scratch);
}
