using MetaRouter.Core.Preferences;

namespace MetaRouter.Hosting.Learning;

/// <summary>One prior that was fitted or put into service, and what spoke for it.</summary>
/// <param name="Version">Of the snapshot with this prior.</param>
/// <param name="At">When; null: it shipped, or was in service before a history was kept.</param>
/// <param name="Result">One of <see cref="PriorResults"/>.</param>
/// <param name="Users">Who taught it; null: nobody here.</param>
/// <param name="ChampionEvidence">ln P of a held-out user's signals under the prior in service then, mean over a sample of them; null: nothing was compared.</param>
/// <param name="ChallengerEvidence">The same under this one.</param>
/// <param name="Prior">The prior itself.</param>
public sealed record PriorRecord(ulong Version, DateTimeOffset? At, string Result, int? Users, double? ChampionEvidence, double? ChallengerEvidence, PopulationPrior Prior);

/// <summary>What became of a prior. Persisted: never rename.</summary>
public static class PriorResults
{
    /// <summary>It predicted the held-out users no worse, or the other had been taught by somebody who was erased since, and went into service.</summary>
    public const string Promoted = "promoted";

    /// <summary>It predicted them worse, and the one in service stayed.</summary>
    public const string Kept = "kept";

    /// <summary>Somebody put it back into service.</summary>
    public const string RolledBack = "rolled_back";

    /// <summary>It is the snapshot's own, and came back since somebody was erased who may have taught the one in service, and too few were left to learn from, or what they teach is worse.</summary>
    public const string Withdrawn = "withdrawn";

    /// <summary>It came with the snapshot.</summary>
    public const string Shipped = "shipped";
}

/// <summary>The prior in service.</summary>
/// <param name="Version">Of the snapshot with it.</param>
/// <param name="Since">When this process took it into service; null: with its start.</param>
/// <param name="Users">Who taught it; null: nobody, or not known here.</param>
/// <param name="IsHeld">It was put back by somebody, so no refresh by the timer replaces it.</param>
public sealed record ServingPrior(ulong Version, DateTimeOffset? Since, int? Users, bool IsHeld);
