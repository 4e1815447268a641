using System.Runtime.InteropServices;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// Words and pairs of neighbouring words, hashed to 2^18 buckets, as sublinear tf-idf of length 1 (so that a dot product is a cosine).
/// The idf comes from the training texts; a bucket seen in fewer than 2 of them says nothing and is left out.
/// O(characters) a text.
/// </summary>
public sealed class HashedFeatures
{
    private const int Buckets = 1 << 18;

    private readonly int[] _column = new int[Buckets];
    private readonly float[] _idf;

    public HashedFeatures(IReadOnlyList<string> trainTexts)
    {
        ArgumentNullException.ThrowIfNull(trainTexts);
        var texts = new int[Buckets];
        var counts = new Dictionary<int, int>();
        foreach (var text in trainTexts)
        {
            Count(text, counts);
            foreach (var bucket in counts.Keys)
            {
                texts[bucket]++;
            }
        }

        Array.Fill(_column, -1);
        // The commonest first: what a pass over the rows touches most lies together and stays in the cache.
        int[] kept = [.. Enumerable.Range(0, Buckets).Where(bucket => texts[bucket] >= 2).OrderByDescending(bucket => texts[bucket])];
        _idf = new float[kept.Length];
        for (var column = 0; column < kept.Length; column++)
        {
            _column[kept[column]] = column;
            _idf[column] = (float)(Math.Log((1.0 + trainTexts.Count) / (1 + texts[kept[column]])) + 1);
        }
    }

    public int Columns => _idf.Length;

    /// <summary>One row a text. A text without a known word is a row of nothing.</summary>
    public SparseRows Transform(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        var (starts, indices, values) = (new int[texts.Count + 1], new List<int>(), new List<float>());
        var counts = new Dictionary<int, int>();
        var row = new List<(int Column, float Value)>();
        for (var i = 0; i < texts.Count; i++)
        {
            Count(texts[i], counts);
            row.Clear();
            foreach (var (bucket, count) in counts)
            {
                if (_column[bucket] is var column && column >= 0)
                {
                    row.Add((column, (1 + MathF.Log(count)) * _idf[column]));
                }
            }

            row.Sort(static (a, b) => a.Column.CompareTo(b.Column));
            var length = MathF.Sqrt(row.Sum(e => e.Value * e.Value));
            foreach (var (column, value) in row)
            {
                indices.Add(column);
                values.Add(value / length);
            }

            starts[i + 1] = indices.Count;
        }

        return new SparseRows(starts, [.. indices], [.. values], Columns);
    }

    // A word is a run of letters or digits, or one other visible character: in mathematics and code the signs are words.
    private static void Count(string text, Dictionary<int, int> counts)
    {
        counts.Clear();
        uint? before = null;
        for (var i = 0; i < text.Length;)
        {
            if (char.IsWhiteSpace(text[i]))
            {
                i++;
                continue;
            }

            const uint prime = 16777619;
            var word = (2166136261 ^ char.ToLowerInvariant(text[i])) * prime;
            if (char.IsLetterOrDigit(text[i++]))
            {
                for (; i < text.Length && char.IsLetterOrDigit(text[i]); i++)
                {
                    word = (word ^ char.ToLowerInvariant(text[i])) * prime;
                }
            }

            Add(word);
            if (before is { } first)
            {
                Add((first * 31) ^ (word * 0x9e3779b9) ^ 1);
            }

            before = word;
        }

        void Add(uint hash) => CollectionsMarshal.GetValueRefOrAddDefault(counts, (int)((hash * 0x85ebca6b) >> 14), out _)++;
    }
}
