using System.Numerics;

namespace MetaRouter.Core.Prediction;

/// <summary>Grows one extremely randomised regression tree; what it stands for and its source: <see cref="ExtraTrees"/>.</summary>
/// <remarks>Nodes are listed as they are reached, a parent before its left child and all of the left before the right. One tree a grower, and one thread.</remarks>
/// <param name="minLeaf">Rows in the smallest leaf.</param>
/// <param name="tried">Features tried at a node.</param>
internal sealed class TreeGrower(TreeGrower.Rows rows, int minLeaf, int tried, Random random)
{
    private readonly int[] _order = [.. Enumerable.Range(0, rows.Count)]; // a node's rows lie together
    private readonly int[] _pick = [.. Enumerable.Range(0, rows.Features)];
    private readonly float[] _left = new float[rows.Stride];

    /// <summary>Of each node the feature it splits on; <see cref="ExtraTrees.Leaf"/>: none.</summary>
    public List<ushort> Feature { get; } = [];

    /// <summary>Of each node: rows at or below it go left.</summary>
    public List<float> Threshold { get; } = [];

    /// <summary>Of each node the number of its right child; of a leaf its own number among leaves.</summary>
    public List<int> Next { get; } = [];

    /// <summary>Leaves x m: the mean targets of the rows in each.</summary>
    public List<float> Leaves { get; } = [];

    public void Grow() => Grow(0, rows.Count);

    private void Grow(int from, int to)
    {
        var here = _order.AsSpan(from, to - from);
        var total = new float[rows.Stride];
        SumBelow(here, rows.Column(0), float.PositiveInfinity, total);
        if (Split(here, total) is not var (feature, threshold))
        {
            AddLeaf(here.Length, total);
            return;
        }

        var node = Feature.Count;
        Feature.Add((ushort)feature);
        Threshold.Add(threshold);
        Next.Add(0);
        var middle = from + Part(here, rows.Column(feature), threshold);
        Grow(from, middle);
        Next[node] = Feature.Count;
        Grow(middle, to);
    }

    private void AddLeaf(int count, float[] total)
    {
        Feature.Add(ExtraTrees.Leaf);
        Threshold.Add(0);
        Next.Add(Leaves.Count / rows.Targets);
        for (var j = 0; j < rows.Targets; j++)
        {
            Leaves.Add(total[j] / count);
        }
    }

    /// <summary>The best of the splits tried, each of a feature that varies here, at a threshold drawn uniformly between its ends; null: none leaves enough rows on both sides.</summary>
    private (int Feature, float Threshold)? Split(ReadOnlySpan<int> here, float[] total)
    {
        var (best, split) = (float.NegativeInfinity, default((int, float)?));
        var seen = 0;
        for (var i = 0; i < _pick.Length && seen < tried && here.Length >= 2 * minLeaf; i++)
        {
            var swap = random.Next(i, _pick.Length);
            (_pick[i], _pick[swap]) = (_pick[swap], _pick[i]);
            var column = rows.Column(_pick[i]);
            var (low, high) = (float.PositiveInfinity, float.NegativeInfinity);
            foreach (var row in here)
            {
                var value = column[row];
                low = value < low ? value : low;
                high = value > high ? value : high;
            }

            if (!(high > low))
            {
                continue;
            }

            seen++;
            // Half precision, so that two bytes hold it on disk.
            var threshold = (float)(Half)(low + ((high - low) * (float)random.NextDouble()));
            var score = Score(here, column, threshold, total);
            if (score > best)
            {
                (best, split) = (score, (_pick[i], threshold));
            }
        }

        return split;
    }

    /// <summary>|sum left|^2 / n_left + |sum right|^2 / n_right: largest where the variance left over is least.</summary>
    private float Score(ReadOnlySpan<int> here, ReadOnlySpan<float> column, float threshold, float[] total)
    {
        var count = SumBelow(here, column, threshold, _left);
        if (count < minLeaf || here.Length - count < minLeaf)
        {
            return float.NegativeInfinity;
        }

        var (left, right) = (0f, 0f);
        for (var j = 0; j < rows.Targets; j++)
        {
            left += _left[j] * _left[j];
            right += (total[j] - _left[j]) * (total[j] - _left[j]);
        }

        return (left / count) + (right / (here.Length - count));
    }

    /// <summary>Sums the targets of the rows at or below the threshold, and counts them. Without a branch, since which side a row falls on cannot be foreseen.</summary>
    private int SumBelow(ReadOnlySpan<int> here, ReadOnlySpan<float> column, float threshold, Span<float> sums)
    {
        var (targets, stride, count) = (rows.Padded, rows.Stride, 0);
        for (var j = 0; j < stride; j += Vector<float>.Count)
        {
            var (sum, below) = (Vector<float>.Zero, 0);
            foreach (var row in here)
            {
                var mask = column[row] <= threshold ? -1 : 0;
                below -= mask;
                sum += Vector.BitwiseAnd(new Vector<float>(targets, (row * stride) + j), Vector.AsVectorSingle(new Vector<int>(mask)));
            }

            sum.CopyTo(sums[j..]);
            count = below;
        }

        return count;
    }

    /// <summary>Rows at or below the threshold before the others; returns how many they are.</summary>
    private static int Part(Span<int> here, ReadOnlySpan<float> column, float threshold)
    {
        var (low, high) = (0, here.Length);
        while (low < high)
        {
            if (column[here[low]] <= threshold)
            {
                low++;
            }
            else
            {
                high--;
                (here[low], here[high]) = (here[high], here[low]);
            }
        }

        return low;
    }

    /// <summary>What all trees of a forest grow on.</summary>
    /// <param name="Columns">D x n: a feature's values lie together.</param>
    /// <param name="Padded">n x <paramref name="Stride"/>: the m targets, filled up with zeros to whole vectors.</param>
    internal sealed record Rows(float[] Columns, float[] Padded, int Count, int Features, int Targets, int Stride)
    {
        /// <param name="x">n x D row-major.</param>
        /// <param name="y">n x m row-major, all finite.</param>
        public static Rows Of(float[] x, float[] y, int features, int targets)
        {
            var n = y.Length / targets;
            var columns = new float[x.Length];
            for (var i = 0; i < n; i++)
            {
                for (var f = 0; f < features; f++)
                {
                    columns[(f * n) + i] = x[(i * features) + f];
                }
            }

            var stride = (targets + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;
            var padded = new float[n * stride];
            for (var i = 0; i < n; i++)
            {
                y.AsSpan(i * targets, targets).CopyTo(padded.AsSpan(i * stride));
            }

            return new Rows(columns, padded, n, features, targets, stride);
        }

        public ReadOnlySpan<float> Column(int feature) => Columns.AsSpan(feature * Count, Count);
    }
}
