using MetaRouter.Core.Catalog;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.MetaLearning;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;
using static MetaRouter.Core.Tests.SomeModels;

namespace MetaRouter.Core.Tests.Users;

public class UserModelTests
{
    private const long Start = SomeSignals.Start, Minute = 60_000;

    private readonly RequestEncoding _scratch = new();

    [Fact]
    public void Decide_EqualInputs_GiveEqualDecisionsAndTokens()
    {
        var user = AfterComparisons(3, prefersCheaper: true);
        var again = new UserModel(PoolAt(1), UserState.Read(user.State.ToBytes()));
        for (var i = 0; i < 20; i++)
        {
            var request = new RouteRequest(Ask(i)) { MayCompare = i % 4 == 0 };
            var (one, other) = (user.Decide(request, Policy, Moment(i), _scratch), again.Decide(request, Policy, Moment(i), new RequestEncoding()));

            other.Token.ShouldBe(one.Token);
            other.Candidates.ShouldBe(one.Candidates);
            (other.Model, other.Offered, other.Reason).ShouldBe((one.Model, one.Offered, one.Reason));
        }
    }

    [Fact]
    public void Decide_Newcomer_TakesThePriorsBestAct()
    {
        var position = Pool.Values.Best(PreferenceBelief.FromPrior(Pool.Snapshot.Prior).CostShare);

        var decision = Newcomer().Decide(new RouteRequest(Ask(0)), Policy, Moment(0), _scratch);

        decision.LambdaCost.ShouldBe(PreferenceGrid.Lambda[position]);
        decision.Reason.ShouldBe(DecisionReason.BestForUser);
        decision.Candidates[decision.ChosenIndex].Utility.ShouldBe(decision.Candidates.Max(c => c.Utility));
        decision.Receipt.SnapshotVersion.ShouldBe(Pool.Snapshot.Version);
    }

    /// <summary>Two models at one price, the better of which thinks: what it thinks is paid for.</summary>
    [Theory]
    [InlineData(1, "thinker")]
    [InlineData(20, "plain")]
    public void Decide_AnswersLongerThanPredicted_GoToTheCheaperModelOnceTheScaleIsSet(double scale, string chosen)
    {
        var snapshot = SomeSnapshots.ByHand([new("plain", 0.6f, 4), new("thinker", 0.8f, 4)], SomeSnapshots.Sample(2, 0.6f, 0.8f, 0.6f, 0.8f));
        var pool = new RoutingPool(snapshot, new ModelCatalog(snapshot.Models.Select((m, i) => m with { OutputScale = i == 1 ? scale : 1 })));

        var decision = new UserModel(pool, UserState.Empty).Decide(new RouteRequest("Why?") { PromptTokens = 0, LambdaCost = 0.3 }, Policy, Moment(0), _scratch);

        decision.Model.Value.ShouldBe(chosen);
        decision.Candidates[1].Predicted.CostUsd.ShouldBe((float)(scale * 400e-6), 1e-7f);
        decision.Candidates[0].Predicted.CostUsd.ShouldBe(400e-6f, 1e-8f);
    }

    [Fact]
    public void Decide_WhatOneModelThinks_TakesNoRoomInAnothersWindow()
    {
        var snapshot = SomeSnapshots.ByHand([new("plain", 0.6f, 4), new("thinker", 0.8f, 4)]);
        var pool = new RoutingPool(snapshot, new ModelCatalog([snapshot.Models[0] with { ContextWindow = 1000 }, snapshot.Models[1] with { OutputScale = 20 }]));

        var decision = new UserModel(pool, UserState.Empty).Decide(new RouteRequest("Why?") { PromptTokens = 500, LambdaCost = 3 }, Policy, Moment(0), _scratch);

        decision.Candidates.ShouldAllBe(c => c.Exclusion == ModelExclusion.None);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.48)]
    [InlineData(0.52)]
    [InlineData(1)]
    public void Decide_TwoModelsAndAThreshold_FollowsTheRuleAndAsksNobodyElse(double threshold)
    {
        var (strong, weak) = (Pool.Catalog.Models[0].Id, Pool.Catalog.Models[1].Id);
        var rule = new DeferralRule(strong, weak, threshold);
        for (var i = 0; i < 20; i++)
        {
            var decision = Newcomer().Decide(new RouteRequest(Ask(i)) { Deferral = rule }, Policy, Moment(i), _scratch);

            var (s, w) = (decision.Candidates[0], decision.Candidates[1]);
            decision.Model.ShouldBe(Deferral.Score(s.Predicted, w.Predicted) >= threshold ? strong : weak);
            (decision.Reason, decision.Propensity).ShouldBe((DecisionReason.BestForDial, 1));
            decision.Candidates.Skip(2).ShouldAllBe(c => c.Exclusion == ModelExclusion.NotAllowed);
            decision.LambdaCost.ShouldBe(rule.LambdaCost(s.Predicted, w.Predicted, Pool.CostScaleUsd, PreferenceGrid.Lambda[^1]));
            if (threshold > 0.5 && s.Predicted.CostUsd > w.Predicted.CostUsd && decision.LambdaCost < PreferenceGrid.HighestLambda)
            {
                // The stated trade-off is the threshold's: where it puts the two level, so does the rule.
                (s.Utility >= w.Utility).ShouldBe(decision.Model == strong);
            }
        }

        Should.Throw<ArgumentException>(() => Newcomer().Decide(new RouteRequest("x") { Deferral = rule with { Threshold = 1.5 } }, Policy, Moment(0), _scratch)).Message.ShouldContain("1.5");
        Should.Throw<ArgumentException>(() => Newcomer().Decide(new RouteRequest("x") { Deferral = rule with { Weak = strong } }, Policy, Moment(0), _scratch)).Message.ShouldContain("two models");
    }

    [Fact]
    public void Decide_WithAHorizon_ServesWhatTeachesMoreAndSaysSoWithExactChances()
    {
        var policy = new RoutingPolicy(Policy.Sealer, Policy.Guardrails, new ExplorationPolicy(new ExplorationOptions { Horizon = 10_000 }));
        var explored = 0;
        for (var i = 0; i < 20; i++)
        {
            var (plain, learning) = (Newcomer().Decide(new RouteRequest(Ask(i)), Policy, Moment(i), _scratch), Newcomer().Decide(new RouteRequest(Ask(i)), policy, Moment(i), _scratch));

            learning.Candidates.Sum(c => (double)c.Propensity).ShouldBe(1, 1e-5);
            learning.Candidates.Select(c => c.Utility).ShouldBe(plain.Candidates.Select(c => c.Utility));
            (learning.Reason == DecisionReason.Explored).ShouldBe(learning.Candidates[learning.ChosenIndex].Utility < learning.Candidates.Max(c => c.Utility));
            explored += learning.Reason == DecisionReason.Explored ? 1 : 0;

            // Who sets the dial, or does not want to be explored with, is not.
            Newcomer().Decide(new RouteRequest(Ask(i)) { LambdaCost = 1 }, policy, Moment(i), _scratch).Reason.ShouldBe(DecisionReason.BestForDial);
            Newcomer().Decide(new RouteRequest(Ask(i)) { MayExplore = false }, policy, Moment(i), _scratch).Reason.ShouldBe(DecisionReason.BestForUser);
        }

        explored.ShouldBeGreaterThan(5);
    }

    [Fact]
    public void Learn_RepeatedChoiceOfCheaper_MovesTheChoiceToCheaperModels()
    {
        var (thrifty, newcomer, demanding) = (AfterComparisons(10, prefersCheaper: true), Newcomer(), AfterComparisons(10, prefersCheaper: false));

        Spent(thrifty).ShouldBeLessThan(Spent(newcomer));
        Spent(demanding).ShouldBeGreaterThan(Spent(newcomer));
        thrifty.Belief.CostShare.ShouldBeGreaterThan(demanding.Belief.CostShare);
        Pool.Values.ExpectedRegret(thrifty.Belief).ShouldBeLessThan(Pool.Values.ExpectedRegret(newcomer.Belief));
    }

    [Theory]
    [InlineData(.5)]
    [InlineData(.7)]
    [InlineData(1)]
    [InlineData(1.6)]
    public void Decide_MayCompareWithinACost_ShowsNoTwoAnswersThatCostMoreTogether(double scales)
    {
        var (limit, compared) = (scales * Pool.CostScaleUsd, 0);
        for (var i = 0; i < 40; i++)
        {
            var decision = Newcomer().Decide(new RouteRequest(Ask(i)) { MayCompare = true, Needs = new RouteNeeds { MaxCostUsd = limit } }, Policy, Moment(i), _scratch);

            var second = decision.OfferedIndex is { } offered ? decision.Candidates[offered].Predicted.CostUsd : 0;
            ((double)decision.Candidates[decision.ChosenIndex].Predicted.CostUsd + second).ShouldBeLessThanOrEqualTo(limit * 1.000001);
            (second > 0).ShouldBe(decision.Reason == DecisionReason.Comparison);
            if (second > 0)
            {
                compared++;
                decision.Candidates[decision.ChosenIndex].Utility.ShouldBeGreaterThanOrEqualTo(decision.Candidates[decision.OfferedIndex!.Value].Utility);
            }
        }

        compared.ShouldBeGreaterThan(0);
    }

    /// <summary>What an answer can cost at its limit is what is weighed, held against what it may cost, and learned from.</summary>
    [Fact]
    public void Decide_CompletionWithALimit_GoesByWhatItCanCostThen()
    {
        for (var i = 0; i < 20; i++)
        {
            var request = new RouteRequest(Ask(i)) { LambdaCost = 2, MayCompare = i % 2 == 0 };
            var free = Newcomer().Decide(request, Policy, Moment(i), _scratch);
            var held = Newcomer().Decide(request with { Needs = new RouteNeeds { ExpectedOutputTokens = 10 } }, Policy, Moment(i), _scratch);

            foreach (var (candidate, k) in held.Candidates.Select((c, k) => (c, k)))
            {
                ((double)candidate.Predicted.CostUsd).ShouldBe(Pool.PredictCostUsd(Ask(i), null, candidate.Model, 10, _scratch), 1e-12);
                candidate.Predicted.CostUsd.ShouldBeLessThan(free.Candidates[k].Predicted.CostUsd / 4);
                candidate.Utility.ShouldBeGreaterThan(free.Candidates[k].Utility);
            }

            var receipt = Open(held, Moment(i));
            receipt.First.ShouldBe(held.Candidates[held.ChosenIndex].Predicted);
            receipt.OutputTokens.ShouldBe(10);
            receipt.Middle.CostUsd.ShouldBeLessThan(free.Receipt.Middle.CostUsd / 4);
            var most = held.Candidates.Max(c => (double)c.Predicted.CostUsd) * 1.000001;
            Newcomer().Decide(request with { MayCompare = false, Needs = new RouteNeeds { ExpectedOutputTokens = 10, MaxCostUsd = most } }, Policy, Moment(i), _scratch).Candidates.ShouldAllBe(c => c.Exclusion == ModelExclusion.None);
        }
    }

    [Fact]
    public void Decide_MayCompare_OffersTwoAllowedModelsAndTheReceiptCarriesBoth()
    {
        var allowed = new HashSet<Core.Catalog.ModelId> { Id(1), Id(4), Id(6) };
        var decision = Newcomer().Decide(new RouteRequest(Ask(3)) { MayCompare = true, Needs = new RouteNeeds { AllowedModels = allowed } }, Policy, Moment(3), _scratch);

        decision.Reason.ShouldBe(DecisionReason.Comparison);
        allowed.ShouldContain(decision.Model);
        allowed.ShouldContain(decision.Offered!.Value);
        decision.Offered.ShouldNotBe(decision.Model);
        decision.Candidates[decision.ChosenIndex].Utility.ShouldBeGreaterThanOrEqualTo(decision.Candidates[decision.OfferedIndex!.Value].Utility);
        decision.Propensity.ShouldBe(1);

        var receipt = Open(decision, Moment(3));
        receipt.ShouldBe(decision.Receipt);
        (receipt.IsComparison, receipt.PairPropensity).ShouldBe((true, 1f));
        receipt.ChosenModel.ShouldBe(Receipt.HashOf(decision.Model));
        receipt.OfferedModel.ShouldBe(Receipt.HashOf(decision.Offered.Value));
        receipt.First.ShouldBe(decision.Candidates[decision.ChosenIndex].Predicted);
        receipt.Offered.ShouldBe(decision.Candidates[decision.OfferedIndex.Value].Predicted);
    }

    [Fact]
    public void Decide_Receipt_CarriesTheMomentAndTheRequestAsItWasSeen()
    {
        Pool.Snapshot.Encoder.Encode(Ask(1), _scratch);
        var (outcomes, tokens, projected) = (new Outcome[Count], new float[Count], new float[Pool.Projected]);
        Pool.Predict(_scratch, float.NaN, outcomes, tokens, projected);

        var receipt = Newcomer().Decide(new RouteRequest(Ask(1)), Policy, new DecisionMoment(10, 20, Start, 0x1234_5678, 0) { Erasure = 77 }, _scratch).Receipt;

        (receipt.TenantHash, receipt.UserHash, receipt.DecisionTimeMs, receipt.Nonce, receipt.Erasure).ShouldBe((10ul, 20ul, Start, 0x34_5678u, (ushort)77));
        (receipt.SnapshotVersion, receipt.CatalogVersion).ShouldBe((Pool.Snapshot.Version, Pool.Catalog.Version));
        (receipt.IsExplored, receipt.PairPropensity, receipt.OfferedModel).ShouldBe((false, 0f, 0u));
        receipt.InputTokens.ShouldBe(_scratch.Tokens);
        receipt.Features.ShouldBe(new ReceiptFeatures(projected));
        receipt.Middle.ShouldBe(Outcome.Middle(outcomes));
    }

    [Fact]
    public void Decide_TellsEachStepAsItBegins()
    {
        var steps = new List<DecisionStep>();
        Newcomer().Decide(new RouteRequest(Ask(1)), Policy, Moment(1), _scratch, steps.Add);

        steps.ShouldBe([DecisionStep.Encode, DecisionStep.Predict, DecisionStep.Decide]);
    }

    [Fact]
    public void Decide_PromptTokensCountedByTheCaller_AreWhatIsPaidForAndMustFit()
    {
        var decision = Newcomer().Decide(new RouteRequest(Ask(1)) { PromptTokens = 50_000 }, Policy, Moment(1), _scratch);

        decision.Receipt.InputTokens.ShouldBe(50_000);
        decision.Candidates.ShouldAllBe(c => Math.Abs(c.Predicted.CostUsd - Pool.PredictCostUsd(Ask(1), 50_000, c.Model, 0, _scratch)) < 1e-8);
        Should.Throw<NoModelAllowedException>(() => Newcomer().Decide(new RouteRequest(Ask(1)) { PromptTokens = 128_000 }, Policy, Moment(1), _scratch)).ContextWindow.ShouldBe(128_000); // no room for an answer
        Newcomer().Decide(new RouteRequest(Ask(1)) { PromptTokens = 128_000, Needs = new RouteNeeds { PromptTokens = 1_000 } }, Policy, Moment(1), _scratch).Candidates.ShouldAllBe(c => c.Exclusion == ModelExclusion.None);
    }

    /// <summary>What the last model reads from its cache costs it a quarter here; nobody else has it.</summary>
    [Theory]
    [InlineData(600, 600)]
    [InlineData(5_000, 1_000)]
    public void Decide_LastModelHasTheBeginningInItsCache_IsCheaperByWhatItReadsThere(int held, int read)
    {
        var user = new UserModel(new RoutingPool(Pool.Snapshot, new Core.Catalog.ModelCatalog(Pool.Catalog.Models.Select(m => m with { CachedInputPrice = new(m.InputPrice.Usd / 4) }))), UserState.Empty);
        var request = new RouteRequest(Ask(0)) { PromptTokens = 1_000 };

        var (cold, warm) = (user.Decide(request, Policy, Moment(0), _scratch), user.Decide(request with { Warm = new WarmModel(Id(4), held) }, Policy, Moment(0), _scratch));

        foreach (var (c, w) in cold.Candidates.Zip(warm.Candidates))
        {
            var saved = c.Model == Id(4) ? read * user.Pool.Catalog.Models[user.Pool.Catalog.IndexOf(Id(4))].InputPrice.Usd * 0.75e-6 : 0;
            ((double)c.Predicted.CostUsd - w.Predicted.CostUsd).ShouldBe(saved, 1e-8);
        }
    }

    [Fact]
    public void Learn_WordOnOneAnswer_IsMeasuredAgainstThePoolsMiddle()
    {
        var receipt = Newcomer().Decide(new RouteRequest(Ask(0)), Policy, Moment(0), _scratch).Receipt;

        var signal = Newcomer().Learn(receipt, FeedbackKind.Thumb, 1, Start, false, out _).State.Signals.Single();

        signal.First.Quality.ShouldBe(receipt.First.Quality, 0.002);
        signal.Second.Quality.ShouldBe(receipt.Middle.Quality, 0.002);
        (signal.Second.CostUsd / receipt.Middle.CostUsd).ShouldBe(1, 0.038);
    }

    [Fact]
    public void Learn_SameReceiptTwice_CountsOnceAndSaysSo()
    {
        var user = Newcomer();
        var receipt = Open(user.Decide(new RouteRequest(Ask(0)), Policy, Moment(0), _scratch), Moment(0));

        var once = user.Learn(receipt, FeedbackKind.Thumb, 1, Start + 5_000, false, out var first);
        var twice = once.Learn(receipt, FeedbackKind.Thumb, 1, Start + 5_000, false, out var second);

        (first, second).ShouldBe((AddOutcome.Counted, AddOutcome.Repeat));
        twice.ShouldBeSameAs(once);
        once.Belief.Signals.ShouldBe(1);
        user.Belief.Signals.ShouldBe(0);
    }

    [Fact]
    public void Learn_ComparisonOfASingleAnswer_IsRefused()
    {
        var decision = Newcomer().Decide(new RouteRequest(Ask(0)), Policy, Moment(0), _scratch);

        Should.Throw<ArgumentException>(() => Newcomer().Learn(decision.Receipt, FeedbackKind.Comparison, 1, Start, false, out _)).Message.ShouldContain("one answer, so it cannot be compared");
    }

    [Fact]
    public void Learn_WithdrawnFeedback_RestoresTheFormerBelief()
    {
        var before = AfterComparisons(4, prefersCheaper: true);
        var moment = Moment(50);
        var receipt = Open(before.Decide(new RouteRequest(Ask(50)), Policy, moment, _scratch), moment);

        var said = before.Learn(receipt, FeedbackKind.Thumb, 0, moment.TimeMs + 1_000, false, out _);
        var restored = said.Learn(receipt, FeedbackKind.Thumb, 0, moment.TimeMs + 2_000, true, out var outcome);

        outcome.ShouldBe(AddOutcome.Withdrawn);
        said.Belief.Joint.SequenceEqual(before.Belief.Joint).ShouldBeFalse();
        restored.Belief.Joint.SequenceEqual(before.Belief.Joint).ShouldBeTrue();
        restored.Belief.Signals.ShouldBe(before.Belief.Signals);
    }

    [Theory]
    [InlineData(FeedbackKind.Rating, 5)]
    [InlineData(FeedbackKind.TaskSuccess, 1)]
    public void Learn_WordOnQualityAlone_LeavesTheTradeOff(FeedbackKind kind, byte value)
    {
        var before = AfterComparisons(4, prefersCheaper: true);
        var moment = Moment(50);
        var decision = before.Decide(new RouteRequest(Ask(50)), Policy, moment, _scratch);

        var after = before.Learn(decision.Receipt, kind, value, moment.TimeMs, false, out var outcome);

        outcome.ShouldBe(AddOutcome.Counted);
        after.Belief.Joint.SequenceEqual(before.Belief.Joint).ShouldBeTrue();
    }

    [Fact]
    public void Decide_DialAtZero_TakesTheHighestQualityAndExploresNothing()
    {
        for (var i = 0; i < 50; i++)
        {
            var decision = Newcomer().Decide(new RouteRequest(Ask(i)) { LambdaCost = 0 }, Policy, Moment(i, draw: .999999), _scratch);

            decision.Candidates[decision.ChosenIndex].Predicted.Quality.ShouldBe(decision.Candidates.Max(c => c.Predicted.Quality));
            (decision.Reason, decision.Propensity, decision.LambdaCost).ShouldBe((DecisionReason.BestForDial, 1, 0));
        }
    }

    [Fact]
    public void Decide_DialAtThirty_TakesTheCheapest()
    {
        var decision = AfterComparisons(5, prefersCheaper: false).Decide(new RouteRequest(Ask(1)) { LambdaCost = 30 }, Policy, Moment(1), _scratch);

        decision.Candidates[decision.ChosenIndex].Predicted.CostUsd.ShouldBe(decision.Candidates.Min(c => c.Predicted.CostUsd));
    }

    /// <summary>A utility that is not finite can be neither chosen by, nor logged, nor written as JSON.</summary>
    [Theory]
    [InlineData(1.7e308, null)]
    [InlineData(null, 1e40)]
    [InlineData(double.MaxValue, double.MaxValue)]
    public void Decide_DialBeyondEveryUse_StaysFinite(double? cost, double? latency)
    {
        var decision = Newcomer().Decide(new RouteRequest(Ask(0)) { LambdaCost = cost, LambdaLatency = latency, PromptTokens = 100_000 }, Policy, Moment(0), _scratch);

        decision.Candidates.ShouldAllBe(c => c.Exclusion != ModelExclusion.None || float.IsFinite(c.Utility));
        double.IsFinite(decision.LambdaCost + decision.LambdaLatency).ShouldBeTrue();
        if (cost is not null && latency is null)
        {
            var allowed = decision.Candidates.Where(c => c.Exclusion == ModelExclusion.None).ToArray();
            decision.Candidates[decision.ChosenIndex].Predicted.CostUsd.ShouldBe(allowed.Min(c => c.Predicted.CostUsd));
        }
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Decide_DialOutOfRange_IsRefused(double dial) =>
        Should.Throw<ArgumentException>(() => Newcomer().Decide(new RouteRequest("x") { LambdaCost = dial }, Policy, Moment(0), _scratch)).Message.ShouldContain("lambda_cost");

    public static TheoryData<string, RouteRequest> CountsOutOfRange => new()
    {
        { "prompt tokens", new("x") { PromptTokens = -1, Needs = new() { PromptTokens = 100 } } },
        { "prompt tokens", new("x") { Needs = new() { PromptTokens = -1 } } },
        { "output tokens", new("x") { Needs = new() { ExpectedOutputTokens = -1 } } },
        { "cached tokens", new("x") { Warm = new WarmModel(Id(0), -1) } },
    };

    [Theory]
    [MemberData(nameof(CountsOutOfRange))]
    public void Decide_CountOutOfRange_IsRefusedByName(string named, RouteRequest request) =>
        Should.Throw<ArgumentException>(() => Newcomer().Decide(request, Policy, Moment(0), _scratch)).Message.ShouldContain(named);

    [Fact]
    public void Decide_Guardrails_AreRespected()
    {
        var policy = PolicyOf(new GuardrailOptions { AllowedModels = new HashSet<Core.Catalog.ModelId> { Id(0), Id(2), Id(7) } });
        for (var i = 0; i < 100; i++)
        {
            var decision = Newcomer().Decide(new RouteRequest(Ask(i)) { MayCompare = i % 3 == 0 }, policy, Moment(i, draw: i / 100.0), _scratch);

            decision.Candidates.Where(c => c.Exclusion == ModelExclusion.None).Select(c => c.Model).ShouldBe([Id(0), Id(2), Id(7)]);
            decision.Candidates[decision.ChosenIndex].Exclusion.ShouldBe(ModelExclusion.None);
            decision.Candidates.Where(c => c.Exclusion != ModelExclusion.None).ShouldAllBe(c => c.Propensity == 0 && float.IsNaN(c.Utility));
        }
    }

    [Fact]
    public void Decide_OneModelAllowed_SaysThatItIsTheOnlyOne()
    {
        var request = new RouteRequest(Ask(0)) { MayCompare = true, Needs = new RouteNeeds { AllowedModels = new HashSet<Core.Catalog.ModelId> { Id(5) } } };
        var decision = Newcomer().Decide(request, Policy, Moment(0), _scratch);

        (decision.Model, decision.Reason, decision.Propensity, decision.Offered).ShouldBe((Id(5), DecisionReason.OnlyAllowed, 1, null));
    }

    [Fact]
    public void Decide_NoModelAllowed_Throws() =>
        Should.Throw<NoModelAllowedException>(() => Newcomer().Decide(new RouteRequest("x") { Needs = new RouteNeeds { MaxCostUsd = 0 } }, Policy, Moment(0), _scratch));

    [Fact]
    public void Decide_ManyDraws_FollowTheStatedPropensities()
    {
        const int draws = 4_000;
        var user = Newcomer();
        var counts = new int[Count];
        RouteDecision? last = null;
        for (var i = 0; i < draws; i++)
        {
            // Evenly spaced draws: each model's count can differ from its share by rounding at both ends only.
            last = user.Decide(new RouteRequest(Ask(2)), Policy, Moment(0, draw: (i + 0.5) / draws), _scratch);
            counts[last.ChosenIndex]++;
            last.Receipt.Propensity.ShouldBe((float)last.Propensity);
            last.Receipt.IsExplored.ShouldBe(last.Reason == DecisionReason.Explored);
        }

        last!.Candidates.Sum(c => (double)c.Propensity).ShouldBe(1, 1e-6);
        last.Candidates.Max(c => c.Propensity).ShouldBeLessThan(1);
        for (var k = 0; k < Count; k++)
        {
            ((double)counts[k]).ShouldBe(draws * last.Candidates[k].Propensity, 1.01);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Decide_AfterWarmUp_AllocatesAtMostTwoKilobytes(bool compares)
    {
        var (user, policy, request) = (AfterComparisons(20, prefersCheaper: true), Policy, new RouteRequest(Ask(4)) { MayCompare = compares });
        for (var i = 0; i < 200; i++)
        {
            user.Decide(request, policy, Moment(i), _scratch);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            user.Decide(request, policy, Moment(i), _scratch);
        }

        ((GC.GetAllocatedBytesForCurrentThread() - before) / 100).ShouldBeLessThanOrEqualTo(2_048);
    }

    [Fact]
    public void On_NewPrices_KeepsSignalsAndMovesOutcomes()
    {
        var user = AfterComparisons(4, prefersCheaper: true);
        var moved = user.On(PoolAt(2));

        user.On(Pool).ShouldBeSameAs(user);
        moved.State.ShouldBeSameAs(user.State);
        moved.Belief.Signals.ShouldBe(user.Belief.Signals);
        var (before, after) = (user.Decide(new RouteRequest(Ask(0)), Policy, Moment(0), _scratch), moved.Decide(new RouteRequest(Ask(0)), Policy, Moment(0), _scratch));
        for (var k = 0; k < Count; k++)
        {
            after.Candidates[k].Predicted.Quality.ShouldBe(before.Candidates[k].Predicted.Quality);
            after.Candidates[k].Predicted.CostUsd.ShouldBe(2 * before.Candidates[k].Predicted.CostUsd, 1e-7f);
        }
    }

    [Fact]
    public void Summarise_HasThePriorDividedOut()
    {
        var user = AfterComparisons(4, prefersCheaper: true);
        var summary = user.Summarise();

        summary.Signals.ShouldBe(4);
        Newcomer().Summarise().LogLikelihood.ShouldAllBe(x => x == 0);
        var joint = summary.LogLikelihood.Zip(Pool.Snapshot.Prior.LogWeights.ToArray(), (l, p) => Math.Exp(l + p)).ToArray();
        var sum = joint.Sum();
        joint.Zip(user.Belief.Joint.ToArray()).ShouldAllBe(pair => Math.Abs((pair.First / sum) - pair.Second) < 1e-5);
    }

    private static UserModel Newcomer() => new(Pool, UserState.Empty);

    private static DecisionMoment Moment(int i, double draw = 0) => new(10, 20, Start + (i * Minute), (uint)i, draw);

    private static Receipt Open(RouteDecision decision, DecisionMoment moment)
    {
        Policy.Sealer.Open(decision.Token, moment.TenantHash, moment.UserHash, moment.TimeMs + 1_000, out var receipt).Status.ShouldBe(ReceiptStatus.Valid);
        return receipt;
    }

    private UserModel AfterComparisons(int count, bool prefersCheaper)
    {
        var user = Newcomer();
        for (var i = 0; i < count; i++)
        {
            var decision = user.Decide(new RouteRequest(Ask(i)) { MayCompare = true }, Policy, Moment(i), _scratch);
            var receipt = Open(decision, Moment(i));
            var prefersChosen = (receipt.First.CostUsd < receipt.Offered.CostUsd) == prefersCheaper;
            user = user.Learn(receipt, FeedbackKind.Comparison, prefersChosen ? (byte)1 : (byte)0, Moment(i).TimeMs + 1_000, false, out _);
        }

        return user;
    }

    /// <summary>Predicted US dollars of what is served on thirty requests.</summary>
    private double Spent(UserModel user) => Enumerable.Range(100, 30).Sum(i =>
    {
        var decision = user.Decide(new RouteRequest(Ask(i)), Policy, Moment(i), _scratch);
        return (double)decision.Candidates[decision.ChosenIndex].Predicted.CostUsd;
    });
}
