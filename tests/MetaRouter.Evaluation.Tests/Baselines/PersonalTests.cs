using MetaRouter.Core.Numerics;
using MetaRouter.Evaluation.Baselines.Personal;

namespace MetaRouter.Evaluation.Tests.Baselines;

public sealed class PersonalTests
{
    [Fact]
    public void Normal_Sharpened_IsBayesByHand()
    {
        // Precision 1 / .31^2 in both directions, one measurement of 2 along cost with weight 5.
        var prior = Normal.Start;
        var after = prior.Sharpened(new Point(0, 1), 5);
        var target = prior.Times(prior.Mean) + (5 * 2 * new Point(0, 1));
        var mean = after.Solve(target);
        var precision = 1 / (.31 * .31);

        mean.Quality.ShouldBe(prior.Mean.Quality, 1e-12);
        mean.Cost.ShouldBe(((precision * prior.Mean.Cost) + 10) / (precision + 5), 1e-12);
        after.Deviation(new Point(0, 1)).ShouldBe(1 / Math.Sqrt(precision + 5), 1e-12);
    }

    [Fact]
    public void Draw_ManyTimes_HasTheMeanAndCovariance()
    {
        var normal = new Normal(3, 1, 2, new Point(.5, -1));
        var random = new Random(1);
        var draws = Enumerable.Range(0, 200_000).Select(_ => normal.Draw(random)).ToArray();

        draws.Average(d => d.Quality).ShouldBe(.5, .01);
        draws.Average(d => d.Cost).ShouldBe(-1, .01);
        // The inverse of (3 1; 1 2) is (2 -1; -1 3) / 5.
        draws.Average(d => (d.Quality - .5) * (d.Quality - .5)).ShouldBe(.4, .01);
        draws.Average(d => (d.Cost + 1) * (d.Cost + 1)).ShouldBe(.6, .01);
        draws.Average(d => (d.Quality - .5) * (d.Cost + 1)).ShouldBe(-.2, .01);
    }

    [Fact]
    public void Posterior_ManyAnswers_FindsTheUserWithAQuarterOfTheirWeight()
    {
        // Answers of someone who gives quality .8 and cost -.2, at the protocol's sharpness.
        var (user, random, seen) = (new Point(.8, -.2), new Random(4), 0.0);
        var won = Enumerable.Range(0, 20_000).Select(_ =>
        {
            var d = new Point(random.NextDouble() - .5, random.NextDouble() - .5);
            var p = Logistic.Sigmoid(10 * user.Dot(d));
            seen += 100 * p * (1 - p) * d.Cost * d.Cost;
            return random.NextDouble() < p ? d : -1 * d;
        }).ToArray();
        var after = DuelingThompson.Posterior(won, Normal.Start.Mean);

        after.Mean.Quality.ShouldBe(.8, .03);
        after.Mean.Cost.ShouldBe(-.2, .03);
        after.Cc.ShouldBe(Normal.Start.Cc + (.25 * seen), .03 * seen);

        DuelingThompson.Posterior([], new Point(3, 3)).ShouldBe(Normal.Start);
    }

    [Fact]
    public void Widest_OfTwoRows_IsTheDuelThatTheTwoForetellMostDifferently()
    {
        // Row 7: the first theta has .9 against .8, the other .05 against .35: they stand 1 and -3 on the logistic's scale.
        // Row 8: both duel .5 against .49; the first by .01, the other by .005 - .005 = 0.
        Point[][] rows = [[new(.9, .8), new(.8, .1)], [new(.5, .02), new(.49, .01)]];
        var arms = new PersonalBandit.Arms(2, (row, model) => rows[row - 7][model]);

        foreach (var looked in (int[][])[[7, 8], [8, 7]])
        {
            arms.Widest(looked, new Point(1, 0), new Point(.5, -.5)).ShouldBe(new Question(7, 0, 1));
        }

        // Both thetas are sure of row 7, in the same way; about row 8 they are of two minds.
        rows = [[new(.9, .1), new(.1, .1)], [new(.6, .3), new(.5, .1)]];
        arms.Widest([7, 8], new Point(1, 0), new Point(1, -1)).ShouldBe(new Question(8, 0, 1));
    }

    [Fact]
    public void Ask_FirstRowTeachesNothing_EveryBanditAsksAboutTheOther()
    {
        // On row 0 all models are the same to any user, on row 1 they lie apart.
        var arms = new PersonalBandit.Arms(3, (row, model) => row == 0 ? new Point(.5, .5) : new Point(.4 + (.2 * model), .1 + (.4 * model)));
        foreach (var bandit in (PersonalBandit[])[new LinUcb(false), new LinearThompson(false), new DuelingThompson(false), new LinearThompson(true), new DuelingThompson(true)])
        {
            for (var seed = 0; seed < 20; seed++)
            {
                bandit.Start(arms, new Random(seed)).Ask([0, 1])!.Value.Row.ShouldBe(1, bandit.Name);
            }
        }
    }

    [Fact]
    public void Random_Questions_AreOfTwoModelsAndAllPairs()
    {
        var random = new Random(3);
        var seen = Enumerable.Range(0, 500).Select(_ => Questions.Random([7, 8], 3, random)).ToArray();
        seen.ShouldAllBe(q => q.Row == 7 && q.First != q.Second);
        seen.Select(q => (q.First, q.Second)).Distinct().Count().ShouldBe(6);
    }

    [Fact]
    public void Cell_GradedAndSaid_IsCountedByHand()
    {
        // Ten imaginary answers, 6 of them good; of 30 graded ones 12 were: 18 of 40.
        var cell = BetaCells.Cell.Of(.6, 10).Graded(12, 30);
        cell.ShouldBe(new BetaCells.Cell(18, 22));

        // Of 190 graded ones 94: 100 of 200, which count as 25 of 50.
        BetaCells.Cell.Of(.6, 10).Graded(94, 190).ShouldBe(new BetaCells.Cell(25, 25));

        cell.Add(good: true).Add(good: false).ShouldBe(new BetaCells.Cell(19, 23));
        Enumerable.Range(0, 300).Aggregate(cell, (c, _) => c.Add(good: true)).ShouldBe(new BetaCells.Cell(178, 22));
    }

    [Fact]
    public void Cell_Drawn_HasTheMeanAndVarianceOfABeta()
    {
        var (cell, random) = (new BetaCells.Cell(20, 30), new Random(1));
        var draws = Enumerable.Range(0, 100_000).Select(_ => cell.Draw(random)).ToArray();
        draws.Average().ShouldBe(.4, .002);
        // a b / ((a + b)^2 (a + b + 1))
        draws.Average(d => (d - .4) * (d - .4)).ShouldBe(600 / (2500.0 * 51), 1e-4);
    }
}
