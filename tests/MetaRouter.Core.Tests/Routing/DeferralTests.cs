using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Tests.Routing;

public sealed class DeferralTests
{
    [Fact]
    public void Score_ByHand() => Deferral.Score(new Outcome(.9f, 1, 0), new Outcome(.5f, 0, 0)).ShouldBe(.7, 1e-6);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(.25, .25)]
    [InlineData(.5, .5)]
    [InlineData(.6, .5)]
    [InlineData(1, 1)]
    public void Calibrate_FourScores_ComesNearest(double wanted, double expected)
    {
        double[] scores = [.1, .4, .3, .2];
        var (threshold, share) = Deferral.Calibrate(scores, wanted);
        share.ShouldBe(expected);
        scores.Count(s => s >= threshold).ShouldBe((int)(4 * expected));
    }

    [Fact]
    public void Calibrate_ManyEqualScores_ArePartOfOneSide()
    {
        var (threshold, share) = Deferral.Calibrate([.5, .5, .5, .9], .5);
        share.ShouldBe(.25);
        threshold.ShouldBe(.7, 1e-12);
    }

    /// <summary>At lambda 0.625 the strong model, $0.008 dearer where tau is $0.01, must be better by a half: what a threshold of 0.75 asks of it.</summary>
    [Theory]
    [InlineData(.75, .01f, 30, .625)]
    [InlineData(.75, .01f, .6, .6)]
    [InlineData(.5, .01f, 30, 0)]
    [InlineData(.4, .001f, 30, 0)]
    [InlineData(.75, .001f, 30, 0)]
    [InlineData(.75, .002f, 30, 0)]
    public void LambdaCost_ByHand(double threshold, float strongUsd, double most, double expected) =>
        new DeferralRule(new("strong"), new("weak"), threshold).LambdaCost(new Outcome(.9f, strongUsd, 0), new Outcome(.5f, .002f, 0), .01, most).ShouldBe(expected, 1e-6);

    [Fact]
    public void Calibrate_OnOneSample_HoldsOnAnother()
    {
        var random = new Random(4);
        double[] Sample() => [.. Enumerable.Range(0, 20_000).Select(_ => Math.Pow(random.NextDouble(), 3))];
        var (threshold, _) = Deferral.Calibrate(Sample(), .3);
        Sample().Average(s => s >= threshold ? 1.0 : 0).ShouldBe(.3, .015);
    }

    [Fact]
    public void Calibrate_NothingToGoBy_IsRefused()
    {
        Should.Throw<ArgumentException>(() => Deferral.Calibrate([], .5));
        Should.Throw<ArgumentException>(() => Deferral.Calibrate([double.NaN], .5));
        Should.Throw<ArgumentOutOfRangeException>(() => Deferral.Calibrate([.5], 1.1));
        Should.Throw<ArgumentOutOfRangeException>(() => Deferral.Calibrate([.5], -.1));
    }
}
