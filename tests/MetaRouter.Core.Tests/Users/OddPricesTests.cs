using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Users;

/// <summary>Users who spoke at one price list and are served at another, whatever that is.</summary>
/// <remarks>A belief that is no number fails every request of the user, and the refresh of everybody's prior.</remarks>
public class OddPricesTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1e-300)]
    [InlineData(1e-42)]
    [InlineData(1e-30)]
    [InlineData(1e-9)]
    [InlineData(1e-3)]
    [InlineData(1)]
    [InlineData(1e3)]
    [InlineData(3e4)]
    public void Decide_AfterPricesChanged_IsADistributionAndABelief(double factor)
    {
        var (random, scratch) = (new Random(3), new RequestEncoding());
        RoutingPool[] pools = [SomeModels.Pool, SomeModels.PoolAt(factor)];
        for (var u = 0; u < 20; u++)
        {
            var user = new UserModel(SomeModels.Pool, UserState.Empty);
            for (var i = 0; i < 80; i++)
            {
                user = user.On(pools[i < 40 ? i / 20 : random.Next(2)]);
                var decision = user.Decide(new RouteRequest(SomeModels.Ask(random.Next(1000))) { MayCompare = random.Next(3) == 0 }, SomeModels.Policy, new DecisionMoment(1, (ulong)u, i * 60_000L, (uint)i, random.NextDouble()), scratch);
                decision.Candidates.Sum(c => (double)c.Propensity).ShouldBe(1, 1e-5);
                decision.Candidates.ShouldAllBe(c => c.Predicted.IsValid && float.IsFinite(c.Utility));
                Explanation.Of(decision).ShouldNotContain("NaN");

                var kind = (FeedbackKind)random.Next(SignalSpeech.Kinds);
                kind = kind == FeedbackKind.Comparison && !decision.Receipt.IsComparison ? FeedbackKind.Thumb : kind;
                var value = kind switch { FeedbackKind.Rating => 1 + random.Next(5), FeedbackKind.Accept => 1, FeedbackKind.Regenerate or FeedbackKind.Edit or FeedbackKind.Abandon => 0, _ => random.Next(2) };
                user = user.Learn(decision.Receipt, kind, (byte)value, (i * 60_000L) + 1000, random.Next(8) == 0, out _);
            }

            foreach (var pool in pools)
            {
                var belief = user.On(pool).Belief;
                belief.Joint.ToArray().ShouldAllBe(p => p >= 0 && p <= 1);
                belief.Joint.ToArray().Sum().ShouldBe(1, 1e-4f);
                Explanation.Of(pool, belief).ShouldNotContain("NaN");
                user.On(pool).Summarise().LogLikelihood.ShouldAllBe(l => float.IsFinite(l));
            }
        }
    }
}
