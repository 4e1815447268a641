using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Tests.Numerics;

public class SparseRowsTests
{
    [Fact]
    public void Transpose_ByHand_SwapsRowsAndColumns()
    {
        // (0 5 0; 7 0 9)
        var t = new SparseRows([0, 1, 3], [1, 0, 2], [5, 7, 9], 3).Transpose();
        t.Rows.ShouldBe(3);
        t.Columns.ShouldBe(2);
        RandomMatrices.ToDense(t).ShouldBe([0, 7, 5, 0, 0, 9]);
    }

    [Fact]
    public void Transpose_Twice_IsTheIdentity()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var a = RandomMatrices.Sparse(random, random.Next(1, 15), random.Next(1, 15));
            var b = a.Transpose().Transpose();
            b.Columns.ShouldBe(a.Columns);
            b.Start.ShouldBe(a.Start);
            b.Index.ShouldBe(a.Index);
            b.Value.ShouldBe(a.Value);
        }
    }
}
