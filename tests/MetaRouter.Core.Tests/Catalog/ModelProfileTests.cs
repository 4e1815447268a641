using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Tests.Catalog;

public class ModelProfileTests
{
    private static readonly ModelProfile Plain = new(new("m"), new(3), new(15));

    [Theory]
    [InlineData(null, 400, 3 * 1000 + 15 * 200)] // cached tokens cost what others do
    [InlineData(0.3, 0, 3 * 1000 + 15 * 200)]
    [InlineData(0.3, 400, 3 * 600 + 0.3 * 400 + 15 * 200)]
    [InlineData(0.3, 5000, 0.3 * 1000 + 15 * 200)] // more than the prompt counts as all of it
    public void CostUsd_ByHand_IsPromptCachedAndCompletion(double? cached, double cachedTokens, double millionths) =>
        (Plain with { CachedInputPrice = cached is { } usd ? new(usd) : null }).CostUsd(1000, 200, cachedTokens).ShouldBe(millionths * 1e-6, 1e-12);

    [Fact]
    public void TypicalExpectedUsd_AnswersTwiceAsLong_ArePaidFor()
    {
        var wordy = Plain with { OutputScale = 2 };
        wordy.TypicalCostUsd.ShouldBe((3 + 15) * 300e-6, 1e-12);
        wordy.TypicalExpectedUsd.ShouldBe((3 + 30) * 300e-6, 1e-12);
    }
}
