using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Tests.Catalog;

public class DollarsTests
{
    [Theory]
    [InlineData(0, "$0")]
    [InlineData(0.0000000123, "$0.000000012")]
    [InlineData(0.00049, "$0.00049")]
    [InlineData(0.0049, "$0.0049")]
    [InlineData(0.05, "$0.050")]
    [InlineData(0.5, "$0.50")]
    [InlineData(0.999, "$1.00")]
    [InlineData(12.345, "$12.35")]
    [InlineData(99.99, "$99.99")]
    [InlineData(99.999, "$100")]
    [InlineData(12345.6, "$12,346")]
    [InlineData(-0.0031, "-$0.0031")]
    public void Text_AnySum_KeepsTwoSignificantDigits(double usd, string text) => Dollars.Text(usd).ShouldBe(text);
}
