namespace MetaRouter.Evaluation.Baselines;

/// <summary>A sparse matrix by rows: the entries of row i are <c>Starts[i]..Starts[i + 1]</c>.</summary>
/// <param name="Columns">The number of columns.</param>
public sealed record SparseRows(int Columns, int[] Starts, int[] Indices, float[] Values)
{
    public int Rows => Starts.Length - 1;

    public ReadOnlySpan<int> RowIndices(int row) => Indices.AsSpan(Starts[row], Starts[row + 1] - Starts[row]);

    public ReadOnlySpan<float> RowValues(int row) => Values.AsSpan(Starts[row], Starts[row + 1] - Starts[row]);

    /// <summary>These rows, in this order.</summary>
    public SparseRows Take(ReadOnlySpan<int> rows)
    {
        var starts = new int[rows.Length + 1];
        for (var i = 0; i < rows.Length; i++)
        {
            starts[i + 1] = starts[i] + RowIndices(rows[i]).Length;
        }

        var (indices, values) = (new int[starts[^1]], new float[starts[^1]]);
        for (var i = 0; i < rows.Length; i++)
        {
            RowIndices(rows[i]).CopyTo(indices.AsSpan(starts[i]));
            RowValues(rows[i]).CopyTo(values.AsSpan(starts[i]));
        }

        return new SparseRows(Columns, starts, indices, values);
    }

    /// <summary>Columns as rows.</summary>
    public SparseRows Transpose()
    {
        var starts = new int[Columns + 1];
        foreach (var index in Indices)
        {
            starts[index + 1]++;
        }

        for (var c = 0; c < Columns; c++)
        {
            starts[c + 1] += starts[c];
        }

        var (next, indices, values) = (starts[..^1], new int[Indices.Length], new float[Indices.Length]);
        for (var row = 0; row < Rows; row++)
        {
            for (var at = Starts[row]; at < Starts[row + 1]; at++)
            {
                var to = next[Indices[at]]++;
                (indices[to], values[to]) = (row, Values[at]);
            }
        }

        return new SparseRows(Rows, starts, indices, values);
    }
}
