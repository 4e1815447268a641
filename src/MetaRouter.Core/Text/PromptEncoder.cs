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
/// a request is the tf-idf weighted sum of its rows, and surface features are appended.
/// </summary>
/// <remarks>
/// A row is one cache line: that is what makes characters affordable. O(distinct n-grams x 64), bounded by <see cref="NgramCounter.MaxChars"/>. Immutable, safe from any thread with a scratch each.
/// Sources: latent semantic analysis, Deerwester et al. 1990; hashing trick, Weinberger et al. 2009.
/// </remarks>
public sealed class PromptEncoder
{
    /// <summary>Length of the learned dense part.</summary>
    public const int Dense = 64;

    /// <summary>Dense part, surface features, constant.</summary>
    public const int Features = Dense + NgramCounter.SurfaceLength + 1;

    private readonly float[] _idf;
    private readonly sbyte[] _rows;
    private readonly float[] _scale;

    /// <summary>Learns weights and directions from the texts of requests; O(non-zeros x 64).</summary>
    public static PromptEncoder Learn(IReadOnlyList<string> texts, int seed, NgramFamilies families = NgramFamilies.All)
    {
        var tfIdf = TfIdf.Learn(texts, minDocuments: 2, families);
        var (right, _) = RandomizedSvd.Factor(tfIdf.Transform(texts), Dense, powerIterations: 2, new Random(seed));
        return Quantize(tfIdf.Idf, right);
    }

    internal PromptEncoder(float[] idf, sbyte[] rows, float[] scale)
    {
        if (idf.Length != NgramCounter.Buckets || rows.Length != NgramCounter.Buckets * Dense || scale.Length != Dense)
        {
            throw new ArgumentException($"An encoder has {NgramCounter.Buckets} weights, {NgramCounter.Buckets * Dense} row bytes and {Dense} scales; found {idf.Length}, {rows.Length} and {scale.Length}.");
        }

        (_idf, _rows, _scale) = (idf, rows, scale);
    }

    internal ReadOnlySpan<float> Idf => _idf;

    internal ReadOnlySpan<sbyte> Rows => _rows;

    internal ReadOnlySpan<float> Scale => _scale;

    /// <summary>Rounds each column to signed bytes with a scale of its own.</summary>
    /// <param name="dense">Buckets x 64.</param>
    internal static PromptEncoder Quantize(ReadOnlySpan<float> idf, ReadOnlySpan<float> dense)
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

        return new PromptEncoder(idf.ToArray(), rows, scale);
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
        counter.Read(text, _idf, _rows);
        Span<float> sum = stackalloc float[Dense];
        Span<float> part = stackalloc float[Dense];
        sum.Clear();
        AddFamily(counter, counter.Words, part, sum);
        AddFamily(counter, counter.Characters, part, sum);
        TensorPrimitives.Multiply(sum, _scale, sum);
        var features = into.FeatureBuffer.AsSpan();
        var norm = TensorPrimitives.Norm<float>(sum);
        TensorPrimitives.Multiply(sum, norm > 0 ? 1 / norm : 0, features[..Dense]);
        counter.Surface.CopyTo(features[Dense..]);
        features[^1] = 1;
        into.Tokens = counter.TokenEstimate;
    }

    private void AddFamily(NgramCounter counter, ReadOnlySpan<ushort> buckets, Span<float> part, Span<float> sum)
    {
        var squares = 0f;
        var (a0, a1, a2) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        var (a3, a4, a5) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        var (a6, a7) = (Vector256<float>.Zero, Vector256<float>.Zero);
        ref var rows = ref MemoryMarshal.GetArrayDataReference(_rows);
        foreach (var bucket in buckets)
        {
            var weight = TfIdf.TermWeight(counter.Count(bucket)) * _idf[bucket];
            if (weight == 0)
            {
                continue;
            }

            squares += weight * weight;
            var w = Vector256.Create(weight);
            ref var row = ref Unsafe.Add(ref rows, bucket * Dense);
            a0 += Eight(ref row, 0) * w;
            a1 += Eight(ref row, 8) * w;
            a2 += Eight(ref row, 16) * w;
            a3 += Eight(ref row, 24) * w;
            a4 += Eight(ref row, 32) * w;
            a5 += Eight(ref row, 40) * w;
            a6 += Eight(ref row, 48) * w;
            a7 += Eight(ref row, 56) * w;
        }

        if (squares == 0)
        {
            return;
        }

        a0.CopyTo(part);
        a1.CopyTo(part[8..]);
        a2.CopyTo(part[16..]);
        a3.CopyTo(part[24..]);
        a4.CopyTo(part[32..]);
        a5.CopyTo(part[40..]);
        a6.CopyTo(part[48..]);
        a7.CopyTo(part[56..]);
        TensorPrimitives.MultiplyAdd(part, 1 / MathF.Sqrt(squares), sum, sum);
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
