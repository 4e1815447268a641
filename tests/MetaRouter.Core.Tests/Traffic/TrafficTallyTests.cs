using MetaRouter.Core.Routing;
using MetaRouter.Core.Traffic;

namespace MetaRouter.Core.Tests.Traffic;

public class TrafficTallyTests
{
    /// <summary>Model 3 is cheap, model 7 dear; tau is $0.01.</summary>
    private static readonly int[] s_models = [3, 7];
    private static readonly Outcome[] s_outcomes = [new(0.6f, 0.001f, 0), new(0.9f, 0.01f, 0)];

    [Fact]
    public void Add_TwoRequests_GivesTheSumsWorkedOutByHand()
    {
        var tally = TwoRequests();

        tally.Requests.ShouldBe(2);
        tally.SpentUsd.ShouldBe(0.012, 1e-7); // 0.002 as counted, 0.01 as predicted
        tally.PredictedUsd.ShouldBe(0.01, 1e-7);
        tally.StrongestUsd.ShouldBe(0.03, 1e-7); // 0.01 twice over, since the first cost twice its prediction; 0.01
        tally.Quality!.Value.ShouldBe(0.75, 1e-6);
        var (model, usd) = tally.BestSingle(_ => true)!.Value;
        model.ShouldBe(3); // at lambda 1: (0.6 - 0.1) / 2 against (0.9 - 1) / 2
        usd.ShouldBe(0.003, 1e-7); // 0.001 twice over, and 0.001
    }

    [Fact]
    public void QualityInterval_OfTwo_IsTheNormalOneWithinAShare()
    {
        var (value, low, high) = TwoRequests().QualityInterval()!.Value;

        // s^2 = 2 x 0.15^2 = 0.045, so the half width is 1.96 x sqrt(0.045 / 2) = 0.294.
        value.ShouldBe(0.75, 1e-6);
        low.ShouldBe(0.456, 1e-3);
        high.ShouldBe(1);
    }

    [Fact]
    public void Saved_OfTwo_HasItsIntervalOverRequests()
    {
        var tally = TwoRequests();

        // Against the strongest 0.018 and 0: sum 0.018, s = 0.018 / sqrt(2), half = 1.96 s sqrt(2). Against model 3 alone 0 and -0.009.
        var strongest = tally.SavedAgainstStrongest()!.Value;
        (strongest.Low, strongest.High).ShouldSatisfyAllConditions(i => i.Low.ShouldBe(0.018 - (1.96 * 0.018), 1e-5), i => i.High.ShouldBe(0.018 + (1.96 * 0.018), 1e-5));
        var single = tally.SavedAgainst(3)!.Value;
        (single.Low, single.High).ShouldSatisfyAllConditions(i => i.Low.ShouldBe(-0.009 - (1.96 * 0.009), 1e-5), i => i.High.ShouldBe(-0.009 + (1.96 * 0.009), 1e-5));
        tally.SavedAgainst(5).ShouldBeNull();
        new TrafficTally().SavedAgainstStrongest().ShouldBeNull();
    }

    [Fact]
    public void Intervals_OfOneRequest_AreNotOfNoWidth()
    {
        var tally = new TrafficTally();
        tally.Add(Call(served: 3, spent: 0.002));

        tally.QualityInterval()!.Value.ShouldSatisfyAllConditions(i => i.Value.ShouldBe(0.6, 1e-6), i => (i.Low, i.High).ShouldBe((0, 1)));
        tally.SavedAgainstStrongest().ShouldBeNull();
        tally.SavedAgainst(3).ShouldBeNull();
    }

    [Fact]
    public void Add_Comparison_TellsWhatTheSecondAnswerTook()
    {
        var tally = new TrafficTally();
        tally.Add(Call(served: 3, spent: 0.022, offered: 7)); // predicted 0.001 and 0.01

        tally.SpentUsd.ShouldBe(0.022, 1e-9);
        tally.ComparisonsUsd.ShouldBe(0.02, 1e-7);
        tally.Models().Select(m => (m.Model, Math.Round(m.SpentUsd, 6), m.Requests)).ShouldBe([(3, 0.002, 1), (7, 0.02, 0)]);
    }

    [Fact]
    public void Add_OfTallies_IsTheTallyOfAll()
    {
        var all = TwoRequests();
        all.Add(TwoRequests());
        var again = TwoRequests();
        again.Add(Call(served: 3, spent: 0.002));
        again.Add(Call(served: 7, spent: double.NaN));

        all.Models().ShouldBe(again.Models());
        (all.Requests, all.SpentUsd, all.StrongestUsd, all.BestSingle(_ => true), all.QualityInterval()).ShouldBe((again.Requests, again.SpentUsd, again.StrongestUsd, again.BestSingle(_ => true), again.QualityInterval()));
        (all.SavedAgainstStrongest(), all.SavedAgainst(3), all.SavedAgainst(7)).ShouldBe((again.SavedAgainstStrongest(), again.SavedAgainst(3), again.SavedAgainst(7)));
    }

    [Fact]
    public void Add_WhatWasAskedForByName_CostsTheSameEitherWay()
    {
        var tally = new TrafficTally();
        tally.Add(new TrafficCall { Asked = 7, Served = 7, Offered = -1, Strongest = 7, SpentUsd = 0.5, LatencyMs = 10 });

        (tally.SpentUsd, tally.StrongestUsd, tally.Decided).ShouldBe((0.5, 0.5, 0));
        tally.Quality.ShouldBeNull();
    }

    [Fact]
    public void Add_NobodyAnswered_IsAnErrorOfTheModelAskedAndCostsNothing()
    {
        var tally = new TrafficTally();
        tally.Add(new TrafficCall { Models = s_models, Outcomes = s_outcomes, Asked = 7, Served = -1, Offered = -1, SpentUsd = double.NaN, LatencyMs = 5, IsError = true, LambdaCost = 1, CostScaleUsd = 0.01 });

        (tally.Requests, tally.Errors, tally.SpentUsd, tally.Decided).ShouldBe((1, 1, 0, 0));
        tally.Models().Single().Errors.ShouldBe(1);
    }

    [Fact]
    public void Comparison_CountsBothAnswersPredictionsAgainstWhatBothCost()
    {
        var tally = new TrafficTally();
        tally.Add(Call(served: 3, spent: 0.022, offered: 7));

        tally.StrongestUsd.ShouldBe(0.02, 1e-7); // both were predicted at 0.011 and cost twice that
    }

    [Theory]
    [InlineData(0.02, 0.01, 2)]
    [InlineData(1, 0.01, 10)]
    [InlineData(0.0001, 0.01, 0.1)]
    [InlineData(0.02, 0, 1)]
    public void Factor_IsSpentOverPredictedWithinTen(double spent, double predicted, double factor) => CostCorrection.Factor(spent, predicted).ShouldBe(factor, 1e-12);

    [Fact]
    public void Latency_Quantiles_AreWithinTheirBins()
    {
        var histogram = new LatencyHistogram();
        for (var i = 1; i <= 1000; i++)
        {
            histogram.Add(i);
        }

        histogram.Add(double.NaN);

        histogram.Count.ShouldBe(1000);
        histogram.Quantile(0.5)!.Value.ShouldBe(500, 500 * 0.075);
        histogram.Quantile(0.99)!.Value.ShouldBe(990, 990 * 0.075);
        new LatencyHistogram().Quantile(0.5).ShouldBeNull();
    }

    private static TrafficTally TwoRequests()
    {
        var tally = new TrafficTally();
        tally.Add(Call(served: 3, spent: 0.002));
        tally.Add(Call(served: 7, spent: double.NaN));
        return tally;
    }

    private static TrafficCall Call(int served, double spent, int offered = -1) =>
        new() { Models = s_models, Outcomes = s_outcomes, LambdaCost = 1, CostScaleUsd = 0.01, Asked = served, Served = served, Offered = offered, Strongest = 7, SpentUsd = spent, LatencyMs = 100 };
}
