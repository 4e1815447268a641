namespace MetaRouter.Orleans.Learning;

/// <summary>
/// When a user was as a word says, so that of two words that took different ways the older one is known. Erasures are ordered by the user's record itself;
/// between two of them silos' clocks order the words.
/// </summary>
/// <param name="ErasedAtMs">The user's last erasure that the word knows of, Unix milliseconds; 0: none.</param>
/// <param name="AtMs">Before the record was read or written, Unix milliseconds; 0: not known.</param>
[GenerateSerializer, Immutable, Alias("metarouter.word-time")]
internal readonly record struct WordTime([property: Id(0)] long ErasedAtMs, [property: Id(1)] long AtMs)
{
    public bool IsBefore(in WordTime other) => ErasedAtMs < other.ErasedAtMs || (ErasedAtMs == other.ErasedAtMs && AtMs < other.AtMs);
}
