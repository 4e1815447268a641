using System.Runtime.InteropServices;

namespace MetaRouter.Core.MetaLearning;

/// <summary>The parts that a snapshot's body is made of: lists with their count before them, checked against the bytes left, and numbers against their range.</summary>
internal static class SnapshotFields
{
    // Weights are a few units. Products of a few numbers of this size are still finite, so no snapshot predicts infinity or NaN.
    private const float MostWeight = 1e9f;

    public static void WriteFloats(BinaryWriter w, ReadOnlySpan<float> values)
    {
        w.Write(values.Length);
        foreach (var v in values)
        {
            w.Write(v);
        }
    }

    public static float[] ReadFloats(BinaryReader r, string what)
    {
        var values = new float[ReadCount(r, what, 4)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Finite(r.ReadSingle(), what);
        }

        return values;
    }

    public static void WriteHalves(BinaryWriter w, ReadOnlySpan<float> values)
    {
        w.Write(values.Length);
        foreach (var v in values)
        {
            w.Write((Half)v);
        }
    }

    public static float[] ReadHalves(BinaryReader r, string what, float low, float high)
    {
        var values = new float[ReadCount(r, what, 2)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = InRange((float)r.ReadHalf(), low, high, what);
        }

        return values;
    }

    public static sbyte[] ReadBytes(BinaryReader r, string what)
    {
        var values = new sbyte[ReadCount(r, what, 1)];
        r.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    public static int ReadCount(BinaryReader r, string what, int bytesEach)
    {
        var count = r.ReadInt32();
        var left = r.BaseStream.Length - r.BaseStream.Position;
        return count >= 0 && (long)count * bytesEach <= left
            ? count
            : throw new SnapshotFormatException($"The snapshot claims {count} {what} with {left} bytes left. Train it again with this program.");
    }

    public static float Finite(float value, string what) => InRange(value, -MostWeight, MostWeight, what);

    public static float NotNegative(float value, string what) => InRange(value, 0, MostWeight, what);

    public static float InRange(float value, float low, float high, string what) => value >= low && value <= high
        ? value
        : throw new SnapshotFormatException($"The snapshot has a {what} of {value}; it must be from {low} to {high}. Train it again with this program.");
}
