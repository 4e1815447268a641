using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Tests.Baselines;

public sealed class RandomMixTests
{
    // The second model lies under the line from the first to the third.
    private static readonly CostQuality[] Models = [new(.2, .5), new(.5, .55), new(1, .9)];

    [Theory]
    [InlineData(.1, 0, 0, 0)]
    [InlineData(.2, 0, 0, 0)]
    [InlineData(.4, 0, 2, .25)]
    [InlineData(1, 0, 2, 1)]
    [InlineData(3, 2, 2, 0)]
    public void Matching_Cost_MixesTheHullsNeighbours(double cost, int cheap, int dear, double share)
    {
        var mix = RandomMix.Matching(Models, cost);
        (mix.Cheap, mix.Dear).ShouldBe((cheap, dear));
        mix.DearShare.ShouldBe(share, 1e-12);
    }
}
