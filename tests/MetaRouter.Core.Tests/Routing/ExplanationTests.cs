using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.MetaLearning;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;
using static MetaRouter.Core.Tests.SomeModels;

namespace MetaRouter.Core.Tests.Routing;

public class ExplanationTests
{
    private static readonly UserModel Newcomer = new(Pool, UserState.Empty);

    [Fact]
    public void Of_BestForUser_NamesTheModelItsNumbersAndTheRunnerUp()
    {
        var decision = Decide(new RouteRequest(Ask(0)));
        var runnerUp = decision.Candidates.Where(c => c.Model != decision.Model).MaxBy(c => c.Utility);

        var text = Explanation.Of(decision);

        text.ShouldStartWith($"{decision.Model}: worth most at this user's trade-off; expected quality ");
        text.ShouldContain(" per 1,000 such requests. Next: " + runnerUp.Model);
        text.ShouldEndWith(".");
    }

    [Fact]
    public void Of_RequestOfUnfamiliarWords_TellsTheQualitiesThatArePredictedAndThoseItWasDecidedBy()
    {
        // What is predicted of it sets the models further apart, or the other way around.
        var user = new UserModel(RoutingPool.OfSnapshot(Snapshot.Default), UserState.Empty);
        var scratch = new RequestEncoding();
        var differing = 0;
        foreach (var text in (string[])["What is 2+2?", "zxq vlorp", "hi", "Waht si teh deirvatvie fo x sqaured?"])
        {
            var decision = user.Decide(new RouteRequest(text) { MayExplore = false }, Policy, new DecisionMoment(10, 20, SomeReceipts.Now, 7, 0), scratch);
            var (chosen, next) = (decision.Candidates[decision.ChosenIndex], decision.Candidates.Where(c => c.Model != decision.Model).MaxBy(c => c.Utility));
            Explanation.Of(decision).ShouldContain($"expected quality {Told(chosen)}, ");
            Explanation.Of(decision).ShouldContain($"Next: {next.Model}, {Told(next)}, ");
            foreach (var candidate in decision.Candidates)
            {
                ((float)Utility.Of(Counted(candidate), decision.Preference, decision.CostScaleUsd)).ShouldBe(candidate.Utility, 1e-5f);
                differing += Math.Abs(Counted(candidate).Quality - candidate.Predicted.Quality) > .01 ? 1 : 0;
            }

            Outcome Counted(RankedModel model) => model.Counted(decision.Preference, decision.CostScaleUsd);

            string Told(RankedModel model) => FormattableString.Invariant($"{model.Predicted.Quality:P0}") is var predicted && FormattableString.Invariant($"{Counted(model).Quality:P0}") is var counted && predicted == counted ? predicted : $"{predicted} (counted as {counted})";
        }

        differing.ShouldBeGreaterThan(3, "else it is told alike either way");
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(.5, 0)]
    [InlineData(.5, .02)]
    public void Counted_IsWhatItsUtilityCameFrom(double lambdaCost, double lambdaLatency)
    {
        var (preference, counted) = (new Preference(lambdaCost, lambdaLatency), new Outcome(.4f, .01f, 3));
        var model = new RankedModel(Id(0), counted with { Quality = .7f }, (float)Utility.Of(counted, preference, .02), .5f, ModelExclusion.None);
        model.Counted(preference, .02).Quality.ShouldBe(.4f, 1e-5f);
        (model with { Utility = float.NaN }).Counted(preference, .02).Quality.ShouldBe(.7f, "an excluded one was not weighed");
        model.Counted(preference, 0).Quality.ShouldBe(.7f, "an older silo tells no scale");
    }

    [Fact]
    public void Of_Dial_SaysWhoseTradeOff() => Explanation.Of(Decide(new RouteRequest(Ask(0)) { LambdaCost = 1 })).ShouldContain("worth most at the trade-off set for this request");

    [Fact]
    public void Of_Comparison_NamesTheOneShownBeside()
    {
        var decision = Decide(new RouteRequest(Ask(0)) { MayCompare = true });

        Explanation.Of(decision).ShouldContain($"one of two answers shown, to learn from the choice; ");
        Explanation.Of(decision).ShouldContain($"Beside it: {decision.Offered},");
    }

    [Fact]
    public void Of_Explored_TellsTheProbabilityAndTheBest()
    {
        var best = Decide(new RouteRequest(Ask(0)));
        var explored = Decide(new RouteRequest(Ask(0)), draw: best.Propensity + 1e-6);

        explored.Reason.ShouldBe(DecisionReason.Explored);
        Explanation.Of(explored).ShouldContain("tried to learn, with probability 0.");
        Explanation.Of(explored).ShouldContain($"Best as far as is known: {best.Model},");
    }

    [Fact]
    public void Of_OnlyAllowed_NamesNoOther()
    {
        var only = new HashSet<Core.Catalog.ModelId> { Id(2) };
        var text = Explanation.Of(Decide(new RouteRequest(Ask(0)) { Needs = new RouteNeeds { AllowedModels = only } }));

        text.ShouldStartWith("m2: the only model that may answer this request; ");
        text.ShouldEndWith(" per 1,000 such requests.");
    }

    [Fact]
    public void Of_UserOfModelsThatCostNextToNothing_StillTellsAPrice()
    {
        var pool = RoutingPool.OfSnapshot(SomeSnapshots.ByHand([new("a", 0.5f, 0.0001), new("b", 0.7f, 0.0002)]));
        Explanation.Of(new UserModel(pool, UserState.Empty)).ShouldMatch(@": pays about \$0\.0+[1-9]\d per 1,000 ");
    }

    [Fact]
    public void Of_UserOfFreeModels_TellsThatAndNoPrice()
    {
        var newcomer = new UserModel(RoutingPool.OfSnapshot(SomeSnapshots.ByHand([new("a", 0.5f, 0), new("b", 0.7f, 0)])), UserState.Empty);
        newcomer.Pool.IsFree.ShouldBeTrue();
        newcomer.Pool.ReportedScaleUsd.ShouldBe(0);
        Explanation.Of(newcomer).ShouldStartWith("all models are free, so nothing is weighed against cost");
        Explanation.Of(newcomer).ShouldNotContain("$");

        // Whose word was about models that had a price.
        var heard = new UserModel(newcomer.Pool, Newcomer.Learn(Decide(new RouteRequest(Ask(0))).Receipt, FeedbackKind.Thumb, 1, SomeReceipts.Now, false, out _).State);
        Explanation.Of(heard).ShouldContain("what 1 signal told of it is kept until one has a price");
        Explanation.Of(heard).ShouldNotContain("$");
        RoutingPool.OfSnapshot(SomeSnapshots.ByHand([new("a", 0.5f, 0), new("b", 0.7f, 1e-6f)])).IsFree.ShouldBeFalse();
    }

    [Fact]
    public void Of_User_TellsThePriceItsIntervalAndTheSignals()
    {
        Explanation.Of(Newcomer).ShouldMatch(@"^nothing is known of this user yet, since no signal told of the trade-off, so the population's applies: pays about \$[\d.]+ per 1,000 requests for one more right answer in 100 \(90 % sure: \$[\d.]+ to \$[\d.]+\)$");

        var heard = Newcomer.Learn(Decide(new RouteRequest(Ask(0))).Receipt, FeedbackKind.Thumb, 1, SomeReceipts.Now, false, out _);
        Explanation.Of(heard).ShouldEndWith("from 1 signal");
    }

    private static RouteDecision Decide(RouteRequest request, double draw = 0) => Newcomer.Decide(request, Policy, new DecisionMoment(10, 20, SomeReceipts.Now, 7, draw), new RequestEncoding());
}
