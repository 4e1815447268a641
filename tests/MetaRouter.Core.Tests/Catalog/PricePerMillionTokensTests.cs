using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Tests.Catalog;

public class PricePerMillionTokensTests
{
    [Fact]
    public void CostUsd_ByHand_IsPerMillion()
    {
        new PricePerMillionTokens(2.5).CostUsd(400).ShouldBe(0.001, 1e-15);
        new PricePerMillionTokens(0).CostUsd(1e9).ShouldBe(0);
        default(PricePerMillionTokens).Usd.ShouldBe(0);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(-0.01)]
    [InlineData(1_000_001)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void New_NotAPrice_NamesTheValueAndTheRemedy(double usd)
    {
        var error = Should.Throw<ArgumentOutOfRangeException>(() => new PricePerMillionTokens(usd));
        error.ActualValue.ShouldBe(usd);
        error.Message.ShouldContain("0 or more");
        error.Message.ShouldContain("must be left out, not set to 0");
    }

    [Fact]
    public void ToString_AnyPrice_NamesItsUnit() => new PricePerMillionTokens(0.15).ToString().ShouldBe("$0.15/M");
}
