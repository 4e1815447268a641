using MetaRouter.Core.Numerics;
using MetaRouter.Evaluation.Baselines.Learning;

namespace MetaRouter.Evaluation.Tests.Baselines;

public sealed class LearningTests
{
    [Fact]
    public void Adam_OnABowl_FindsTheBottom()
    {
        var (values, gradient, adam) = (new double[] { 3, -2 }, new double[2], new Adam(2, .05, 0));
        for (var step = 0; step < 1000; step++)
        {
            (gradient[0], gradient[1]) = (2 * (values[0] - 1), 8 * (values[1] - .5));
            adam.Step(values, gradient);
            gradient.ShouldBe([0, 0]);
        }

        values[0].ShouldBe(1, 1e-2);
        values[1].ShouldBe(.5, 1e-2);
    }

    [Fact]
    public void Platt_OfLogOdds_IsTheLine()
    {
        var random = new Random(2);
        var strength = Enumerable.Range(0, 40_000).Select(_ => 4 * (random.NextDouble() - .5)).ToArray();
        var score = strength.Select((s, i) => random.NextDouble() < Logistic.Sigmoid(i % 2 == 0 ? .5 + (2 * s) : -1 - s) ? 1f : 0f).ToArray();
        score[0] = float.NaN;
        var platt = Platt.Fit(strength, score, 2);
        platt.Of(0, 1).ShouldBe((float)Logistic.Sigmoid(2.5), .01f);
        platt.Of(1, 1).ShouldBe((float)Logistic.Sigmoid(-2), .01f);
    }

    [Fact]
    public void KMeans_OfTwoTopics_PartsThem()
    {
        var table = Topics.Table(200, 0);
        var (text, _) = TextVectors.Read(table, table);
        var clusters = KMeans.Fit(text, [.. Enumerable.Range(0, 200)], 2, 3, default);
        var first = Enumerable.Range(0, 200).Count(i => clusters.Nearest(text.Dense(i)) == (i % 2));
        Math.Max(first, 200 - first).ShouldBeGreaterThan(190);
    }

    [Fact]
    public void KMeans_MoreClustersThanRows_HasAsManyAsRows()
    {
        var table = Topics.Table(40, 0);
        var (text, _) = TextVectors.Read(table, table);
        KMeans.Fit(text, [1, 2, 3], 30, 0, default).Count.ShouldBe(3);
    }

    [Fact]
    public void TextVectors_OfTrainingRows_HaveMeanZeroAndVarianceOne()
    {
        var table = Topics.Table(300, 0);
        var (text, other) = TextVectors.Read(table, Topics.Table(50, 1));
        for (var j = 0; j < 10; j++)
        {
            Enumerable.Range(0, 300).Average(i => text.Of(i)[j]).ShouldBe(0, .1);
            Enumerable.Range(0, 300).Average(i => text.Of(i)[j] * text.Of(i)[j]).ShouldBe(1, .2);
        }

        other.Rows.ShouldBe(50);
        other.Of(0)[^1].ShouldBe(1);
    }

    [Fact]
    public void ClusterMeans_ByHand()
    {
        var table = Topics.Table(4, 0);
        (table.Score[0], table.Score[3], table.Score[6], table.Score[9]) = (1, 0, 0, 1);
        var (quality, cost) = ClusterMeans.Of(table, [0, 1, 2], [0, 0, 1], 3, shrinkage: 2);
        quality[0].ShouldBe((1 + 0 + (2 * .5)) / 4, 1e-12);
        quality[3].ShouldBe((0 + (2 * .5)) / 3, 1e-12);
        quality[6].ShouldBe(.5, 1e-12);
        cost[2].ShouldBe(.01, 1e-12);
    }
}
