using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MetaRouter.Core.Numerics;

/// <summary>A matrix of rows of 64 signed bytes, each exactly one cache line: a row that lay across two would cost twice the wait. Immutable.</summary>
internal sealed class ByteRows
{
    public const int Width = 64;

    private readonly sbyte[] _bytes; // pinned: where a line begins must stay where it begins
    private readonly int _start, _rows;

    /// <param name="rows">Row-major; a multiple of 64.</param>
    public unsafe ByteRows(ReadOnlySpan<sbyte> rows)
    {
        _bytes = GC.AllocateUninitializedArray<sbyte>(rows.Length + Width, pinned: true);
        _start = (int)(-(nint)Unsafe.AsPointer(ref _bytes[0]) & (Width - 1));
        _rows = rows.Length / Width;
        rows.CopyTo(_bytes.AsSpan(_start));
    }

    /// <summary>All rows.</summary>
    public ReadOnlySpan<sbyte> All => _bytes.AsSpan(_start, _rows * Width);

    /// <summary>The sum of some rows times their weights. Nothing is called in the loop: a call would send the sums, which live in registers, to memory and back at each row.</summary>
    /// <param name="weight">At least as many as rows.</param>
    /// <param name="sum">64 long.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void WeightedSum(ReadOnlySpan<ushort> row, ReadOnlySpan<float> weight, Span<float> sum)
    {
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        ref var first = ref _bytes[_start];
        for (var i = 0; i < row.Length; i++)
        {
            Memory.Prefetch(ref Unsafe.As<sbyte, Line>(ref first), row, i + 12);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row[i], _rows);
            ref var at = ref Unsafe.Add(ref first, row[i] * Width);
            var w = Vector256.Create(weight[i]);
            s0 += Eight(ref at, 0) * w;
            s1 += Eight(ref at, 8) * w;
            s2 += Eight(ref at, 16) * w;
            s3 += Eight(ref at, 24) * w;
            s4 += Eight(ref at, 32) * w;
            s5 += Eight(ref at, 40) * w;
            s6 += Eight(ref at, 48) * w;
            s7 += Eight(ref at, 56) * w;
        }

        s0.CopyTo(sum);
        s1.CopyTo(sum[8..]);
        s2.CopyTo(sum[16..]);
        s3.CopyTo(sum[24..]);
        s4.CopyTo(sum[32..]);
        s5.CopyTo(sum[40..]);
        s6.CopyTo(sum[48..]);
        s7.CopyTo(sum[56..]);
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

    [InlineArray(Width)]
    private struct Line
    {
        private sbyte _first;
    }
}
