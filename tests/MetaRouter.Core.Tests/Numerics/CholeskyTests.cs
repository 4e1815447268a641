using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Tests.Numerics;

public class CholeskyTests
{
    [Fact]
    public void Factor_ByHand_IsTheLowerTriangle()
    {
        // (4 2; 2 10) = L L^T with L = (2 0; 1 3). The upper triangle is no business of Factor.
        double[] a = [4, -77, 2, 10];
        Cholesky.Factor(a, 2);
        a.ShouldBe([2, -77, 1, 3], 1e-12);
    }

    [Fact]
    public void Solve_ByHand_GivesTheKnownSolution()
    {
        double[] a = [4, 0, 2, 10];
        double[] x = [8, 22]; // (4 2; 2 10) (1, 2)
        Cholesky.Factor(a, 2);
        Cholesky.Solve(a, 2, x);
        x.ShouldBe([1, 2], 1e-12);
    }

    [Fact]
    public void Solve_RandomSystems_RecoversTheSolution()
    {
        for (var seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            var n = random.Next(1, 25);
            var (a, truth) = (RandomMatrices.PositiveDefinite(random, n), RandomMatrices.Dense(random, n, 1));
            var x = Enumerable.Range(0, n).Select(i => Enumerable.Range(0, n).Sum(j => a[(i * n) + j] * truth[j])).ToArray();
            Cholesky.Factor(a, n);
            Cholesky.Solve(a, n, x);
            x.ShouldBe(truth, 1e-8, $"seed {seed}");
        }
    }

    [Theory]
    [InlineData(1, 2, 1)] // determinant -3
    [InlineData(0, 0, 1)]
    [InlineData(1, 0, double.NaN)]
    public void Factor_NotPositiveDefinite_NamesThePivotAndTheRemedy(double a11, double a21, double a22)
    {
        var message = Should.Throw<ArithmeticException>(() => Cholesky.Factor([a11, 0, a21, a22], 2)).Message;
        message.ShouldContain("not positive definite");
        message.ShouldContain("of 2 is");
        message.ShouldContain("ridge");
    }
}
