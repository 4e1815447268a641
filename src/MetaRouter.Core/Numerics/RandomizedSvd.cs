using System.Numerics.Tensors;

namespace MetaRouter.Core.Numerics;

/// <summary>
/// The leading right singular vectors of a large sparse matrix A (n x m), by random projection and power iteration.
/// </summary>
/// <remarks>
/// With l = rank + oversampling: Q spans the range of (A A^T)^p A Omega, then B = Q^T A (l x m) is small and
/// B B^T = U S^2 U^T gives V = B^T U S^-1. O((2p + 2) l nnz). Sums run in a fixed order, so equal input gives equal bits whatever the thread count.
/// Source: Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1 (arXiv:0909.4061).
/// </remarks>
public static class RandomizedSvd
{
    /// <returns>V as m x rank row-major, columns orthonormal and ordered by singular value; and the singular values.</returns>
    public static (float[] Right, float[] Singular) Factor(SparseRows a, int rank, int powerIterations, Random random)
    {
        var l = Math.Min(rank + 8, Math.Min(a.Rows, a.Columns));
        var kept = Math.Min(rank, l);
        var t = a.Transpose();
        var omega = new float[a.Columns * l];
        for (var i = 0; i < omega.Length; i++)
        {
            omega[i] = (float)(random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5);
        }

        var y = Multiply(a, omega, l);
        Orthonormalize(y, a.Rows, l);
        for (var p = 0; p < powerIterations; p++)
        {
            var z = Multiply(t, y, l);
            Orthonormalize(z, a.Columns, l);
            y = Multiply(a, z, l);
            Orthonormalize(y, a.Rows, l);
        }

        var b = Multiply(t, y, l); // m x l: the transpose of B
        var gram = Gram(b, a.Columns, l);
        for (var i = 0; i < l; i++)
        {
            for (var j = 0; j < i; j++)
            {
                gram[(j * l) + i] = gram[(i * l) + j];
            }
        }

        var (values, vectors) = SymmetricEigen.Decompose(gram, l);
        var right = new float[a.Columns * rank];
        var singular = new float[rank];
        for (var j = 0; j < kept; j++)
        {
            singular[j] = (float)Math.Sqrt(Math.Max(values[j], 0));
        }

        Parallel.For(0, a.Columns, row =>
        {
            var from = b.AsSpan(row * l, l);
            if (!from.ContainsAnyExcept(0f))
            {
                return;
            }

            for (var j = 0; j < kept; j++)
            {
                var sum = 0.0;
                for (var i = 0; i < l; i++)
                {
                    sum += from[i] * vectors[(i * l) + j];
                }

                right[(row * rank) + j] = singular[j] > 1e-6f ? (float)(sum / singular[j]) : 0;
            }
        });
        return (right, singular);
    }

    private static float[] Multiply(SparseRows a, float[] dense, int l)
    {
        var product = new float[a.Rows * l];
        Parallel.For(0, a.Rows, row =>
        {
            var to = product.AsSpan(row * l, l);
            var indexes = a.Indexes(row);
            var values = a.Values(row);
            for (var j = 0; j < indexes.Length; j++)
            {
                TensorPrimitives.MultiplyAdd(dense.AsSpan(indexes[j] * l, l), values[j], to, to);
            }
        });
        return product;
    }

    /// <summary>Makes the l columns of a tall matrix orthonormal: twice the Cholesky factor of its Gram matrix, which is as stable as Householder here and touches each row in order.</summary>
    private static void Orthonormalize(float[] matrix, int rows, int l)
    {
        for (var pass = 0; pass < 2; pass++)
        {
            var gram = Gram(matrix, rows, l);
            var trace = 0.0;
            for (var i = 0; i < l; i++)
            {
                trace += gram[(i * l) + i];
            }

            for (var i = 0; i < l; i++)
            {
                gram[(i * l) + i] += (trace * 1e-10) + 1e-20;
            }

            Cholesky.Factor(gram, l);
            var columns = new double[l * l]; // L by columns
            for (var i = 0; i < l; i++)
            {
                for (var j = 0; j <= i; j++)
                {
                    columns[(j * l) + i] = gram[(i * l) + j];
                }
            }

            Parallel.For(0, rows, row =>
            {
                var r = matrix.AsSpan(row * l, l);
                if (!r.ContainsAnyExcept(0f))
                {
                    return; // an n-gram that no text has
                }

                // Solves x L^T = r: forward substitution, column by column.
                Span<double> left = stackalloc double[l];
                TensorPrimitives.ConvertTruncating<float, double>(r, left);
                for (var i = 0; i < l; i++)
                {
                    r[i] = (float)(left[i] / columns[(i * l) + i]);
                    var rest = left[(i + 1)..];
                    TensorPrimitives.MultiplyAdd(columns.AsSpan((i * l) + i + 1, rest.Length), -(double)r[i], rest, rest);
                }
            });
        }
    }

    /// <summary>The lower triangle of M^T M.</summary>
    private static double[] Gram(float[] matrix, int rows, int l)
    {
        var gram = new double[l * l];
        var wide = new double[l];
        for (var row = 0; row < rows; row++)
        {
            var r = matrix.AsSpan(row * l, l);
            if (!r.ContainsAnyExcept(0f))
            {
                continue;
            }

            TensorPrimitives.ConvertTruncating<float, double>(r, wide);
            for (var i = 0; i < l; i++)
            {
                var line = gram.AsSpan(i * l, i + 1);
                TensorPrimitives.MultiplyAdd(wide.AsSpan(0, i + 1), wide[i], line, line);
            }
        }

        return gram;
    }
}
