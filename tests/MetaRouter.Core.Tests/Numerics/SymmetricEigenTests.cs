using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Tests.Numerics;

public class SymmetricEigenTests
{
    [Fact]
    public void Decompose_ByHand_IsKnown()
    {
        // (2 1; 1 2): 3 with (1, 1), 1 with (1, -1).
        var (values, vectors) = SymmetricEigen.Decompose([2, 1, 1, 2], 2);
        values.ShouldBe([3, 1], 1e-12);
        var half = Math.Sqrt(0.5);
        vectors.Select(Math.Abs).ShouldBe([half, half, half, half], 1e-12);
        (vectors[0] * vectors[2]).ShouldBe(0.5, 1e-12);
        (vectors[1] * vectors[3]).ShouldBe(-0.5, 1e-12);
    }

    [Fact]
    public void Decompose_RandomMatrices_KeepsItsPromises()
    {
        for (var seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            var n = random.Next(1, 20);
            var a = Symmetric(random, n);
            var (values, vectors) = SymmetricEigen.Decompose(a, n);

            values.ShouldBe([.. values.OrderDescending()], $"seed {seed}: the order");
            for (var j = 0; j < n; j++)
            {
                var v = Column(vectors, n, j);
                v.MaxBy(Math.Abs).ShouldBeGreaterThan(0, $"seed {seed}: the largest entry is positive");
                for (var i = 0; i < n; i++)
                {
                    Enumerable.Range(0, n).Sum(k => a[(i * n) + k] * v[k]).ShouldBe(values[j] * v[i], 1e-9, $"seed {seed}: A v = lambda v");
                    v.Zip(Column(vectors, n, i)).Sum(p => p.First * p.Second).ShouldBe(i == j ? 1 : 0, 1e-9, $"seed {seed}: orthonormal");
                }
            }
        }
    }

    [Fact]
    public void Decompose_ZeroAndIdentity_AreFine()
    {
        SymmetricEigen.Decompose(new double[9], 3).Values.ShouldBe([0, 0, 0]);
        var (values, vectors) = SymmetricEigen.Decompose([1, 0, 0, 1], 2);
        values.ShouldBe([1, 1]);
        vectors.ShouldBe([1, 0, 0, 1]);
    }

    private static double[] Symmetric(Random random, int n)
    {
        var a = RandomMatrices.Dense(random, n, n);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < i; j++)
            {
                a[(i * n) + j] = a[(j * n) + i];
            }
        }

        return a;
    }

    private static double[] Column(double[] matrix, int n, int j) => [.. Enumerable.Range(0, n).Select(i => matrix[(i * n) + j])];
}
