using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Tests.Routing;

public class UtilityTests
{
    // (q - lambda c / tau - lambda_latency l) / (1 + lambda)
    [Theory]
    [InlineData(0, 0, 0.8)]
    [InlineData(1, 0, (0.8 - 0.5) / 2)]
    [InlineData(3, 0, (0.8 - 1.5) / 4)]
    [InlineData(1, 0.1, (0.8 - 0.5 - 0.2) / 2)]
    public void Of_ByHand_IsTheFormula(double cost, double latency, double expected) =>
        Utility.Of(new Outcome(0.8f, 0.02f, 2), new Preference(cost, latency), 0.04).ShouldBe(expected, 1e-6);

    [Fact]
    public void Of_CostAndScaleTogether_ChangeNothing() =>
        Utility.Of(new Outcome(0.8f, 20, 0), new Preference(2), 40).ShouldBe(Utility.Of(new Outcome(0.8f, 0.02f, 0), new Preference(2), 0.04), 1e-6);
}
