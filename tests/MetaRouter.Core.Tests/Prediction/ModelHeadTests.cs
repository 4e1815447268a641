using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.Tests.Prediction;

public class ModelHeadTests
{
    [Fact]
    public void Mean_ByHand_WeighsEveryPart()
    {
        var mean = ModelHead.Mean([Head(0, 2), Head(4, 6)], [0.25, 0.75]);
        (mean.Bias, mean.TreeMean, mean.TokenFactor, mean.PromptTokenOffset, mean.PromptTokenRatio).ShouldBe((3, 3, 3, 3, 3));
        (mean.Ability[0], mean.TreeLoading[0], mean.TokenWeights[0]).ShouldBe((3, 3, 3));
        (mean.LatencyWeights[0], mean.LatencyFactor).ShouldBe((5, 5));
    }

    [Fact]
    public void Mean_LatencyOfOnlySome_IsTheMeanOfThose()
    {
        // The latency of one model was never observed: that is no reason to crash, nor evidence that it is instant.
        var silent = Head(0, 0) with { LatencyWeights = [] };
        foreach (var heads in new ModelHead[][] { [silent, Head(4, 6)], [Head(4, 6), silent] })
        {
            var mean = ModelHead.Mean(heads, [0.5, 0.5]);
            mean.Bias.ShouldBe(2);
            mean.LatencyWeights.ShouldBe([6]);
            mean.LatencyFactor.ShouldBe(6);
        }
    }

    [Fact]
    public void Mean_LatencyOfNone_IsUnknown()
    {
        var silent = Head(0, 0) with { LatencyWeights = [] };
        var mean = ModelHead.Mean([silent, silent], [0.5, 0.5]);
        mean.LatencyWeights.ShouldBeEmpty();
        mean.LatencyFactor.ShouldBe(0);
    }

    private static ModelHead Head(float value, float latency) => new(value, [value], value, [value], [value], value, value, value, [latency], latency);
}
