using System.Numerics.Tensors;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Baselines.Learning;

namespace MetaRouter.Evaluation.Tests.Baselines;

/// <summary>What the papers write down as formulas, against the formulas.</summary>
public sealed class ByHandTests
{
    [Fact]
    public void Solve_SharesWonAsStrengthsHaveThem_FindsTheStrengths()
    {
        // Pairs (1, 0), (2, 0), (2, 1); a thousand battles each, so that the ridge hardly shows.
        double[] strength = [-.7, -.2, .9], battles = [1000, 1000, 1000], found = new double[3];
        double[] wins = [1000 * Logistic.Sigmoid(.5), 1000 * Logistic.Sigmoid(1.6), 1000 * Logistic.Sigmoid(1.1)];
        RouteLlmSimilarity.Solve(wins, battles, 1000, found);

        found.ShouldBe(strength, .01);
    }

    [Fact]
    public void RouteLlmSimilarity_OfTwoBattles_WeighsThemByTenToTheSimilarity()
    {
        // The first model won on the very text that is asked about, where S is 1, the second on another.
        var (train, test) = (Two(["verse rose moon lyric", "integral prime matrix root"], [1, 0, 0, 1]), Two(["verse rose moon lyric"], [0, 0]));
        var (text, asked) = TextVectors.Read(train, test);
        var (same, other) = (TensorPrimitives.Dot(asked.Dense(0), text.Dense(0)), TensorPrimitives.Dot(asked.Dense(0), text.Dense(1)));
        var chance = new RouteLlmSimilarity().FitPredict(train, test, 0, default).WinChance(0, 2, 0, 1);

        (chance / (1 - chance)).ShouldBe(Math.Pow(10, 2) / Math.Pow(10, 1 + (other / same)), .01);
        chance.ShouldBeGreaterThan(.51);
    }

    [Fact]
    public void CrossAttention_Worth_IsTheExponentialReward()
    {
        var predicted = new CrossAttention().FitPredict(Topics.Table(100, 0), Topics.Table(5, 1), 0, default);
        var worth = new double[3];
        predicted.Worth(2, 40, worth);

        // One rate for all models: the one that earned most at this price.
        var rate = Math.Log(predicted.Quality[6] / worth[0]) / predicted.CostUsd[6];
        rate.ShouldBeGreaterThan(0);
        for (var m = 1; m < 3; m++)
        {
            worth[m].ShouldBe(predicted.Quality[6 + m] * Math.Exp(-rate * predicted.CostUsd[6 + m]), 1e-9);
        }
    }

    [Theory]
    [InlineData(0, 3)] // quality alone: .9
    [InlineData(.05, 1)] // .9 - .5 is less than .6 - .05
    public void PlayedSettings_Best_IsTheSettingThatEarnedMostAtThePrice(double price, double setting)
    {
        // Under setting 3 the dear model is served, under 1 the cheap one.
        var table = Of(2, ["a", "b"], [.6f, .9f], [1, 10]);
        PlayedSettings.Play(table, [1, 3], (_, model, s) => model == 0 ? 2 : s).Best(price).ShouldBe(setting);
    }

    [Fact]
    public void AvengersPro_OfOneKindOfRequest_ScoresPerformanceAndCheapnessFromZeroToOne()
    {
        // Means .2, .5, .8 at 1, 2 and 5 dollars, the same everywhere: performance 0, .5, 1, cheapness 1, .75, 0.
        var table = Of(3, [.. Enumerable.Repeat("verse rose moon lyric", 60)], [.2f, .5f, .8f], [1, 2, 5]);
        var predicted = new AvengersPro(isStatic: false).FitPredict(table, table, 0, default);
        var worth = new double[3];

        // At .15 of a right answer a dollar the second earns most, as it does from alpha 1/3 on; of 41 alphas .35 is the first beyond.
        predicted.Worth(0, .15, worth);
        worth.ShouldBe([.65, .6625, .35], 1e-6);
    }

    private static OutcomeTable Two(string[] queries, float[] score) => Of(2, queries, score, []);

    /// <param name="score">Of every cell, or of every model.</param>
    /// <param name="cost">Of every model; none: a cent.</param>
    private static OutcomeTable Of(int models, string[] queries, float[] score, double[] cost)
    {
        var cells = queries.Length * models;
        float[] unknown = [.. Enumerable.Repeat(float.NaN, cells)];
        return new OutcomeTable(
            "by hand", [.. Enumerable.Range(0, models).Select(m => new ModelId($"m{m}"))], [.. queries.Select((_, i) => $"r{i}")], queries, [.. queries.Select(_ => "all")],
            [.. Enumerable.Range(0, cells).Select(i => score[i % score.Length])], [.. Enumerable.Range(0, cells).Select(i => cost.Length > 0 ? cost[i % models] : .01)], unknown, unknown, unknown);
    }
}
