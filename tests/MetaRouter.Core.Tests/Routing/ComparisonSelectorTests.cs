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
