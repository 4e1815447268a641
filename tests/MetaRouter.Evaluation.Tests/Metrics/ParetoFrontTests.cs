using FsCheck;
using FsCheck.Fluent;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Tests.Metrics;

public sealed class ParetoFrontTests
{
    // (.3, .4) is dominated by (.2, .5); (.5, .6) lies under the line from (.2, .5) to (1, .9).
    private static readonly CostQuality[] Points = [new(1, .9), new(.3, .4), new(.2, .5), new(.5, .6)];

    [Fact]
    public void Of_DominatedPoint_IsLeftOut() => ParetoFront.Of(Points).ShouldBe([new(.2, .5), new(.5, .6), new(1, .9)]);

    // .5 x (.5 - .2) + .6 x (1 - .5); the point at cost 1 dominates nothing.
    [Fact]
    public void Hypervolume_ThreePoints_IsTheAreaOfTheStairs() => ParetoFront.Hypervolume(Points).ShouldBe(.45, 1e-12);

    [Fact]
    public void Hypervolume_PointBeyondTheReference_AddsNothing() => ParetoFront.Hypervolume([new(1.5, 1), new(.5, .5)]).ShouldBe(.25, 1e-12);

    // Nearest of (.2, .5) is (.2, .4) at .1; nearest of (1, .9) is (.6, .6) at .5.
    [Fact]
    public void InvertedGenerationalDistance_TwoPoints_IsTheMeanDistance() =>
        ParetoFront.InvertedGenerationalDistance([new(.2, .4), new(.6, .6)], [new(.2, .5), new(1, .9)]).ShouldBe(.3, 1e-12);

    [Fact]
    public void Hull_PointUnderTheLine_IsLeftOut() => ParetoFront.Hull(Points).ShouldBe([new(.2, .5), new(1, .9)]);

    [Fact]
    public void Aiq_TwoCorners_IsTheMeanHeight() => ParetoFront.Aiq(Points).ShouldBe(.7, 1e-12);

    // From .2 to .6 the mean height is .6, from .6 to 1 it stays .7.
    [Fact]
    public void Aiq_DearerAndWorse_StaysFlat() => ParetoFront.Aiq([new(.2, .5), new(.6, .7), new(1, .1)]).ShouldBe(.65, 1e-12);

    [Fact]
    public void Aiq_SinglePoint_IsItsQuality() => ParetoFront.Aiq([new(.4, .6)]).ShouldBe(.6);

    [Fact]
    public void MorePoints_NeverMakeTheHypervolumeSmallerOrTheDistanceGreater() =>
        Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new Random(seed);
            var few = Some(random);
            CostQuality[] more = [.. few, .. Some(random)];
            var reference = Some(random);
            return ParetoFront.Hypervolume(more) >= ParetoFront.Hypervolume(few) - 1e-12
                && ParetoFront.InvertedGenerationalDistance(reference, reference) == 0
                && ParetoFront.Aiq(few) <= few.Max(p => p.Quality) + 1e-12
                && ParetoFront.Hull(few).All(few.Contains);
        }));

    private static CostQuality[] Some(Random random) => [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => new CostQuality(random.NextDouble(), random.NextDouble()))];
}
