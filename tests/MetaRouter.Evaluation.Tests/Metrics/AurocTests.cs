using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Tests.Metrics;

public sealed class AurocTests
{
    [Fact]
    public void Of_PairsWonAndTied_IsTheirShare()
    {
        // Positives 3 and 1 against negatives 2 and 1: won, won, lost, tied.
        Auroc.Of([3, 1, 2, 1], [true, true, false, false]).ShouldBe(2.5 / 4);
        Auroc.Of([3, 1, 2, 1], [true, true, false, false], [1, 0, 1, 1]).ShouldBe(1);
        Auroc.Of([1, 2], [true, true]).ShouldBe(double.NaN);
    }
}
