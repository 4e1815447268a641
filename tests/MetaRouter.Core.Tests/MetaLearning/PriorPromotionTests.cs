using MetaRouter.Core.MetaLearning;

namespace MetaRouter.Core.Tests.MetaLearning;

public class PriorPromotionTests
{
    [Theory]
    [InlineData(-2.0, -1.9, null, PriorPromotion.Promote)]
    [InlineData(-2.0, -2.0, null, PriorPromotion.Promote)]
    [InlineData(-2.0, -2.1, null, PriorPromotion.Keep)]
    [InlineData(-2.0, -2.1, -2.2, PriorPromotion.Promote)] // the one in service was taught by somebody erased
    [InlineData(-2.0, -2.1, -2.0, PriorPromotion.Withdraw)]
    [InlineData(-2.0, -2.1, -2.1, PriorPromotion.Promote)]
    [InlineData(-2.0, -1.9, -1.8, PriorPromotion.Promote)]
    public void Decide_ByMeanEvidence(double serving, double fitted, double? shipped, PriorPromotion decided) =>
        PriorPromotions.Decide(new(10 * serving, 10), new(10 * fitted, 10), shipped is { } s ? new(10 * s, 10) : null).ShouldBe(decided);

    [Fact]
    public void Decide_NobodyToJudgeBy_NothingFittedGoesIntoService()
    {
        PriorPromotions.Decide(default, default, null).ShouldBe(PriorPromotion.Keep);
        PriorPromotions.Decide(default, default, default(PriorEvidence)).ShouldBe(PriorPromotion.Withdraw);
    }
}
