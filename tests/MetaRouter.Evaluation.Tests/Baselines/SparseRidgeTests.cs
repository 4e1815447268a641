using MetaRouter.Core.Numerics;
using MetaRouter.Evaluation.Baselines;

namespace MetaRouter.Evaluation.Tests.Baselines;

public sealed class SparseRidgeTests
{
    /// <summary>One column of ones and minus ones: w = x.y / (x.x + alpha) = 4 / (4 + 1), about the mean 3; the second target is unknown on the last two rows: 2 / (2 + 1) about 3.</summary>
    [Fact]
    public void Fit_OneColumn_IsTheClosedForm()
    {
        var x = new SparseRows([0, 1, 2, 3, 4], [0, 0, 0, 0], [1, -1, 1, -1], 1);
        var predicted = SparseRidge.Fit(x, [4, 4, 2, 2, 4, float.NaN, 2, float.NaN], 2, 1, default).Predict(new SparseRows([0, 1], [0], [1], 1));
        predicted[0].ShouldBe(3.8f, 1e-4f);
        predicted[1].ShouldBe(3 + (2 / 3f), 1e-4f);
    }
}
