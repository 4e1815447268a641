namespace MetaRouter.Core.Numerics;

/// <summary>A sparse n x m matrix by rows (CSR): row i holds <c>Index[Start[i]..Start[i+1]]</c> with their values.</summary>
public sealed class SparseRows(int[] start, int[] index, float[] value, int columns)
{
    public int[] Start { get; } = start;

    public int[] Index { get; } = index;

    public float[] Value { get; } = value;

    public int Columns { get; } = columns;

    public int Rows => Start.Length - 1;

    public ReadOnlySpan<int> Indexes(int row) => Index.AsSpan(Start[row], Start[row + 1] - Start[row]);

    public ReadOnlySpan<float> Values(int row) => Value.AsSpan(Start[row], Start[row + 1] - Start[row]);

    /// <summary>The same matrix by columns, in O(non-zeros).</summary>
    public SparseRows Transpose()
    {
        var start = new int[Columns + 1];
        foreach (var column in Index)
        {
            start[column + 1]++;
        }

        for (var c = 0; c < Columns; c++)
        {
            start[c + 1] += start[c];
        }

        var next = start.AsSpan(0, Columns).ToArray();
        var (index, value) = (new int[Index.Length], new float[Index.Length]);
        for (var row = 0; row < Rows; row++)
        {
            for (var j = Start[row]; j < Start[row + 1]; j++)
            {
                var at = next[Index[j]]++;
                (index[at], value[at]) = (row, Value[j]);
            }
        }

        return new SparseRows(start, index, value, Rows);
    }
}
