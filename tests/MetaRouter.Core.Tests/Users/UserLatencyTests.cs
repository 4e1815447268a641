using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.MetaLearning;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Users;

/// <summary>Users who do and do not mind waiting, from decisions to receipts to what is served and told.</summary>
public class UserLatencyTests
{
    private static readonly RoutingPool s_timed = Pool(1, 5, 20), s_untimed = Pool(0, 0, 0);

    private readonly RequestEncoding _scratch = new();

    [Fact]
    public void Decide_NothingSaidOfWaiting_IsTheDecisionWithoutLatenciesToTheLastBit()
    {
        foreach (var signals in (Signal[][])[[], [.. Enumerable.Range(0, 9).Select(i => Compared(i, s_untimed, 0, 2, i % 3 == 0))]])
        {
            var (timed, untimed) = (Decide(new(s_timed, SomeSignals.State(signals)), 50), Decide(new(s_untimed, SomeSignals.State(signals)), 50));
            timed.Model.ShouldBe(untimed.Model);
            timed.LambdaLatency.ShouldBe(0);
            timed.LambdaCost.ShouldBe(untimed.LambdaCost);
            timed.Candidates.Select(c => (c.Utility, c.Propensity)).ShouldBe(untimed.Candidates.Select(c => (c.Utility, c.Propensity)));
        }
    }

    [Fact]
    public void Learn_TakesTheFasterAnswers_IsServedThemAndToldSo()
    {
        var user = new UserModel(s_timed, UserState.Empty);
        Decide(user, 0).Model.Value.ShouldBe("slow", "the best answer, for a newcomer");
        for (var i = 0; i < 40; i++)
        {
            var receipt = Decide(user, i).Receipt with { IsComparison = true, First = new(0.6f, 1e-4f, 1), Offered = new(0.7f, 1e-4f, 20) };
            user = user.Learn(receipt, FeedbackKind.Comparison, 1, receipt.DecisionTimeMs, false, out _);
        }

        var decision = Decide(user, 100);
        decision.Model.Value.ShouldBe("fast");
        decision.LambdaLatency.ShouldBe(user.Belief.Latency.Price);
        decision.Candidates.ShouldAllBe(c => c.Utility == (float)Utility.Of(c.Predicted, new(decision.LambdaCost, decision.LambdaLatency), s_timed.CostScaleUsd));
        Explanation.Of(decision).ShouldContain(", about 1 s.");
        Explanation.Of(user).ShouldMatch(@"from 40 signals; waits up to [\d.]+ s for it \(90 % sure: [\d.]+ s to [\d.]+ s\)$");
        BeliefStep.Of(user)[0].Explain().ShouldEndWith(", and waiting more");

        // A dial set for one request is the whole trade-off.
        var dialled = user.Decide(new RouteRequest("hello") { MayExplore = false, LambdaCost = 0 }, SomeModels.Policy, Moment(101), _scratch);
        dialled.LambdaLatency.ShouldBe(0);
        dialled.Model.Value.ShouldBe("slow");

        // Taken back, every word of it is forgotten.
        var forgotten = new UserModel(s_timed, SomeSignals.State(user.State.Signals.Select(s => s with { Withdrawn = true, ClientTimeMs = s.ClientTimeMs + 1_000 })));
        forgotten.Belief.Latency.Price.ShouldBe(0);
        Decide(forgotten, 100).Model.Value.ShouldBe("slow");
        Explanation.Of(forgotten).ShouldNotContain("waits");
    }

    [Fact]
    public void Decide_LatencyOfOneModelUnknown_IsTakenForTheOthersMean()
    {
        var user = new UserModel(Pool(1, 0, 20), Minding(40));
        var decision = Decide(user, 100);
        decision.LambdaLatency.ShouldBeGreaterThan(0);
        var unknown = decision.Candidates[1];
        unknown.Predicted.LatencySeconds.ShouldBe(0, "what is told of a model is what is known of it");
        unknown.Utility.ShouldBe((float)Utility.Of(unknown.Predicted with { LatencySeconds = 10.5f }, new(decision.LambdaCost, decision.LambdaLatency), user.Pool.CostScaleUsd));
    }

    [Fact]
    public void ToBytes_FullWindowWithLatencies_IsSmallAndBelievesTheSame()
    {
        var state = SomeSignals.State(Enumerable.Range(0, 64).Select(i => Compared(i, s_timed, i % 3, (i + 1) % 3, i % 2 == 0)));
        var bytes = state.ToBytes();
        bytes.Length.ShouldBeLessThanOrEqualTo(1024);
        UserState.TryRead(bytes, out var read, out var error).ShouldBeTrue(error);
        var (before, after) = (new UserModel(s_timed, state).Belief, new UserModel(s_timed, read!).Belief);
        after.Latency.Probability.ToArray().ShouldBe(before.Latency.Probability.ToArray());
        after.Joint.ToArray().ShouldBe(before.Joint.ToArray());
        before.Latency.Probability.ToArray().ShouldNotBe(s_timed.Snapshot.Prior.Waiting.Probability.ToArray());
    }

    [Fact]
    public void Decide_SimulatedUsers_EarnsThoseWhoMindAndCostsTheOthersLittle()
    {
        var random = new Random(8);
        var (minding, others, asked) = (0.0, 0.0, 60);
        for (var u = 0; u < asked; u++)
        {
            var price = u % 2 == 0 ? 0.02 : 0;
            var user = new UserModel(s_timed, UserState.Empty);
            for (var i = 0; i < 30; i++)
            {
                var receipt = Decide(user, i).Receipt;
                var (a, b) = (random.Next(3), random.Next(2));
                b += b >= a ? 1 : 0;
                var (first, second) = (Outcome(a), Outcome(b));
                var gap = Right(first) - Right(second);
                var prefers = random.NextDouble() < (0.95 / (1 + Math.Exp(-10 * (gap - (price * (first.LatencySeconds - second.LatencySeconds)))))) + 0.025;
                user = user.Learn(receipt with { IsComparison = true, First = first, Offered = second }, FeedbackKind.Comparison, prefers ? (byte)1 : (byte)0, receipt.DecisionTimeMs, false, out _);
            }

            // What the answers are worth to this user, against those without the price of a second.
            var gain = Worth(Decide(user, 100).ChosenIndex) - Worth(2);
            (minding, others) = (minding + (price > 0 ? gain : 0), others + (price > 0 ? 0 : gain));

            double Worth(int k) => Outcome(k).Quality - (price * Outcome(k).LatencySeconds);

            double Right(Outcome o) => random.NextDouble() < o.Quality ? 1 : 0;
        }

        var told = FormattableString.Invariant($"utility a request: {minding / (asked / 2):0.000} for those who mind, {others / (asked / 2):0.000} for the others");
        if (Environment.GetEnvironmentVariable("METAROUTER_FIGURES") == "1")
        {
            Console.WriteLine(told);
        }

        (minding / (asked / 2)).ShouldBeGreaterThan(0.15, told); // of 0.28 that there are to be had
        (others / (asked / 2)).ShouldBeGreaterThan(-0.03, told);
    }

    private static UserState Minding(int signals) => SomeSignals.State(Enumerable.Range(0, signals).Select(i => Compared(i, s_timed, 0, 2, true)));

    private static Signal Compared(int i, RoutingPool pool, int first, int second, bool preferred)
    {
        var timed = ReferenceEquals(pool, s_timed);
        return new(new SignalKey(SomeSignals.Start + i, 0, FeedbackKind.Comparison), SomeSignals.Start + i, preferred ? (byte)1 : (byte)0, false,
            Outcome(first) with { LatencySeconds = timed ? Outcome(first).LatencySeconds : 0 }, Outcome(second) with { LatencySeconds = timed ? Outcome(second).LatencySeconds : 0 });
    }

    private static Outcome Outcome(int k) => k switch { 0 => new(0.6f, 1e-4f, 1), 1 => new(0.65f, 1e-4f, 5), _ => new(0.7f, 1e-4f, 20) };

    /// <summary>Three models of one price: the better, the slower.</summary>
    private static RoutingPool Pool(params double[] seconds)
    {
        var snapshot = SomeSnapshots.ByHand([new("fast", .6f, 1), new("middling", .65f, 1), new("slow", .7f, 1)]);
        return new(snapshot, new ModelCatalog(snapshot.Models.Select((m, i) => m with { LatencySeconds = seconds[i] })));
    }

    private static DecisionMoment Moment(int i) => new(10, 20, SomeSignals.Start + i, (uint)i, 0);

    private RouteDecision Decide(UserModel user, int i) => user.Decide(new RouteRequest("hello") { MayExplore = false }, SomeModels.Policy, Moment(i), _scratch);
}
