using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Traffic;

namespace MetaRouter.Core.Tests.Traffic;

public class TrafficFrontTests
{
    private static readonly RankedModel[] s_candidates = [new(default, new(0.6f, 0.001f, 0), float.NaN, 0.5f, ModelExclusion.None), new(default, new(0.9f, 0.01f, 0), float.NaN, 0.5f, ModelExclusion.None)];

    [Fact]
    public void Add_AnswerTwiceAsDearAsPredicted_DoublesWhatEveryModelWouldHaveCost()
    {
        var front = new TrafficFront();
        front.Add([4, 7], s_candidates, new Preference(0.1), 0.01, served: 0, second: -1, spentUsd: 0.002);

        front.Traffic.SpentUsd.ShouldBe(0.002, 1e-9);
        front.Traffic.Models().Select(m => (m.Model, Math.Round(m.AloneUsd!.Value, 6))).ShouldBe([(4, 0.002), (7, 0.02)]);
        (front.Dial.Points()[0].Shares.Single().Model, front.Dial.Points()[^1].Shares.Single().Model).ShouldBe((7, 4));
        front.Dial.Points()[0].CostUsd.ShouldBe(0.02, 1e-8);
    }

    [Fact]
    public void Add_Comparison_CountsTheServedAnswersPartOfTheCost()
    {
        var front = new TrafficFront();
        front.Add([4, 7], s_candidates, new Preference(0.1), 0.01, served: 1, second: 0, spentUsd: 0.022); // twice what both were to cost

        front.Traffic.SpentUsd.ShouldBe(0.02, 1e-8);
        front.Traffic.ComparisonsUsd.ShouldBe(0);
    }

    [Fact]
    public void Add_CostNotKnown_CountsThePrediction()
    {
        var front = new TrafficFront();
        front.Add([0, 7], s_candidates, new Preference(0.1), 0.01, served: 1, second: -1, spentUsd: double.NaN);

        front.Traffic.SpentUsd.ShouldBe(0.01, 1e-8);
        front.Dial.Points()[0].CostUsd.ShouldBe(0.01, 1e-8);
        front.Traffic.ComparisonsUsd.ShouldBe(0); // model 0 was not shown beside it
    }

    [Fact]
    public void Add_ModelThatWasRuledOut_IsNotWhereTheDialGoes()
    {
        var front = new TrafficFront();
        front.Add([4, 7], [s_candidates[0], s_candidates[1] with { Exclusion = ModelExclusion.NotAllowed }], new Preference(0.1), 0.01, served: 0, second: -1, spentUsd: 0.001);

        front.Dial.Points().ShouldAllBe(p => p.Shares.Single().Model == 4);
    }

    [Fact]
    public void LambdaCost_IsTheGeometricMean_OfLambdasThatTheDialHas()
    {
        var front = new TrafficFront();
        front.LambdaCost.ShouldBe(double.NaN);
        foreach (var lambda in (double[])[0, PreferenceGrid.LowestLambda * 100])
        {
            front.Add([4, 7], s_candidates, new Preference(lambda), 0.01, served: 0, second: -1, spentUsd: 0.001);
        }

        front.LambdaCost.ShouldBe(PreferenceGrid.LowestLambda * 10, 1e-6);
    }
}
