using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MetaRouter.Core.Numerics;

/// <summary>Hints to the processor's caches.</summary>
internal static class Memory
{
    /// <summary>
    /// Asks for an element that an index will name soon, since where the next one lies the processor cannot guess. Only a hint: nothing is read, so neither an address
    /// that a collection has just moved nor one outside the table does harm.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Prefetch<T>(ref T table, ReadOnlySpan<ushort> index, int at)
    {
        if (Sse.IsSupported && at < index.Length)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref table, index[at])));
        }
    }
}
