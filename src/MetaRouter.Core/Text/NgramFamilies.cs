namespace MetaRouter.Core.Text;

/// <summary>Which n-grams an encoder reads; one left out costs nothing at run time but its counting.</summary>
[Flags]
public enum NgramFamilies
{
    None = 0,

    /// <summary>Words and pairs of neighbouring words.</summary>
    Words = 1,

    /// <summary>Two to four characters within a token.</summary>
    Characters = 2,

    All = Words | Characters,
}
