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

    [Fact]
    public void Of_NothingSpent_SavesNothing() => SavingsEstimate.Of([new(0, 0, 0.1), new(0, 0.5, 0.1)], new Random(1)).SavedShare.ShouldBe(new Estimate(0, 0, 0));

    /// <summary>Of 400 requests of which a half would have cost $1 and the others nothing, sums deviate by sqrt(400 / 4) = 10 and 95 % of them by 19.6.</summary>
    [Fact]
    public void Of_ManyRequests_IsAsWideAsTheNormalInterval()
    {
        var would = SavingsEstimate.Of([.. Enumerable.Range(0, 400).Select(i => new UnfollowedRequest(1, i % 2, 0))], new Random(1)).WouldHaveSpentUsd;

        (would.Low!.Value, would.Value, would.High!.Value).ShouldSatisfyAllConditions(w => w.Item1.ShouldBe(180.4, 2), w => w.Item2.ShouldBe(200), w => w.Item3.ShouldBe(219.6, 2));
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
