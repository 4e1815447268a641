using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.Text;

/// <summary>
/// Turns the text of a request into numbers, locally and deterministically: no network, no key, microseconds.
/// Every hashed n-gram has a row of 64 signed bytes, its direction among the leading singular vectors of the training requests;
/// a request is the tf-idf weighted sum of its rows. Beside it stand the sum of its words' <see cref="WordVectors"/>, learned from more text than
/// was ever labelled, surface features, and what kind of request it is (<see cref="TopicModel"/>).
/// </summary>
/// <remarks>
/// A row is one cache line: that is what makes characters affordable. O(distinct n-grams x 64), bounded by <see cref="NgramCounter.MaxChars"/>. Immutable, safe from any thread with a scratch each.
/// Sources: latent semantic analysis, Deerwester et al. 1990; hashing trick, Weinberger et al. 2009.
/// </remarks>
public sealed class PromptEncoder
{
    /// <summary>Length of the dense part learned from requests.</summary>
    public const int Dense = 64;

    /// <summary>Dense part, word vectors, surface features: what topics are told by.</summary>
    internal const int Described = Dense + WordVectors.Dense + NgramCounter.SurfaceLength;

    /// <summary>Dense part, word vectors, surface features, topics, constant.</summary>
    public const int Features = Described + TopicModel.MaxTopics + 1;

    private readonly float[] _idf;
    private readonly ByteRows _rows;
    private readonly float[] _scale;
    private readonly bool _reads;

    /// <summary>Learns weights and directions from the texts of requests; O(non-zeros x 64).</summary>
    /// <param name="vectors">Of words, learned elsewhere; null: none.</param>
    public static PromptEncoder Learn(IReadOnlyList<string> texts, int seed, NgramFamilies families = NgramFamilies.All, WordVectors? vectors = null)
    {
        var tfIdf = TfIdf.Learn(texts, minDocuments: 2, families);
        var (right, _) = RandomizedSvd.Factor(tfIdf.Transform(texts), Dense, powerIterations: 2, new Random(seed));
        return Quantize(tfIdf.Idf, right, families.HasFlag(NgramFamilies.Words) ? vectors : null);
    }

    internal PromptEncoder(float[] idf, ReadOnlySpan<sbyte> rows, float[] scale, WordVectors? vectors = null, TopicModel? topics = null)
        : this(idf, Checked(idf, rows, scale), scale, vectors, topics)
    {
    }

    private PromptEncoder(float[] idf, ByteRows rows, float[] scale, WordVectors? vectors, TopicModel? topics)
    {
        (_idf, _rows, _scale, _reads) = (idf, rows, scale, idf.AsSpan().ContainsAnyExcept(0f));
        (Vectors, Topics) = (vectors ?? WordVectors.None, topics ?? TopicModel.None);
    }

    private static ByteRows Checked(float[] idf, ReadOnlySpan<sbyte> rows, float[] scale)
    {
        if (idf.Length != NgramCounter.Buckets || rows.Length != NgramCounter.Buckets * Dense || scale.Length != Dense)
        {
            throw new ArgumentException(
                $"An encoder has {NgramCounter.Buckets} weights, {NgramCounter.Buckets * Dense} row bytes and {Dense} scales; found {idf.Length}, {rows.Length} and {scale.Length}.");
        }

        return new ByteRows(rows);
    }

    public WordVectors Vectors { get; }

    public TopicModel Topics { get; }

    internal PromptEncoder With(TopicModel topics) => new(_idf, _rows, _scale, Vectors, topics);

    internal ReadOnlySpan<float> Idf => _idf;

    internal ReadOnlySpan<sbyte> Rows => _rows.All;

    internal ReadOnlySpan<float> Scale => _scale;

    /// <summary>Rounds each column to signed bytes with a scale of its own.</summary>
    /// <param name="dense">Buckets x 64.</param>
    internal static PromptEncoder Quantize(ReadOnlySpan<float> idf, ReadOnlySpan<float> dense, WordVectors? vectors = null)
    {
        var rows = new sbyte[NgramCounter.Buckets * Dense];
        var scale = new float[Dense];
        for (var j = 0; j < Dense; j++)
        {
            // Clipping the few largest entries costs less than the coarser step that holds them.
            var (squares, largest, count) = (0.0, 0f, 0);
            for (var i = j; i < dense.Length; i += Dense)
            {
                squares += dense[i] * dense[i];
                largest = MathF.Max(largest, MathF.Abs(dense[i]));
                count += dense[i] != 0 ? 1 : 0;
            }

            var limit = MathF.Min(largest, 12 * (float)Math.Sqrt(squares / Math.Max(1, count)));
            var step = scale[j] = limit / 127;
            for (var i = 0; i < NgramCounter.Buckets && step > 0; i++)
            {
                rows[(i * Dense) + j] = (sbyte)Math.Clamp(MathF.Round(dense[(i * Dense) + j] / step), -127, 127);
            }
        }

        return new PromptEncoder(idf.ToArray(), rows, scale, vectors);
    }

    /// <summary>This encoder reading only some families; for measuring what the others cost.</summary>
    public PromptEncoder Only(NgramFamilies families)
    {
        var idf = (float[])_idf.Clone();
        TfIdf.Keep(families, idf);
        return new PromptEncoder(idf, _rows, _scale, null, null);
    }

    public void Encode(ReadOnlySpan<char> text, RequestEncoding into)
    {
        var counter = into.Counter;
        counter.Read(text);
        Span<float> sum = stackalloc float[Dense];
        sum.Clear();
        var families = AddFamily(counter, counter.Words, into, sum) + AddFamily(counter, counter.Characters, into, sum);
        TensorPrimitives.Multiply(sum, _scale, sum);
        var features = into.FeatureBuffer.AsSpan();
        var norm = TensorPrimitives.Norm<float>(sum);
        TensorPrimitives.Multiply(sum, norm > 0 ? 1 / norm : 0, features[..Dense]);
        into.Familiarity = _reads ? Familiarity.Of(norm, families) : 1; // an encoder of no n-grams cannot tell
        AddVectors(counter, into, features.Slice(Dense, WordVectors.Dense));
        counter.Surface.CopyTo(features[(Dense + WordVectors.Dense)..]);
        Topics.Predict(features[..Described], features.Slice(Described, TopicModel.MaxTopics));
        into.Topic = Topics.Groups.CodeOf(features.Slice(Described, TopicModel.MaxTopics));
        features[^1] = 1;
        into.Tokens = counter.TokenEstimate;
    }

    private void AddVectors(NgramCounter counter, RequestEncoding scratch, Span<float> sum)
    {
        var (row, weight, used) = (scratch.Row, scratch.Weight, 0);
        foreach (var bucket in counter.Singles)
        {
            (row[used], weight[used]) = (bucket, TfIdf.TermWeight(counter.Count(bucket)));
            used += Vectors.Knows(bucket, counter.Mark(bucket)) ? 1 : 0;
        }

        Vectors.Rows.WeightedSum(row.AsSpan(0, used), weight, sum);
        TensorPrimitives.Multiply(sum, Vectors.ScaleArray, sum);
        var norm = TensorPrimitives.Norm<float>(sum);
        TensorPrimitives.Multiply(sum, norm > 0 ? 1 / norm : 0, sum);
    }

    /// <returns>How many families had anything to add: 0 or 1.</returns>
    private int AddFamily(NgramCounter counter, ReadOnlySpan<ushort> buckets, RequestEncoding scratch, Span<float> sum)
    {
        var (used, squares) = Weigh(counter, buckets, scratch);
        if (!(squares > 0))
        {
            return 0;
        }

        Span<float> part = stackalloc float[Dense];
        _rows.WeightedSum(scratch.Row.AsSpan(0, used), scratch.Weight, part);
        TensorPrimitives.MultiplyAdd(part, 1 / MathF.Sqrt(squares), sum, sum);
        return 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)] // inlined into a method with stack space, it would be compiled before the tables it reads are known
    private (int Used, float Squares) Weigh(NgramCounter counter, ReadOnlySpan<ushort> buckets, RequestEncoding scratch)
    {
        var (row, weight, idf, used, squares) = (scratch.Row, scratch.Weight, _idf, 0, 0f);
        for (var i = 0; i < buckets.Length; i++)
        {
            Memory.Prefetch(ref MemoryMarshal.GetArrayDataReference(idf), buckets, i + 24);
            var bucket = buckets[i];
            var w = TfIdf.TermWeight(counter.Count(bucket)) * idf[bucket];
            (row[used], weight[used]) = (bucket, w);
            used += w != 0 ? 1 : 0;
            squares += w * w;
        }

        return (used, squares);
    }
}
