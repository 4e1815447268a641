namespace MetaRouter.Core.Numerics;

/// <summary>A short name for a text, the same on every machine: FNV-1a, 32 bits, a UTF-16 unit at a time.</summary>
/// <remarks>Source: Fowler, Noll and Vo, draft-eastlake-fnv. What is persisted depends on it: never change.</remarks>
internal static class Fnv1a
{
    public static uint Of(ReadOnlySpan<char> text)
    {
        var hash = 2166136261u;
        foreach (var character in text)
        {
            hash = unchecked((hash ^ character) * 16777619u);
        }

        return hash;
    }
}
