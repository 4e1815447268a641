using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.MetaLearning;

public class MetaLearnerTests
{
    [Fact]
    public void Fit_TwoGroups_AreRecovered()
    {
        var users = Users(2_000, seed: 1, r => (r.Next(2) == 0 ? Math.Log(0.05) : Math.Log(3)) + (0.4 * Normal(r)));

        var prior = Everybody.Fit(PopulationPrior.Default, users);

        var (thrifty, demanding) = (Group(prior, l => l > 0.4), Group(prior, l => l <= 0.4));
        thrifty.Share.ShouldBe(0.5, 0.07);
        demanding.Mean.ShouldBe(Math.Log(0.05), 0.5); // below 0.05 users answer nearly alike
        thrifty.Mean.ShouldBe(Math.Log(3), 0.35);
        Between(prior, 0.2, 0.7).ShouldBeLessThan(Between(PopulationPrior.Default, 0.2, 0.7) / 2);
        prior.BetaWeights[1].ShouldBeGreaterThan(0.6);
    }

    [Fact]
    public void Fit_DriftedPopulation_PredictsItsNewUsersBetterThanOtherPriors()
    {
        var before = Everybody.Fit(PopulationPrior.Default, Users(500, seed: 2, r => -1.5 + Normal(r)));
        var after = Everybody.Fit(PopulationPrior.Default, Users(500, seed: 3, r => 0.5 + (0.7 * Normal(r))));
        var followers = Users(500, seed: 4, r => 0.5 + (0.7 * Normal(r)));

        var learned = Everybody.MeanEvidence(after, followers);

        learned.ShouldBeGreaterThan(Everybody.MeanEvidence(PopulationPrior.Default, followers));
        learned.ShouldBeGreaterThan(Everybody.MeanEvidence(before, followers));
    }

    /// <summary>A step shares the users and the imaginary ones out among components, and loses none of them nor where they are.</summary>
    [Fact]
    public void Advance_OneStep_HasTheMomentsOfUsersAndImaginaryOnesTogether()
    {
        double[] start = [.. PopulationPrior.Default.LogWeights.ToArray().Select(w => Math.Exp(w))];
        double[] counts = [.. start.Select((_, h) => 0.01 * (h / 3) * ((h % 3) + 1))];
        var fit = new PriorFit(PopulationPrior.Default);

        fit.Advance(new Expectation(counts, -100, 30));

        double[] total = [.. counts.Zip(start, (c, s) => c + (MetaLearner.PseudoUsers * s))];
        fit.Prior.Components.Sum(c => c.Weight).ShouldBe(1, 1e-9);
        fit.Prior.Components.Sum(c => c.Weight * c.Mean).ShouldBe(Moment(x => x), 1e-6);
        fit.Prior.Components.Sum(c => c.Weight * ((c.Mean * c.Mean) + (c.Deviation * c.Deviation))).ShouldBe(Moment(x => x * x), 1e-6);
        fit.Prior.BetaWeights.ShouldBe(Enumerable.Range(0, 3).Select(beta => total.Where((_, h) => h % 3 == beta).Sum() / total.Sum()), 1e-9);

        double Moment(Func<double, double> of) => total.Select((t, h) => t * of(PreferenceGrid.LogLambda[h / 3])).Sum() / total.Sum();
    }

    [Fact]
    public void Advance_UntilNothingIsGained_ThenNoMore()
    {
        var (counts, fit) = (new double[ChoiceModel.Hypotheses], new PriorFit(PopulationPrior.Default));
        Array.Fill(counts, 100.0 / counts.Length);
        foreach (var (evidence, isDone) in (ReadOnlySpan<(double, bool)>)[(-100, false), (-99, false), (-98.9998, false), (-98.99975, true)]) // 100 users: a gain of 0.0001 is the least
        {
            fit.Advance(new Expectation(counts, evidence, 100));
            fit.IsDone.ShouldBe(isDone);
        }

        (fit.Steps, fit.IsLearned).ShouldBe((4, true));
        Should.Throw<InvalidOperationException>(() => fit.Advance(new Expectation(counts, 0, 100)));
        var one = new PriorFit(PopulationPrior.Default, mostSteps: 1);
        one.Advance(new Expectation(counts, -100, 100));
        one.IsDone.ShouldBeTrue();
    }

    [Fact]
    public void Advance_ComponentThatNobodyIsLeftTo_StaysWhereItWas()
    {
        var fit = new PriorFit(new PopulationPrior([new(0.9, 0, 1), new(0.1, 500, 0.3)], [1 / 3.0, 1 / 3.0, 1 / 3.0], 0.05));

        fit.Advance(new Expectation([.. Enumerable.Repeat(1.0, ChoiceModel.Hypotheses)], -100, ChoiceModel.Hypotheses));

        (fit.Prior.Components[1].Weight, fit.Prior.Components[1].Mean).ShouldBe((0, 500));
        fit.Prior.Components[1].Deviation.ShouldBe(0.3, 1e-12);
    }

    [Fact]
    public void Expectations_OfTwoPlaces_AddUp()
    {
        var (one, other) = (new double[ChoiceModel.Hypotheses], new double[ChoiceModel.Hypotheses]);
        (one[3], other[3], other[5]) = (2, 1, 4);

        var sum = new Expectation(one, -3, 2).Add(new Expectation(other, -4, 5));

        (sum.Counts[3], sum.Counts[5], sum.LogEvidence, sum.Users).ShouldBe((3, 4, -7, 7));
        Should.Throw<ArgumentException>(() => sum.Add(new Expectation([1], 0, 1))).Message.ShouldContain("over 1 hypotheses");
        new PriorEvidence(-3, 2).Add(new PriorEvidence(-4, 5)).ShouldBe(new PriorEvidence(-7, 7));
    }

    [Fact]
    public void Fit_SmallCohort_PublishesNothing()
    {
        var users = Users(MetaLearner.SmallestCohort - 1, seed: 5, Normal);
        TaskSummary[] silent = [.. Enumerable.Repeat(new TaskSummary(new float[ChoiceModel.Hypotheses], 0), 100)];

        Everybody.Fit(PopulationPrior.Default, users).ShouldBeSameAs(PopulationPrior.Default);
        Everybody.Fit(PopulationPrior.Default, [.. users, .. silent]).ShouldBeSameAs(PopulationPrior.Default);
        Everybody.Fit(PopulationPrior.Default, Users(MetaLearner.SmallestCohort, seed: 5, Normal)).ShouldNotBeSameAs(PopulationPrior.Default);
    }

    [Fact]
    public void Fit_OneUserOfManySignals_CountsOnce()
    {
        var users = Users(400, seed: 6, r => -1 + (0.8 * Normal(r)));
        TaskSummary[] insistent = [.. users];
        insistent[0] = Summary(Math.Log(30), signals: 64, new Random(7));
        // A user beyond all measure: certain of one hypothesis.
        TaskSummary[] certain = [.. users];
        certain[0] = new TaskSummary([.. Enumerable.Range(0, ChoiceModel.Hypotheses).Select(h => h == ChoiceModel.Hypotheses - 1 ? 0 : -1_000f)], int.MaxValue);

        var prior = Everybody.Fit(PopulationPrior.Default, users, iterations: 1);

        // One step moves at most the user's own share of the expected counts.
        Math.Abs(Components(prior) - Components(Everybody.Fit(PopulationPrior.Default, insistent, iterations: 1))).ShouldBeLessThan(1.0 / 400);
        Math.Abs(Components(prior) - Components(Everybody.Fit(PopulationPrior.Default, certain, iterations: 1))).ShouldBeLessThan(1.0 / 400);
        Distance(Everybody.Fit(PopulationPrior.Default, users), Everybody.Fit(PopulationPrior.Default, certain)).ShouldBeLessThan(0.02);

        static double Components(PopulationPrior p) => p.Components[^1].Weight;
    }

    [Theory]
    [InlineData(30)]
    [InlineData(0.002)]
    public void Fit_ATenthHostile_MoveTheOthersStartByTheirShareAndNoMore(double hostileLambda)
    {
        // They say the same extreme thing as often as a window holds; the honest say it 20 times, with doubt.
        var random = new Random(11);
        TaskSummary[] honest = [.. Users(900, seed: 10, r => -1 + (0.7 * Normal(r)))];
        TaskSummary[] hostile = [.. Enumerable.Range(0, 100).Select(_ => Summary(Math.Log(hostileLambda), 64, random))];
        var followers = Users(400, seed: 12, r => -1 + (0.7 * Normal(r)));

        var (clean, poisoned) = (Everybody.Fit(PopulationPrior.Default, honest), Everybody.Fit(PopulationPrior.Default, [.. honest, .. hostile]));

        // Nine tenths of the poisoned prior are the honest one, so it predicts them worse by at most -ln 0.9 (0.105 nats).
        var loss = Everybody.MeanEvidence(clean, followers) - Everybody.MeanEvidence(poisoned, followers);
        loss.ShouldBeInRange(-0.01, -Math.Log(0.9) + 0.02);
        Math.Abs(PreferenceBelief.FromPrior(clean).CostShare - PreferenceBelief.FromPrior(poisoned).CostShare).ShouldBeInRange(0.01, 0.1);
    }

    [Fact]
    public void Fit_AnyOrderOfThreads_GivesTheSameBits()
    {
        var users = Users(1_500, seed: 8, Normal);
        var expected = Everybody.Fit(PopulationPrior.Default, users);
        var fits = new PopulationPrior[8];

        Parallel.For(0, fits.Length, i => fits[i] = Everybody.Fit(PopulationPrior.Default, users));

        fits.ShouldAllBe(f => f.Components.SequenceEqual(expected.Components) && f.BetaWeights.SequenceEqual(expected.BetaWeights));
    }

    [Fact]
    public void Fit_ManyIterations_DoNotCollapseTheDeviation()
    {
        var prior = Everybody.Fit(PopulationPrior.Default, Users(600, seed: 9, r => -1.5 + Normal(r)), iterations: 300);

        var (_, mean, deviation) = Group(prior, _ => true);
        mean.ShouldBe(-1.5, 0.3);
        deviation.ShouldBeInRange(0.7, 1.4);
    }

    [Fact]
    public void Fit_FromItsOwnResult_KeepsASpread()
    {
        // The start's imaginary users hold the fit back; starting from the last fit gives them up, so this sharpens, but summaries without the prior keep it from a point.
        var users = Users(300, seed: 9, r => -1.5 + Normal(r));
        var prior = PopulationPrior.Default;
        for (var round = 0; round < 6; round++)
        {
            prior = Everybody.Fit(prior, users);
        }

        Group(prior, _ => true).Deviation.ShouldBeGreaterThan(0.5);
        prior.Components.ShouldAllBe(c => c.Deviation >= 0.25 && double.IsFinite(c.Mean));
    }

    [Fact]
    public void MeanEvidence_NoUsers_IsZero() => PriorEvidence.Of(MetaRouter.Core.Routing.RoutingPool.OfSnapshot(Snapshot.Default), PopulationPrior.Default, []).MeanEvidence.ShouldBe(0);

    private static TaskSummary[] Users(int count, int seed, Func<Random, double> logLambda)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Summary(logLambda(random), 20, random))];
    }

    /// <summary>What is seen of a user of sharpness 10 who judges answers by whether they turned out right; the likelihood is told only how probable that was.</summary>
    private static TaskSummary Summary(double logLambda, int signals, Random random)
    {
        var preference = new Preference(Math.Exp(logLambda));
        var state = UserState.Empty;
        for (var i = 0; i < signals; i++)
        {
            var (dear, cheap) = (new Outcome(0.7f + (0.25f * random.NextSingle()), 0.3f + (0.7f * random.NextSingle()), 0), new Outcome(0.2f + (0.4f * random.NextSingle()), 0.2f * random.NextSingle(), 0));
            var difference = Utility.Of(Realise(dear), preference, 1) - Utility.Of(Realise(cheap), preference, 1);
            var prefersDear = random.NextDouble() < (0.95 / (1 + Math.Exp(-10 * difference))) + 0.025;
            state = state.Add(new Signal(new SignalKey(i, 0, FeedbackKind.Comparison), i, prefersDear ? (byte)1 : (byte)0, false, dear, cheap));
        }

        var log = new float[ChoiceModel.Hypotheses];
        return new TaskSummary(log, WindowLikelihood.Add(PopulationPrior.Default, new ChoiceContext(1, 0), state.Signals.AsSpan(), log));

        Outcome Realise(Outcome predicted) => predicted with { Quality = random.NextDouble() < predicted.Quality ? 1 : 0 };
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static double[] Density(PopulationPrior prior)
    {
        var density = new double[PreferenceGrid.Length];
        prior.Density(density);
        return density;
    }

    private static double Between(PopulationPrior prior, double low, double high) => Group(prior, l => l >= low && l <= high).Share;

    /// <summary>Total variation.</summary>
    private static double Distance(PopulationPrior a, PopulationPrior b) => Density(a).Zip(Density(b), (x, y) => Math.Abs(x - y)).Sum() / 2;

    /// <summary>The share, mean and deviation of ln lambda among users with such a lambda.</summary>
    private static (double Share, double Mean, double Deviation) Group(PopulationPrior prior, Func<double, bool> belongs)
    {
        var (density, share, mean, square) = (Density(prior), 0.0, 0.0, 0.0);
        for (var g = 0; g < density.Length; g++)
        {
            if (belongs(PreferenceGrid.Lambda[g]))
            {
                var x = PreferenceGrid.LogLambda[g];
                (share, mean, square) = (share + density[g], mean + (density[g] * x), square + (density[g] * x * x));
            }
        }

        return (share, mean / share, Math.Sqrt((square / share) - (mean / share * mean / share)));
    }
}
