namespace MetaRouter.Orleans.Snapshots;

/// <summary>The published priors as the store has them.</summary>
/// <param name="Priors">Latest first.</param>
/// <param name="Etag">Of the record; null: there is none.</param>
/// <param name="Unreadable">What is there instead, torn or of a later version; null: nothing is.</param>
internal sealed record StoredPriors(IReadOnlyList<PublishedPrior> Priors, string? Etag, byte[]? Unreadable = null);
