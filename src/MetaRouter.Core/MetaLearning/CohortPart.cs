namespace MetaRouter.Core.MetaLearning;

/// <summary>Which users of a <see cref="Cohort"/>.</summary>
public enum CohortPart : byte
{
    /// <summary>Four fifths, by the user's hash: what a candidate is fitted to.</summary>
    Taught,

    /// <summary>The other fifth: what champion and challenger are compared on.</summary>
    HeldOut,
}
