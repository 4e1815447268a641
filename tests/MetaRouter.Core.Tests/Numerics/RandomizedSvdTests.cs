using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Tests.Numerics;

public class RandomizedSvdTests
{
    [Fact]
    public void Factor_RandomMatrix_RecoversTheLeadingSubspace()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            // A gap after the third singular value; without one "the leading subspace" means nothing.
            const int Rows = 40, Columns = 25, Rank = 3;
            var a = WithGap(new Random(seed), Rows, Columns, Rank);
            var (right, singular) = RandomizedSvd.Factor(a, Rank, powerIterations: 3, new Random(seed + 100));

            var (values, vectors) = SymmetricEigen.Decompose(RandomMatrices.Gram(RandomMatrices.ToDense(a), Rows, Columns), Columns);
            for (var j = 0; j < Rank; j++)
            {
                singular[j].ShouldBe((float)Math.Sqrt(values[j]), 1e-3f * singular[0], $"seed {seed}");

                // How much of each found vector lies within the true subspace.
                var inside = Enumerable.Range(0, Rank).Sum(t => Math.Pow(Enumerable.Range(0, Columns).Sum(i => right[(i * Rank) + j] * vectors[(i * Columns) + t]), 2));
                inside.ShouldBe(1, 1e-3, $"seed {seed}, vector {j}");
            }
        }
    }

    /// <summary>Eight directions more than asked for are sampled, so that of eleven columns all are: no gap and no power is needed then.</summary>
    [Fact]
    public void Factor_NoMoreColumnsThanAreSampled_IsExact()
    {
        var a = RandomMatrices.Sparse(new Random(6), 40, 11);
        var (_, singular) = RandomizedSvd.Factor(a, 3, powerIterations: 0, new Random(1));

        var (values, _) = SymmetricEigen.Decompose(RandomMatrices.Gram(RandomMatrices.ToDense(a), 40, 11), 11);
        singular.ShouldBe(values.Take(3).Select(v => (float)Math.Sqrt(v)), 1e-4);
    }

    /// <summary>Powers of a steep spectrum make all columns nearly one: what is left of the others must survive making them orthonormal.</summary>
    [Fact]
    public void Factor_SteepSpectrum_KeepsItsSmallestDirections()
    {
        const int n = 12;
        var a = new SparseRows([.. Enumerable.Range(0, n + 1)], [.. Enumerable.Range(0, n)], [.. Enumerable.Range(0, n).Select(i => MathF.Pow(10, -i / 2f))], n);
        var (right, singular) = RandomizedSvd.Factor(a, 6, 3, new Random(1));
        for (var j = 0; j < 6; j++)
        {
            (singular[j] / MathF.Pow(10, -j / 2f)).ShouldBe(1, 0.02f);
            Math.Abs(right[(j * 6) + j]).ShouldBe(1, 0.02f);
        }
    }

    [Fact]
    public void Factor_AnyMatrix_HasOrthonormalColumnsInOrder()
    {
        var (right, singular) = RandomizedSvd.Factor(RandomMatrices.Sparse(new Random(5), 60, 30), 6, 2, new Random(1));
        singular.ShouldBe(singular.OrderDescending());
        for (var a = 0; a < 6; a++)
        {
            for (var b = 0; b < 6; b++)
            {
                Enumerable.Range(0, 30).Sum(i => (double)right[(i * 6) + a] * right[(i * 6) + b]).ShouldBe(a == b ? 1 : 0, 1e-4);
            }
        }
    }

    [Fact]
    public void Factor_SameSeed_IsTheSameBitsWhateverTheThreads()
    {
        var a = RandomMatrices.Sparse(new Random(2), 50, 40);
        var many = RandomizedSvd.Factor(a, 5, 2, new Random(7));
        var one = OneThread.Run(() => RandomizedSvd.Factor(a, 5, 2, new Random(7)));
        one.Right.ShouldBe(many.Right);
        one.Singular.ShouldBe(many.Singular);
    }

    [Fact]
    public void Factor_MoreRanksThanColumns_LeavesTheRestZero()
    {
        var (right, singular) = RandomizedSvd.Factor(RandomMatrices.Sparse(new Random(3), 20, 4), 6, 2, new Random(1));
        right.Length.ShouldBe(4 * 6);
        right.ShouldAllBe(v => float.IsFinite(v));
        singular.Take(4).ShouldAllBe(s => s > 0.1f);
        singular.Skip(4).ShouldBe([0, 0]);
        for (var row = 0; row < 4; row++)
        {
            right.AsSpan((row * 6) + 4, 2).ToArray().ShouldBe([0, 0]);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public void Factor_EmptyOrEqualRows_IsFinite(int nonZero)
    {
        // Ten equal rows: rank one, or zero.
        int[] row = [.. Enumerable.Range(0, nonZero)];
        var a = new SparseRows([.. Enumerable.Range(0, 11).Select(i => i * nonZero)], [.. Enumerable.Repeat(row, 10).SelectMany(r => r)], [.. Enumerable.Repeat(1f, 10 * nonZero)], 12);
        var (right, singular) = RandomizedSvd.Factor(a, 3, 2, new Random(1));
        right.ShouldAllBe(v => float.IsFinite(v));
        singular[0].ShouldBe(MathF.Sqrt(10 * nonZero), 1e-3f);
        singular[1].ShouldBe(0, 1e-3f);
    }

    private static SparseRows WithGap(Random random, int rows, int columns, int rank)
    {
        var (left, right, noise) = (RandomMatrices.Dense(random, rows, rank), RandomMatrices.Dense(random, rank, columns), RandomMatrices.Dense(random, rows, columns));
        var value = new float[rows * columns];
        for (var i = 0; i < value.Length; i++)
        {
            var (r, c) = (i / columns, i % columns);
            value[i] = (float)((0.02 * noise[i]) + Enumerable.Range(0, rank).Sum(t => left[(r * rank) + t] * right[(t * columns) + c]));
        }

        return new SparseRows([.. Enumerable.Range(0, rows + 1).Select(i => i * columns)], [.. Enumerable.Range(0, rows * columns).Select(i => i % columns)], value, columns);
    }
}
