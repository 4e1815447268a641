using MetaRouter.Core.Routing;
using MetaRouter.Core.Traffic;

namespace MetaRouter.Core.Tests.Traffic;

public class TrafficTallyTests
{
    /// <summary>Model 0 is cheap, model 7 dear; tau is $0.01.</summary>
    private static readonly int[] s_models = [0, 7];
    private static readonly Outcome[] s_outcomes = [new(0.6f, 0.001f, 0), new(0.9f, 0.01f, 0)];

    [Fact]
    public void Add_TwoRequests_GivesTheSumsWorkedOutByHand()
    {
        var tally = TwoRequests();

        (tally.Requests, tally.FailOvers).ShouldBe((2, 0));
        tally.SpentUsd.ShouldBe(0.012, 1e-7); // 0.002 as counted, 0.01 as predicted
        tally.PredictedUsd.ShouldBe(0.01, 1e-7);
        tally.StrongestUsd.ShouldBe(0.03, 1e-7); // 0.01 twice over, since the first cost twice its prediction; 0.01
        tally.Quality!.Value.ShouldBe(0.75, 1e-6);
        var (model, usd) = tally.BestSingle(_ => true)!.Value;
        model.ShouldBe(0); // at lambda 1: (0.6 - 0.1) / 2 against (0.9 - 1) / 2
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

        // Against the strongest 0.018 and 0: sum 0.018, s = 0.018 / sqrt(2), half = 1.96 s sqrt(2). Against model 0 alone 0 and -0.009.
        var strongest = tally.SavedAgainstStrongest()!.Value;
        (strongest.Low, strongest.High).ShouldSatisfyAllConditions(i => i.Low.ShouldBe(0.018 - (1.96 * 0.018), 1e-5), i => i.High.ShouldBe(0.018 + (1.96 * 0.018), 1e-5));
        var single = tally.SavedAgainst(0)!.Value;
        (single.Low, single.High).ShouldSatisfyAllConditions(i => i.Low.ShouldBe(-0.009 - (1.96 * 0.009), 1e-5), i => i.High.ShouldBe(-0.009 + (1.96 * 0.009), 1e-5));
        (tally.SavedAgainst(5), tally.SavedAgainst(8)).ShouldBe((null, null));
        new TrafficTally().SavedAgainstStrongest().ShouldBeNull();
    }

    [Fact]
    public void Intervals_OfOneRequest_AreNotOfNoWidth()
    {
        var tally = new TrafficTally();
        tally.Add(Call(served: 0, spent: 0.002));

        tally.QualityInterval()!.Value.ShouldSatisfyAllConditions(i => i.Value.ShouldBe(0.6, 1e-6), i => (i.Low, i.High).ShouldBe((0, 1)));
        tally.SavedAgainstStrongest().ShouldBeNull();
        tally.SavedAgainst(0).ShouldBeNull();
    }

    [Fact]
    public void Add_Comparison_TellsWhatTheSecondAnswerTook()
    {
        var tally = new TrafficTally();
        tally.Add(Call(served: 0, spent: 0.022, offered: 7)); // predicted 0.001 and 0.01

        tally.SpentUsd.ShouldBe(0.022, 1e-9);
        tally.ComparisonsUsd.ShouldBe(0.02, 1e-7);
        tally.Models().Select(m => (m.Model, Math.Round(m.SpentUsd, 6), m.Requests)).ShouldBe([(0, 0.002, 1), (7, 0.02, 0)]);
    }

    [Fact]
    public void Add_ComparisonWhoseSecondAnswersCostIsKnown_IsBookedOnTheModelThatGaveIt()
    {
        var tally = new TrafficTally();
        tally.Add(Call(served: 7, spent: 0.022, offered: 0, second: 0.005));

        tally.ComparisonsUsd.ShouldBe(0.005, 1e-9);
        tally.StrongestUsd.ShouldBe(0.02, 1e-7); // both were predicted at 0.011 and cost twice that
        tally.Models().Select(m => (m.Model, Math.Round(m.SpentUsd, 6))).ShouldBe([(0, 0.005), (7, 0.017)]);
    }

    [Fact]
    public void Add_ComparisonOfModelsThatAreFree_TookNothing()
    {
        var tally = new TrafficTally();
        tally.Add(new TrafficCall { Models = s_models, Outcomes = new Outcome[2], CostScaleUsd = 0.01, Served = 7, Offered = 0, Strongest = 0, LatencyMs = 1 });

        tally.ComparisonsUsd.ShouldBe(0);
    }

    [Fact]
    public void Add_FailOver_IsAnErrorOfTheModelAsked()
    {
        var tally = new TrafficTally();
        tally.Add(Call(served: 0, spent: 0.002, failedOverFrom: 7));

        (tally.FailOvers, tally.Errors).ShouldBe((1, 0));
        tally.Models().Select(m => (m.Model, m.Requests, m.Errors)).ShouldBe([(0, 1, 0), (7, 0, 1)]);
        tally.Add(new TrafficCall { Asked = 7, Served = -1, Offered = -1, IsFailOver = true, IsError = true });
        (tally.FailOvers, tally.Errors).ShouldBe((1, 1)); // nobody answered in its place
    }

    [Fact]
    public void Add_StrongestThatIsTheFirst_IsWhatIsComparedWith()
    {
        var tally = new TrafficTally();
        tally.Add(Call(served: 7, spent: 0.02, strongest: 0)); // twice its prediction

        tally.StrongestUsd.ShouldBe(0.002, 1e-9);
    }

    [Fact]
    public void Models_TellsWhatEachDidAndWouldHaveDoneOnTheMean()
    {
        var tally = TwoRequests();
        tally.Add(Call(served: 0, spent: 0.001) with { LatencyMs = 2000 });
        tally.Add(new TrafficCall { Asked = 5, Served = 5, Offered = -1, SpentUsd = 0.5, LatencyMs = 100 });

        var median = tally.Latency.Quantile(0.5);
        tally.Models().Select(m => m with { SpentUsd = Math.Round(m.SpentUsd, 6), Quality = Round(m.Quality), AloneQuality = Round(m.AloneQuality), AloneUsd = Round(m.AloneUsd) }).ShouldBe([
            new(0, 2, 0, 0.003, 0.6, median, 0.6, 0.001333), // 0.002, 0.001 and 0.001 of three requests
            new(5, 1, 0, 0.5, null, median, null, null),
            new(7, 1, 0, 0.01, 0.9, median, 0.9, 0.013333)]);
    }

    [Fact]
    public void Intervals_OfThree_AreOverTwoDegreesOfFreedom()
    {
        var tally = TwoRequests();
        tally.Add(Call(served: 0, spent: 0.002));

        // Saved 0.018, 0 and 0.018: s^2 = (0.000648 - 0.036^2 / 3) / 2, and s sqrt(3) = 0.018. Qualities 0.6, 0.9 and 0.6: s^2 = (1.53 - 3 x 0.49) / 2, and s / sqrt(3) = 0.1.
        var (low, high) = tally.SavedAgainstStrongest()!.Value;
        (low, high).ShouldSatisfyAllConditions(i => i.low.ShouldBe(0.036 - (1.96 * 0.018), 1e-5), i => i.high.ShouldBe(0.036 + (1.96 * 0.018), 1e-5));
        tally.QualityInterval()!.Value.ShouldSatisfyAllConditions(i => i.Low.ShouldBe(0.7 - 0.196, 1e-4), i => i.High.ShouldBe(0.7 + 0.196, 1e-4));
    }

    [Fact]
    public void Intervals_OfRequestsAlike_HaveNoWidth_HoweverTheirSumsAreRounded()
    {
        var tally = new TrafficTally();
        for (var i = 0; i < 50; i++)
        {
            tally.Add(Call(served: 0, spent: 0.0011));
            if (i > 0)
            {
                var ((value, low, high), saved) = (tally.QualityInterval()!.Value, tally.SavedAgainstStrongest()!.Value);
                (low, high).ShouldSatisfyAllConditions(q => q.low.ShouldBe(value, 1e-6), q => q.high.ShouldBe(value, 1e-6));
                saved.Low.ShouldBe(saved.High, 1e-6);
            }
        }
    }

    [Fact]
    public void BestSingle_OfTallies_IsWorthMostOverAll_EachRequestAtItsOwnTradeOff()
    {
        var (all, other) = (new TrafficTally(), new TrafficTally());
        all.Add(Call(served: 0, spent: 0.001)); // model 7 is worth 0.3 less
        other.Add(Call(served: 0, spent: 0.001, lambda: 0)); // and 0.3 more
        other.Add(Call(served: 0, spent: 0.001, lambda: 0));
        other.Add(new TrafficCall { Asked = 5, Served = 5, Offered = -1, SpentUsd = 0.5, LatencyMs = 1 });
        all.Add(other);

        var (model, usd) = all.BestSingle(_ => true)!.Value;

        model.ShouldBe(7);
        usd.ShouldBe(0.53, 1e-6); // what was asked for by name costs the same
        all.BestSingle(m => m == 5).ShouldBeNull();
    }

    [Fact]
    public void Add_OfTallies_IsTheTallyOfAll()
    {
        var all = TwoRequests();
        all.Add(TwoRequests());
        var other = new TrafficTally();
        AddOthers(other);
        all.Add(other);
        var again = TwoRequests();
        again.Add(Call(served: 0, spent: 0.002));
        again.Add(Call(served: 7, spent: double.NaN));
        AddOthers(again);

        Figures(all).ShouldBe(Figures(again), 1e-9);
    }

    [Fact]
    public void Add_WhatWasAskedForByName_CostsTheSameEitherWay()
    {
        var tally = new TrafficTally();
        tally.Add(new TrafficCall { Asked = 7, Served = 7, Offered = -1, Strongest = 7, SpentUsd = 0.5, LatencyMs = 10 });

        (tally.SpentUsd, tally.StrongestUsd, tally.Decided).ShouldBe((0.5, 0.5, 0));
        tally.Quality.ShouldBeNull();
        tally.Models().Single().SpentUsd.ShouldBe(0.5);
        tally.Add(new TrafficCall { Asked = 7, Served = 7, Offered = -1, SpentUsd = double.NaN, LatencyMs = 10 });
        tally.SpentUsd.ShouldBe(0.5); // what it cost elsewhere is not known, nor predicted
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
        tally.Add(Call(served: 0, spent: 0.022, offered: 7));

        tally.StrongestUsd.ShouldBe(0.02, 1e-7); // both were predicted at 0.011 and cost twice that
    }

    [Theory]
    [InlineData(0.02, 0.01, 2)]
    [InlineData(1, 0.01, 10)]
    [InlineData(0.0001, 0.01, 0.1)]
    [InlineData(0.02, 0, 1)]
    [InlineData(double.NaN, 0.01, 1)]
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

    [Fact]
    public void Latency_BelowTheFirstBinAndBeyondTheLast_CountsInThem()
    {
        var (none, endless, both) = (new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram());
        none.Add(0);
        endless.Add(double.PositiveInfinity);
        both.Add(none);
        both.Add(endless);

        (none.Quantile(0.5)!.Value, endless.Quantile(0.5)!.Value).ShouldSatisfyAllConditions(q => q.Item1.ShouldBe(1.07, 0.01), q => q.Item2.ShouldBe(625e3, 5e3));
        (both.Count, both.Quantile(0.5), both.Quantile(0.51)).ShouldBe((2, none.Quantile(0.5), endless.Quantile(0.5)));
    }

    [Fact]
    public void Latency_OfOne_IsTheMiddleOfItsBin()
    {
        var histogram = new LatencyHistogram();
        histogram.Add(Math.Pow(1.15, 32.9));

        histogram.Quantile(0.5)!.Value.ShouldBe(Math.Pow(1.15, 32.5), 1e-6);
    }

    /// <summary>A fail-over, a comparison, an answer asked for by name and one that nobody gave.</summary>
    private static void AddOthers(TrafficTally tally)
    {
        tally.Add(Call(served: 0, spent: 0.002, failedOverFrom: 7));
        tally.Add(Call(served: 0, spent: 0.022, offered: 7));
        tally.Add(new TrafficCall { Asked = 5, Served = 5, Offered = -1, SpentUsd = 0.5, LatencyMs = 2000 });
        tally.Add(new TrafficCall { Asked = 5, Served = -1, Offered = -1, SpentUsd = double.NaN, LatencyMs = double.NaN, IsError = true });
    }

    private static double[] Figures(TrafficTally tally) =>
    [
        tally.Requests, tally.Errors, tally.FailOvers, tally.Decided, tally.SpentUsd, tally.PredictedUsd, tally.StrongestUsd, tally.ComparisonsUsd, tally.Latency.Count, tally.Latency.Quantile(0.9)!.Value,
        tally.BestSingle(_ => true)!.Value.Model, tally.BestSingle(_ => true)!.Value.Usd, tally.QualityInterval()!.Value.Low, tally.SavedAgainstStrongest()!.Value.Low, tally.SavedAgainst(0)!.Value.Low, tally.SavedAgainst(7)!.Value.Low,
        .. tally.Models().SelectMany(m => (double[])[m.Model, m.Requests, m.Errors, m.SpentUsd, m.Quality ?? -1, m.P50Ms ?? -1, m.AloneQuality ?? -1, m.AloneUsd ?? -1]),
    ];

    private static double? Round(double? figure) => figure is { } known ? Math.Round(known, 6) : null;

    private static TrafficTally TwoRequests()
    {
        var tally = new TrafficTally();
        tally.Add(Call(served: 0, spent: 0.002));
        tally.Add(Call(served: 7, spent: double.NaN));
        return tally;
    }

    private static TrafficCall Call(int served, double spent, int offered = -1, double? second = null, double lambda = 1, int strongest = 7, int? failedOverFrom = null) => new()
    {
        Models = s_models,
        Outcomes = s_outcomes,
        LambdaCost = lambda,
        CostScaleUsd = 0.01,
        Asked = failedOverFrom ?? served,
        Served = served,
        Offered = offered,
        Strongest = strongest,
        SpentUsd = spent,
        SecondUsd = second,
        LatencyMs = 100,
        IsFailOver = failedOverFrom is not null,
    };
}
