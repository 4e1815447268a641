using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Text;

/// <summary>
/// What words mean, learned from text nobody labelled: a vector of 64 signed bytes a word, its weight included, so that a request is the sum of its words'.
/// Words that a few thousand labelled requests never showed still stand near those they did.
/// </summary>
/// <remarks>
/// Positive pointwise mutual information of words within five of each other (weight 1 / distance), contexts smoothed by the power 3/4, and its leading
/// singular directions scaled by the root of their values; centred, scaled to length 1 and weighed by inverse document frequency.
/// A word is found by its bucket and a 16-bit mark: of the words of one bucket only the most frequent has a vector.
/// Learning: O(words x window + pairs x 64). Immutable.
/// Sources: Bullinaria and Levy 2007; Levy, Goldberg and Dagan 2015, Improving distributional similarity.
/// </remarks>
public sealed class WordVectors
{
    public const int Dense = 64;

    private const int Window = 5;
    private const int LeastCount = 8;
    private const double Smoothing = 0.75;

    private readonly ushort[] _mark;

    internal WordVectors(ushort[] mark, ReadOnlySpan<sbyte> rows, float[] scale)
    {
        if (mark.Length != NgramCounter.WordBuckets || rows.Length != NgramCounter.WordBuckets * Dense || scale.Length != Dense)
        {
            throw new ArgumentException(
                $"Word vectors are {NgramCounter.WordBuckets} marks, {NgramCounter.WordBuckets * Dense} row bytes and {Dense} scales; found {mark.Length}, {rows.Length} and {scale.Length}.");
        }

        (_mark, Rows, ScaleArray) = (mark, new ByteRows(rows), scale);
    }

    /// <summary>No word has a vector.</summary>
    public static WordVectors None { get; } = new(new ushort[NgramCounter.WordBuckets], new sbyte[NgramCounter.WordBuckets * Dense], new float[Dense]);

    /// <summary>How many words have one.</summary>
    public int Count => _mark.Length - _mark.AsSpan().Count((ushort)0);

    internal ReadOnlySpan<ushort> Marks => _mark;

    internal ByteRows Rows { get; }

    internal float[] ScaleArray { get; }

    /// <summary>True when a word of this mark is the one the bucket's row stands for.</summary>
    internal bool Knows(int bucket, ushort mark) => _mark[bucket] == mark;

    /// <param name="texts">Documents; a few million words make vectors worth having, too few words give <see cref="None"/>.</param>
    public static WordVectors Learn(IEnumerable<string> texts, int seed)
    {
        ArgumentNullException.ThrowIfNull(texts);
        var (keys, ends) = (new List<ulong>(), new List<int>());
        foreach (var text in texts)
        {
            NgramCounter.Keys(text, keys);
            ends.Add(keys.Count);
        }

        var (words, number) = Vocabulary(keys);
        if (words.Length <= Dense)
        {
            return None;
        }

        var ids = keys.ConvertAll(k => number.GetValueOrDefault(k, -1)).ToArray();
        var documents = DocumentFrequency(ids, ends, words.Length);
        var (right, singular) = RandomizedSvd.Factor(Associations(ids, ends, words.Length), Dense, powerIterations: 2, new Random(seed));
        return Quantize(words, Weigh(right, singular, documents, ends.Count));
    }

    /// <summary>Of each bucket the most frequent word (of equals the lesser key), numbered by bucket; and all words' numbers.</summary>
    private static (ulong[] Words, Dictionary<ulong, int> Number) Vocabulary(List<ulong> keys)
    {
        var count = new Dictionary<ulong, int>();
        foreach (var key in keys)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(count, key, out _)++;
        }

        var best = new (ulong Key, int Count)[NgramCounter.WordBuckets];
        foreach (var (key, n) in count)
        {
            ref var first = ref best[NgramCounter.Bucket(key)];
            if (n >= LeastCount && (n > first.Count || (n == first.Count && key < first.Key)))
            {
                first = (key, n);
            }
        }

        ulong[] words = [.. best.Where(b => b.Count > 0).Select(b => b.Key)];
        return (words, words.Index().ToDictionary(w => w.Item, w => w.Index));
    }

    private static int[] DocumentFrequency(int[] ids, List<int> ends, int words)
    {
        var (frequency, last) = (new int[words], new int[words]);
        for (int document = 0, i = 0; document < ends.Count; document++)
        {
            for (; i < ends[document]; i++)
            {
                if (ids[i] is >= 0 and var id && last[id] != document + 1)
                {
                    frequency[id]++;
                    last[id] = document + 1;
                }
            }
        }

        return frequency;
    }

    /// <summary>Positive pointwise mutual information, words x words: <c>max(0, ln(n_ab N / (n_a m_b)))</c>, m_b = n_b^3/4 and N their sum.</summary>
    private static SparseRows Associations(int[] ids, List<int> ends, int words)
    {
        var near = Neighbours(ids, ends, words);
        var total = new double[words];
        for (var a = 0; a < words; a++)
        {
            foreach (var (b, weight) in near[a])
            {
                total[a] += weight;
                total[b] += weight;
            }
        }

        var smooth = total.Select(t => Math.Pow(t, Smoothing)).ToArray();
        var scale = smooth.Sum();
        var rows = new List<(int Column, float Value)>[words];
        for (var w = 0; w < words; w++)
        {
            rows[w] = [];
        }

        for (var a = 0; a < words; a++)
        {
            foreach (var (b, weight) in near[a])
            {
                var together = a == b ? 2 * weight : weight;
                Add(a, b, together);
                if (a != b)
                {
                    Add(b, a, together);
                }
            }

            near[a] = []; // memory for what is still to come
        }

        var start = new int[words + 1];
        for (var w = 0; w < words; w++)
        {
            rows[w].Sort(static (x, y) => x.Column.CompareTo(y.Column));
            start[w + 1] = start[w] + rows[w].Count;
        }

        return new SparseRows(start, [.. rows.SelectMany(r => r.Select(c => c.Column))], [.. rows.SelectMany(r => r.Select(c => c.Value))], words);

        void Add(int word, int context, float weight)
        {
            var information = Math.Log(weight * scale / (total[word] * smooth[context]));
            if (information > 0)
            {
                rows[word].Add((context, (float)information));
            }
        }
    }

    /// <summary>How often words stand near each other, a pair at a distance counting one over it. Each pair once, at its lesser word: the matrix is symmetric.</summary>
    private static Dictionary<int, float>[] Neighbours(int[] ids, List<int> ends, int words)
    {
        var near = new Dictionary<int, float>[words];
        for (var w = 0; w < words; w++)
        {
            near[w] = [];
        }

        for (int document = 0, from = 0; document < ends.Count; from = ends[document++])
        {
            for (var i = from; i < ends[document]; i++)
            {
                for (var d = 1; ids[i] >= 0 && d <= Window && i + d < ends[document]; d++)
                {
                    if (ids[i + d] >= 0)
                    {
                        var (a, b) = (Math.Min(ids[i], ids[i + d]), Math.Max(ids[i], ids[i + d]));
                        CollectionsMarshal.GetValueRefOrAddDefault(near[a], b, out _) += 1f / d;
                    }
                }
            }
        }

        return near;
    }

    private static float[] Weigh(float[] right, float[] singular, int[] documents, int texts)
    {
        var words = documents.Length;
        var mean = new double[Dense];
        for (var i = 0; i < right.Length; i++)
        {
            right[i] *= MathF.Sqrt(singular[i % Dense]);
            mean[i % Dense] += right[i] / words;
        }

        for (var w = 0; w < words; w++)
        {
            var row = right.AsSpan(w * Dense, Dense);
            for (var j = 0; j < Dense; j++)
            {
                row[j] -= (float)mean[j];
            }

            var length = TensorPrimitives.Norm<float>(row);
            var weight = MathF.Log((1f + texts) / (1f + documents[w])) + 1;
            TensorPrimitives.Multiply(row, length > 0 ? weight / length : 0, row);
        }

        return right;
    }

    private static WordVectors Quantize(ulong[] words, float[] vectors)
    {
        var (mark, rows, scale) = (new ushort[NgramCounter.WordBuckets], new sbyte[NgramCounter.WordBuckets * Dense], new float[Dense]);
        for (var i = 0; i < vectors.Length; i++)
        {
            scale[i % Dense] = MathF.Max(scale[i % Dense], MathF.Abs(vectors[i]) / 127);
        }

        for (var w = 0; w < words.Length; w++)
        {
            var bucket = NgramCounter.Bucket(words[w]);
            mark[bucket] = NgramCounter.MarkOf(words[w]);
            for (var j = 0; j < Dense; j++)
            {
                rows[(bucket * Dense) + j] = scale[j] > 0 ? (sbyte)MathF.Round(vectors[(w * Dense) + j] / scale[j]) : (sbyte)0;
            }
        }

        return new WordVectors(mark, rows, scale);
    }
}
