using System.Buffers.Binary;
using System.Text;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;

namespace MetaRouter.Orleans;

/// <summary>
/// The lists of a decision as bytes, little-endian. Models: their names with a line feed after each. Numbers: quality, cost, latency, utility, propensity (single precision) and the
/// exclusion (a byte) of each model, the middle's quality, cost and latency, then the projected features.
/// </summary>
internal static class PackedDecision
{
    private const int Candidate = (5 * sizeof(float)) + 1;
    private const byte End = (byte)'\n'; // no model's name has one

    /// <summary>Decisions in a row are nearly always over one catalog: its names are packed and unpacked once.</summary>
    private static volatile Names? s_last;

    public static byte[] Models(IReadOnlyList<RankedModel> candidates)
    {
        var last = s_last;
        if (last is null || !last.Are(candidates))
        {
            s_last = last = new Names([.. candidates.Select(c => c.Model)]);
        }

        return last.Packed;
    }

    public static byte[] Numbers(IReadOnlyList<RankedModel> candidates, in Receipt receipt)
    {
        var features = receipt.Features;
        var bytes = new byte[(candidates.Count * Candidate) + ((3 + features.Count) * sizeof(float))];
        var at = 0;
        for (var k = 0; k < candidates.Count; k++)
        {
            var candidate = candidates[k];
            Write(bytes, ref at, candidate.Predicted);
            Write(bytes, ref at, candidate.Utility);
            Write(bytes, ref at, candidate.Propensity);
            bytes[at++] = (byte)candidate.Exclusion;
        }

        Write(bytes, ref at, receipt.Middle);
        for (var i = 0; i < features.Count; i++)
        {
            Write(bytes, ref at, features[i]);
        }

        return bytes;
    }

    /// <exception cref="ArgumentException">Fewer numbers than the models have.</exception>
    public static (RankedModel[] Candidates, Outcome Middle, ReceiptFeatures Features) Read(byte[] models, byte[] numbers)
    {
        var last = s_last;
        if (last is null || !last.Packed.AsSpan().SequenceEqual(models))
        {
            s_last = last = new Names(Unpack(models));
        }

        var ids = last.Models;
        var least = (ids.Length * Candidate) + (3 * sizeof(float));
        if (numbers.Length < least)
        {
            throw new ArgumentException($"A decision over {ids.Length} models has at least {least} bytes of numbers; found {numbers.Length}.", nameof(numbers));
        }

        var (candidates, at) = (new RankedModel[ids.Length], 0);
        for (var k = 0; k < candidates.Length; k++)
        {
            candidates[k] = new RankedModel(ids[k], ReadOutcome(numbers, ref at), ReadNumber(numbers, ref at), ReadNumber(numbers, ref at), (ModelExclusion)numbers[at++]);
        }

        var middle = ReadOutcome(numbers, ref at);
        Span<float> features = stackalloc float[Math.Min(ReceiptFeatures.MaxCount, (numbers.Length - at) / sizeof(float))];
        for (var i = 0; i < features.Length; i++)
        {
            features[i] = ReadNumber(numbers, ref at);
        }

        return (candidates, middle, new ReceiptFeatures(features));
    }

    private static ModelId[] Unpack(byte[] models) => [.. Encoding.UTF8.GetString(models).Split((char)End, StringSplitOptions.RemoveEmptyEntries).Select(m => new ModelId(m))];

    private static void Write(byte[] to, ref int at, Outcome outcome)
    {
        Write(to, ref at, outcome.Quality);
        Write(to, ref at, outcome.CostUsd);
        Write(to, ref at, outcome.LatencySeconds);
    }

    private static void Write(byte[] to, ref int at, float value)
    {
        BinaryPrimitives.WriteSingleLittleEndian(to.AsSpan(at), value);
        at += sizeof(float);
    }

    private static Outcome ReadOutcome(byte[] from, ref int at) => new(ReadNumber(from, ref at), ReadNumber(from, ref at), ReadNumber(from, ref at));

    private static float ReadNumber(byte[] from, ref int at)
    {
        at += sizeof(float);
        return BinaryPrimitives.ReadSingleLittleEndian(from.AsSpan(at - sizeof(float)));
    }

    private sealed class Names(ModelId[] models)
    {
        public ModelId[] Models { get; } = models;

        public byte[] Packed { get; } = Encoding.UTF8.GetBytes(string.Concat(models.Select(m => $"{m.Value}{(char)End}")));

        public bool Are(IReadOnlyList<RankedModel> candidates)
        {
            if (candidates.Count != Models.Length)
            {
                return false;
            }

            for (var k = 0; k < Models.Length; k++)
            {
                if (candidates[k].Model != Models[k])
                {
                    return false;
                }
            }

            return true;
        }
    }
}
