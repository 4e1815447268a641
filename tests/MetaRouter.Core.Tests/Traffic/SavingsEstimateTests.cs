using MetaRouter.Core.Traffic;

namespace MetaRouter.Core.Tests.Traffic;

public sealed class SavingsEstimateTests
{
    [Fact]
    public void Of_NoRequests_IsNothing() => SavingsEstimate.Of([], new Random(1)).ShouldBe(new SavingsEstimate(0, default, default, default));

    [Fact]
    public void Of_OneRequest_HasNoInterval() => SavingsEstimate.Of([new(2, 0.5, -0.25)], new Random(1)).ShouldBe(new SavingsEstimate(2, new(0.5), new(0.75), new(-0.25)));

    [Fact]
    public void Of_RequestsAlike_HasNoWidth()
    {
        var estimate = SavingsEstimate.Of([.. Enumerable.Repeat(new UnfollowedRequest(2, 0.5, -0.25), 8)], new Random(1));

        estimate.SpentUsd.ShouldBe(16);
        estimate.WouldHaveSpentUsd.ShouldBe(new Estimate(4, 4, 4));
        estimate.SavedShare.ShouldBe(new Estimate(0.75, 0.75, 0.75));
        estimate.QualityChange.ShouldBe(new Estimate(-0.25, -0.25, -0.25));
    }

    /// <summary>Of two requests a draw has both, or one of them twice: the interval reaches to what each alone would say.</summary>
    [Fact]
    public void Of_TwoRequests_ReachesToEither()
    {
        var estimate = SavingsEstimate.Of([new(1, 0, 0), new(1, 1, 0.5)], new Random(1));

        estimate.SavedShare.ShouldBe(new Estimate(0.5, 0, 1));
        estimate.QualityChange.ShouldBe(new Estimate(0.25, 0, 0.5));
    }
}
