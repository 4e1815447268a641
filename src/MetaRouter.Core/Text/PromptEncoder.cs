using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using MetaRouter.Core.Numerics;

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
    private readonly sbyte[] _rows;
    private readonly float[] _scale;

    /// <summary>Learns weights and directions from the texts of requests; O(non-zeros x 64).</summary>
    /// <param name="vectors">Of words, learned elsewhere; null: none.</param>
    public static PromptEncoder Learn(IReadOnlyList<string> texts, int seed, NgramFamilies families = NgramFamilies.All, WordVectors? vectors = null)
    {
        var tfIdf = TfIdf.Learn(texts, minDocuments: 2, families);
        var (right, _) = RandomizedSvd.Factor(tfIdf.Transform(texts), Dense, powerIterations: 2, new Random(seed));
        return Quantize(tfIdf.Idf, right, families.HasFlag(NgramFamilies.Words) ? vectors : null);
    }

    internal PromptEncoder(float[] idf, sbyte[] rows, float[] scale, WordVectors? vectors = null, TopicModel? topics = null)
    {
        if (idf.Length != NgramCounter.Buckets || rows.Length != NgramCounter.Buckets * Dense || scale.Length != Dense)
        {
            throw new ArgumentException($"An encoder has {NgramCounter.Buckets} weights, {NgramCounter.Buckets * Dense} row bytes and {Dense} scales; found {idf.Length}, {rows.Length} and {scale.Length}.");
        }

        (_idf, _rows, _scale) = (idf, rows, scale);
        (Vectors, Topics) = (vectors ?? WordVectors.None, topics ?? TopicModel.None);
    }

    public WordVectors Vectors { get; }

    public TopicModel Topics { get; }

    internal PromptEncoder With(TopicModel topics) => new(_idf, _rows, _scale, Vectors, topics);

    internal ReadOnlySpan<float> Idf => _idf;

    internal ReadOnlySpan<sbyte> Rows => _rows;

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
        return new PromptEncoder(idf, _rows, _scale);
    }

    public void Encode(ReadOnlySpan<char> text, RequestEncoding into)
    {
        var counter = into.Counter;
        counter.Read(text, _idf, _rows, Vectors.Rows);
        Span<float> sum = stackalloc float[Dense];
        Span<float> part = stackalloc float[Dense];
        sum.Clear();
        AddFamily(counter, counter.Words, part, sum);
        AddFamily(counter, counter.Characters, part, sum);
        TensorPrimitives.Multiply(sum, _scale, sum);
        var features = into.FeatureBuffer.AsSpan();
        var norm = TensorPrimitives.Norm<float>(sum);
        TensorPrimitives.Multiply(sum, norm > 0 ? 1 / norm : 0, features[..Dense]);
        AddVectors(counter, features.Slice(Dense, WordVectors.Dense));
        counter.Surface.CopyTo(features[(Dense + WordVectors.Dense)..]);
        Topics.Predict(features[..Described], features.Slice(Described, TopicModel.MaxTopics));
        features[^1] = 1;
        into.Tokens = counter.TokenEstimate;
    }

    private void AddVectors(NgramCounter counter, Span<float> sum)
    {
        var total = default(Row);
        foreach (var bucket in counter.Singles)
        {
            if (Vectors.Knows(bucket, counter.Mark(bucket)))
            {
                total.Add(ref Vectors.Rows[bucket * WordVectors.Dense], TfIdf.TermWeight(counter.Count(bucket)));
            }
        }

        total.CopyTo(sum);
        TensorPrimitives.Multiply(sum, Vectors.ScaleArray, sum);
        var norm = TensorPrimitives.Norm<float>(sum);
        TensorPrimitives.Multiply(sum, norm > 0 ? 1 / norm : 0, sum);
    }

    private void AddFamily(NgramCounter counter, ReadOnlySpan<ushort> buckets, Span<float> part, Span<float> sum)
    {
        var squares = 0f;
        var total = default(Row);
        ref var rows = ref MemoryMarshal.GetArrayDataReference(_rows);
        foreach (var bucket in buckets)
        {
            var weight = TfIdf.TermWeight(counter.Count(bucket)) * _idf[bucket];
            if (weight == 0)
            {
                continue;
            }

            squares += weight * weight;
            total.Add(ref Unsafe.Add(ref rows, bucket * Dense), weight);
        }

        if (squares == 0)
        {
            return;
        }

        total.CopyTo(part);
        TensorPrimitives.MultiplyAdd(part, 1 / MathF.Sqrt(squares), sum, sum);
    }

    /// <summary>A sum of rows, held in registers.</summary>
    private struct Row
    {
        private Vector256<float> _0, _1, _2, _3, _4, _5, _6, _7;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(ref sbyte row, float weight)
        {
            var w = Vector256.Create(weight);
            _0 += Eight(ref row, 0) * w;
            _1 += Eight(ref row, 8) * w;
            _2 += Eight(ref row, 16) * w;
            _3 += Eight(ref row, 24) * w;
            _4 += Eight(ref row, 32) * w;
            _5 += Eight(ref row, 40) * w;
            _6 += Eight(ref row, 48) * w;
            _7 += Eight(ref row, 56) * w;
        }

        public readonly void CopyTo(Span<float> to)
        {
            _0.CopyTo(to);
            _1.CopyTo(to[8..]);
            _2.CopyTo(to[16..]);
            _3.CopyTo(to[24..]);
            _4.CopyTo(to[32..]);
            _5.CopyTo(to[40..]);
            _6.CopyTo(to[48..]);
            _7.CopyTo(to[56..]);
        }
    }

    /// <summary>Eight signed bytes as numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Eight(ref sbyte row, int at)
    {
        var bytes = Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<sbyte, byte>(ref Unsafe.Add(ref row, at)))).AsSByte();
        if (Avx2.IsSupported)
        {
            return Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(bytes));
        }

        var shorts = Vector128.WidenLower(bytes);
        return Vector256.ConvertToSingle(Vector256.Create(Vector128.WidenLower(shorts), Vector128.WidenUpper(shorts)));
    }
}
