using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Tests.Catalog;

public sealed class ModelProfileTests
{
    private static readonly ModelProfile Model = new(new("m"), new(5), new(15));

    /// <summary>1,000 prompt tokens, of which 600 were read from the cache and 300 written to it, and 100 of the answer. By hand, millionths of a dollar.</summary>
    [Theory]
    [InlineData(null, null, 5000 + 1500)]
    [InlineData(0.5, null, 2000 + 300 + 1500)]
    [InlineData(null, 6.25, 3500 + 1875 + 1500)]
    [InlineData(0.5, 6.25, 500 + 300 + 1875 + 1500)]
    [InlineData(0.5, 0.0, 500 + 300 + 1500)]
    public void CostUsd_OfCachedAndWrittenTokens_GoesByTheirOwnPrices(double? cached, double? written, double expected) =>
        (Model with { CachedInputPrice = Price(cached), CacheWritePrice = Price(written) }).CostUsd(1000, 100, 600, 300).ShouldBe(expected * 1e-6, 1e-12);

    /// <summary>An upstream's counts may contradict each other; no token is paid for twice.</summary>
    [Theory]
    [InlineData(600, 900, (600 * 0.5) + (400 * 6.25))]
    [InlineData(2000, 900, 1000 * 0.5)]
    public void CostUsd_OfMoreThanThePrompt_IsThePrompts(double cached, double written, double expected) =>
        (Model with { CachedInputPrice = new(0.5), CacheWritePrice = new(6.25) }).CostUsd(1000, 0, cached, written).ShouldBe(expected * 1e-6, 1e-12);

    [Fact]
    public void TypicalExpectedUsd_AnswersTwiceAsLong_ArePaidFor()
    {
        var wordy = Model with { OutputScale = 2 };
        wordy.TypicalCostUsd.ShouldBe((5 + 15) * 300e-6, 1e-12);
        wordy.TypicalExpectedUsd.ShouldBe((5 + 30) * 300e-6, 1e-12);
    }

    private static PricePerMillionTokens? Price(double? usd) => usd is { } known ? new(known) : null;
}
