namespace MetaRouter.Core.Text;

/// <summary>What kind of character each of ASCII is, by a table: a text is looked at character by character.</summary>
internal static class Ascii
{
    public const byte Symbol = 0, Lower = 1, Upper = 2, Digit = 3;

    /// <summary>White space or control.</summary>
    public const byte Blank = 4;

    /// <summary>By character, 128 of them.</summary>
    public static ReadOnlySpan<byte> Kind =>
    [
        4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
        4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0,
        0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0,
        0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 4,
    ];
}
