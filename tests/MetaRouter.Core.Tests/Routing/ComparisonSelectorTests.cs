using FsCheck;
using FsCheck.Fluent;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using Outcome = MetaRouter.Core.Routing.Outcome;
using static MetaRouter.Core.Tests.SomeModels;

namespace MetaRouter.Core.Tests.Routing;

public class ComparisonSelectorTests
{
    [Fact]
    public void Select_AnyBeliefAndOutcomes_GainsNothingBelowZero() => Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
    {
        var random = new Random(seed);
        var outcomes = Enumerable.Range(0, random.Next(2, 9)).Select(_ => AnyOutcome(random)).ToArray();
        var signals = Enumerable.Range(0, random.Next(8)).Select(i => new Signal(new SignalKey(i, 0, FeedbackKind.Comparison), i, (byte)random.Next(2), false, AnyOutcome(random), AnyOutcome(random))).ToArray();
        var belief = PreferenceBelief.From(Pool.Snapshot.Prior, Pool.Context, signals);

        var choice = new ComparisonSelector(belief, Pool).Select(outcomes)!.Value;

        // The score holds the gain before it was cut off at zero: below it by rounding at most.
        return choice.Gain >= 0 && choice.Score >= -1e-5 && choice.First != choice.Second && choice.First < outcomes.Length && choice.Second < outcomes.Length;
    }));

    [Fact]
    public void Select_CertainBelief_GainsNothing()
    {
        var certain = new PopulationPrior([new PopulationPrior.Component(1, PreferenceGrid.LogLambda[24], 0.01)], [0, 1, 0], 0.05);

        var choice = new ComparisonSelector(PreferenceBelief.FromPrior(certain), Pool).Select(Ladder)!.Value;

        choice.Gain.ShouldBe(0, 1e-5);
        choice.Score.ShouldBe(0, 1e-5);
        new ComparisonSelector(PreferenceBelief.FromPrior(PopulationPrior.Default), Pool).Select(Ladder)!.Value.Gain.ShouldBeGreaterThan(1e-4);
    }

    [Fact]
    public void Select_TwoNearlyTheSame_AreNotShownTogether()
    {
        var tau = (float)Pool.CostScaleUsd;
        Outcome[] outcomes = [new(.90f, tau, 0), new(.91f, 1.01f * tau, 0), new(.55f, .1f * tau, 0)];

        var choice = new ComparisonSelector(PreferenceBelief.FromPrior(PopulationPrior.Default), Pool).Select(outcomes)!.Value;

        new[] { choice.First, choice.Second }.ShouldContain(2);
    }

    [Fact]
    public void Select_OneModelAllowed_IsNothing()
    {
        var selector = new ComparisonSelector(PreferenceBelief.FromPrior(PopulationPrior.Default), Pool);

        selector.Select(Ladder, [false, true, false]).ShouldBeNull();
        selector.Select(Ladder.AsSpan(0, 1)).ShouldBeNull();
        selector.Select(Ladder, [true, false, true]).ShouldNotBeNull().ShouldSatisfyAllConditions(c => new[] { c.First, c.Second }.Order().ShouldBe([0, 2]));
    }

    [Fact]
    public void Select_UpToTheMostModels_WeighsEveryPair()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var random = new Random(seed);
            var outcomes = Enumerable.Range(0, ComparisonSelector.MostModels).Select(_ => AnyOutcome(random)).ToArray();
            var allowed = outcomes.Select(_ => random.Next(5) > 0).ToArray();
            var most = seed % 2 == 0 ? double.PositiveInfinity : 2 * Pool.CostScaleUsd;
            Selector.Select(outcomes, allowed, most).ShouldBe(BestOfAllPairs(outcomes, allowed, most));
        }
    }

    [Fact]
    public void Select_OfMoreModels_FindsAPairAsGoodAsTheBestOfAll()
    {
        var (found, best) = (0.0, 0.0);
        for (var seed = 0; seed < 10; seed++)
        {
            var random = new Random(seed);
            var outcomes = Enumerable.Range(0, 120).Select(_ => AnyOutcome(random)).ToArray();
            found += Selector.Select(outcomes)!.Value.Score;
            best += BestOfAllPairs(outcomes, [], double.PositiveInfinity)!.Value.Score;
        }

        (found / best).ShouldBeInRange(0.9, 1);
    }

    [Fact]
    public void Select_OfManyModelsWithLittleToSpend_StillFindsTheOnePairThatIsCheapEnough()
    {
        // The two that may be shown together are worth nobody's while beside the others.
        var tau = (float)Pool.CostScaleUsd;
        Outcome[] outcomes = [.. Enumerable.Range(0, 100).Select(i => new Outcome(.5f + (i * .001f), tau * (.5f + (i * .001f)), 0)), new(.1f, .1f * tau, 0), new(.05f, .2f * tau, 0)];
        var choice = Selector.Select(outcomes, [], .35 * tau).ShouldNotBeNull();
        (choice.First, choice.Second).ShouldBe((101, 100));
    }

    [Fact]
    public void Select_OfAFullCatalog_TakesMilliseconds()
    {
        var random = new Random(1);
        var outcomes = Enumerable.Range(0, Core.Catalog.ModelCatalog.MaxModels).Select(_ => AnyOutcome(random)).ToArray();
        Selector.Select(outcomes).ShouldNotBeNull();
        var best = Enumerable.Range(0, 5).Min(_ =>
        {
            var watch = System.Diagnostics.Stopwatch.StartNew();
            Selector.Select(outcomes);
            return watch.Elapsed.TotalMilliseconds;
        });
        best.ShouldBeLessThan(100, "half a million pairs took seconds");
    }

    private static ComparisonSelector Selector => new(PreferenceBelief.FromPrior(PopulationPrior.Default), Pool);

    private static ComparisonChoice? BestOfAllPairs(Outcome[] outcomes, bool[] allowed, double most)
    {
        var (selector, pair, best) = (Selector, new bool[outcomes.Length], (ComparisonChoice?)null);
        for (var a = 1; a < outcomes.Length; a++)
        {
            for (var b = 0; b < a; b++)
            {
                if (allowed.Length == 0 || (allowed[a] && allowed[b]))
                {
                    (pair[a], pair[b]) = (true, true);
                    var choice = selector.Select(outcomes, pair, most);
                    best = choice is { } c && (best is null || c.Score > best.Value.Score) ? choice : best;
                    (pair[a], pair[b]) = (false, false);
                }
            }
        }

        return best;
    }

    [Fact]
    public void Teach_Newcomer_LearnsMostWhereUsersWouldDisagreeAndNothingOnceCertain()
    {
        var tau = (float)Pool.CostScaleUsd;
        // The middle at the middle price teaches nothing; what is as good and dear, or as good and free, parts the thrifty from the others.
        Outcome[] outcomes = [new(.7f, 0, 0), new(.7f, .4f * tau, 0), new(.7f, tau, 0)];
        Span<double> newcomer = stackalloc double[3], certain = stackalloc double[3];
        new ComparisonSelector(PreferenceBelief.FromPrior(PopulationPrior.Default), Pool).Teach(outcomes, newcomer);
        var sure = new PopulationPrior([new PopulationPrior.Component(1, PreferenceGrid.LogLambda[24], 0.01)], [0, 1, 0], 0.05);
        new ComparisonSelector(PreferenceBelief.FromPrior(sure), Pool).Teach(outcomes, certain);

        newcomer[2].ShouldBeGreaterThan(newcomer[1] + 1e-5);
        certain.ToArray().ShouldAllBe(v => v < 1e-5);
    }

    private static Outcome[] Ladder => [new(.4f, (float)Pool.CostScaleUsd * .1f, 0), new(.7f, (float)Pool.CostScaleUsd * .4f, 0), new(.85f, (float)Pool.CostScaleUsd, 0)];

    private static Outcome AnyOutcome(Random random) => new(random.NextSingle(), random.NextSingle() * 2 * (float)Pool.CostScaleUsd, 0);
}
