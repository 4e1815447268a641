namespace MetaRouter.Core.Numerics;

/// <summary>Eigenvalues and vectors of a small symmetric matrix by cyclic Jacobi rotations; O(n^3) a sweep, about ten sweeps.</summary>
/// <remarks>Source: Golub and Van Loan, Matrix Computations, 8.5.</remarks>
public static class SymmetricEigen
{
    /// <returns>Values in descending order; vectors as the columns of a row-major n x n matrix, the largest entry of each positive.</returns>
    public static (double[] Values, double[] Vectors) Decompose(ReadOnlySpan<double> symmetric, int n)
    {
        var a = symmetric.ToArray();
        var v = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            v[(i * n) + i] = 1;
        }

        for (var sweep = 0; sweep < 30; sweep++)
        {
            var (off, all) = (0.0, 0.0);
            for (var i = 0; i < n; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    var square = a[(i * n) + j] * a[(i * n) + j];
                    all += square;
                    off += i == j ? 0 : square;
                }
            }

            if (off <= all * 1e-22)
            {
                break;
            }

            for (var p = 0; p < n - 1; p++)
            {
                for (var q = p + 1; q < n; q++)
                {
                    Rotate(a, v, n, p, q);
                }
            }
        }

        var order = Enumerable.Range(0, n).OrderByDescending(i => a[(i * n) + i]).ToArray();
        var (values, vectors) = (new double[n], new double[n * n]);
        for (var j = 0; j < n; j++)
        {
            values[j] = a[(order[j] * n) + order[j]];
            var largest = 0.0;
            for (var i = 0; i < n; i++)
            {
                var entry = v[(i * n) + order[j]];
                largest = Math.Abs(entry) > Math.Abs(largest) ? entry : largest;
            }

            for (var i = 0; i < n; i++)
            {
                vectors[(i * n) + j] = v[(i * n) + order[j]] * (largest < 0 ? -1 : 1);
            }
        }

        return (values, vectors);
    }

    private static void Rotate(double[] a, double[] v, int n, int p, int q)
    {
        var apq = a[(p * n) + q];
        if (apq == 0)
        {
            return;
        }

        var theta = (a[(q * n) + q] - a[(p * n) + p]) / (2 * apq);
        var t = Math.CopySign(1, theta) / (Math.Abs(theta) + Math.Sqrt((theta * theta) + 1));
        var c = 1 / Math.Sqrt((t * t) + 1);
        var s = t * c;
        for (var k = 0; k < n; k++)
        {
            var (akp, akq) = (a[(k * n) + p], a[(k * n) + q]);
            (a[(k * n) + p], a[(k * n) + q]) = ((c * akp) - (s * akq), (s * akp) + (c * akq));
        }

        for (var k = 0; k < n; k++)
        {
            var (apk, aqk) = (a[(p * n) + k], a[(q * n) + k]);
            (a[(p * n) + k], a[(q * n) + k]) = ((c * apk) - (s * aqk), (s * apk) + (c * aqk));
            var (vkp, vkq) = (v[(k * n) + p], v[(k * n) + q]);
            (v[(k * n) + p], v[(k * n) + q]) = ((c * vkp) - (s * vkq), (s * vkp) + (c * vkq));
        }
    }
}
