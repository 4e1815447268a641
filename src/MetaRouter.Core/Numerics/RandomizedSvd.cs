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
        var gram = new double[l * l];
        for (var row = 0; row < a.Columns; row++)
        {
            var r = b.AsSpan(row * l, l);
            for (var i = 0; i < l; i++)
            {
                if (r[i] != 0)
                {
                    for (var j = 0; j < l; j++)
                    {
                        gram[(i * l) + j] += (double)r[i] * r[j];
                    }
                }
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
                return; // an empty column of A: hashed n-grams that no text has are most of them
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
            var gram = new double[l * l];
            for (var row = 0; row < rows; row++)
            {
                var r = matrix.AsSpan(row * l, l);
                if (!r.ContainsAnyExcept(0f))
                {
                    continue;
                }

                for (var i = 0; i < l; i++)
                {
                    double v = r[i];
                    if (v == 0)
                    {
                        continue;
                    }

                    for (var j = 0; j <= i; j++)
                    {
                        gram[(i * l) + j] += v * r[j];
                    }
                }
            }

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
            Parallel.For(0, rows, row =>
            {
                // Solves x L^T = r: row by row forward substitution.
                var r = matrix.AsSpan(row * l, l);
                if (!r.ContainsAnyExcept(0f))
                {
                    return;
                }

                for (var i = 0; i < l; i++)
                {
                    double v = r[i];
                    for (var j = 0; j < i; j++)
                    {
                        v -= r[j] * gram[(i * l) + j];
                    }

                    r[i] = (float)(v / gram[(i * l) + i]);
                }
            });
        }
    }
}
