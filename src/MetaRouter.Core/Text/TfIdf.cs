using System.Runtime.CompilerServices;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Text;

/// <summary>
/// Weighs n-gram counts: (1 + ln tf) * idf, each family (words, characters) scaled to length 1.
/// idf = ln((1 + n) / (1 + df)) + 1; a bucket seen in fewer than <c>minDocuments</c> texts weighs nothing.
/// </summary>
public sealed class TfIdf
{
    private readonly float[] _idf;

    internal TfIdf(float[] idf) => _idf = idf;

    /// <summary>One weight for each of <see cref="NgramCounter.Buckets"/>; 0 means the bucket is ignored.</summary>
    public ReadOnlySpan<float> Idf => _idf;

    public static TfIdf Learn(IReadOnlyList<string> texts, int minDocuments, NgramFamilies families = NgramFamilies.All)
    {
        var df = new int[NgramCounter.Buckets];
        var counter = new NgramCounter();
        foreach (var text in texts)
        {
            counter.Read(text);
            foreach (var bucket in counter.Words)
            {
                df[bucket]++;
            }

            foreach (var bucket in counter.Characters)
            {
                df[bucket]++;
            }
        }

        var idf = new float[df.Length];
        for (var i = 0; i < idf.Length; i++)
        {
            idf[i] = df[i] < minDocuments ? 0 : (float)(Half)(MathF.Log((1f + texts.Count) / (1f + df[i])) + 1); // as a snapshot stores it
        }

        Keep(families, idf);
        return new TfIdf(idf);
    }

    /// <summary>Sets the weights of the families not named to zero.</summary>
    internal static void Keep(NgramFamilies families, float[] idf)
    {
        if (!families.HasFlag(NgramFamilies.Words))
        {
            idf.AsSpan(0, NgramCounter.WordBuckets).Clear();
        }

        if (!families.HasFlag(NgramFamilies.Characters))
        {
            idf.AsSpan(NgramCounter.WordBuckets).Clear();
        }
    }

    public SparseRows Transform(IReadOnlyList<string> texts)
    {
        var counter = new NgramCounter();
        var start = new int[texts.Count + 1];
        var (index, value) = (new List<int>(), new List<float>());
        for (var i = 0; i < texts.Count; i++)
        {
            counter.Read(texts[i]);
            Append(counter, counter.Words);
            Append(counter, counter.Characters);
            start[i + 1] = index.Count;
        }

        return new SparseRows(start, [.. index], [.. value], NgramCounter.Buckets);

        void Append(NgramCounter counter, ReadOnlySpan<ushort> family)
        {
            var scale = Scale(counter, family);
            foreach (var bucket in family)
            {
                if (_idf[bucket] > 0)
                {
                    index.Add(bucket);
                    value.Add(TermWeight(counter.Count(bucket)) * _idf[bucket] * scale);
                }
            }
        }
    }

    /// <summary>1 / the length of one family's weighted counts; 0 for none.</summary>
    private float Scale(NgramCounter counter, ReadOnlySpan<ushort> family)
    {
        var sum = 0f;
        foreach (var bucket in family)
        {
            var w = TermWeight(counter.Count(bucket)) * _idf[bucket];
            sum += w * w;
        }

        return sum > 0 ? 1 / MathF.Sqrt(sum) : 0;
    }

    /// <summary>1 + ln tf of every count a text can have.</summary>
    private static readonly float[] LogTable = [.. Enumerable.Range(0, NgramCounter.MaxCount + 1).Select(i => i == 0 ? 0 : 1 + MathF.Log(i))];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float TermWeight(int count) => LogTable[count];
}
