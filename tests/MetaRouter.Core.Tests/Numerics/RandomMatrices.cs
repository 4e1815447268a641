using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Tests.Numerics;

/// <summary>Matrices to test with, row-major, entries from -1 to 1.</summary>
internal static class RandomMatrices
{
    public static double[] Dense(Random random, int rows, int columns) => [.. Enumerable.Range(0, rows * columns).Select(_ => (random.NextDouble() * 2) - 1)];

    /// <summary>B B^T + I.</summary>
    public static double[] PositiveDefinite(Random random, int n)
    {
        var b = Dense(random, n, n);
        var a = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                a[(i * n) + j] = (i == j ? 1 : 0) + Enumerable.Range(0, n).Sum(k => b[(i * n) + k] * b[(j * n) + k]);
            }
        }

        return a;
    }

    /// <summary>Columns ascending within each row, about half of them there.</summary>
    public static SparseRows Sparse(Random random, int rows, int columns)
    {
        var start = new int[rows + 1];
        var (index, value) = (new List<int>(), new List<float>());
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
            {
                if (random.Next(2) == 0)
                {
                    index.Add(j);
                    value.Add((random.NextSingle() * 2) - 1);
                }
            }

            start[i + 1] = index.Count;
        }

        return new SparseRows(start, [.. index], [.. value], columns);
    }

    public static double[] ToDense(SparseRows sparse)
    {
        var dense = new double[sparse.Rows * sparse.Columns];
        for (var i = 0; i < sparse.Rows; i++)
        {
            for (var j = 0; j < sparse.Indexes(i).Length; j++)
            {
                dense[(i * sparse.Columns) + sparse.Indexes(i)[j]] += sparse.Values(i)[j];
            }
        }

        return dense;
    }

    /// <summary>A^T A of an n x m matrix.</summary>
    public static double[] Gram(double[] a, int n, int m)
    {
        var gram = new double[m * m];
        for (var i = 0; i < m; i++)
        {
            for (var j = 0; j < m; j++)
            {
                gram[(i * m) + j] = Enumerable.Range(0, n).Sum(k => a[(k * m) + i] * a[(k * m) + j]);
            }
        }

        return gram;
    }
}
