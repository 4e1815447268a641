namespace MetaRouter.Core.Numerics;

/// <summary>Rows of a dense matrix that lies row-major in an array.</summary>
public static class DenseRows
{
    /// <summary>Only these rows, in this order.</summary>
    /// <param name="matrix">n x <paramref name="width"/>.</param>
    /// <param name="rows">Each 0 to n - 1.</param>
    public static float[] Take(float[] matrix, ReadOnlySpan<int> rows, int width)
    {
        var taken = new float[rows.Length * width];
        for (var i = 0; i < rows.Length; i++)
        {
            matrix.AsSpan(rows[i] * width, width).CopyTo(taken.AsSpan(i * width));
        }

        return taken;
    }
}
