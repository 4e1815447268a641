namespace MetaRouter.Orleans.Learning;

/// <summary>
/// The time of the state that a report describes, so that of two reports by different silos the older one is known. Erasures are ordered by the user's record itself;
/// between two erasures silos' clocks order the reports.
/// </summary>
/// <param name="ErasedAtMs">The user's last erasure known to the report, Unix milliseconds; 0: none.</param>
/// <param name="AtMs">A time just before the record was read or written, Unix milliseconds; 0: not known.</param>
[GenerateSerializer, Immutable, Alias("metarouter.word-time")]
internal readonly record struct ReportTime([property: Id(0)] long ErasedAtMs, [property: Id(1)] long AtMs)
{
    public bool IsBefore(in ReportTime other) => ErasedAtMs < other.ErasedAtMs || (ErasedAtMs == other.ErasedAtMs && AtMs < other.AtMs);
}
