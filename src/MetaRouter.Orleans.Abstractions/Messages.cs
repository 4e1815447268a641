using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Orleans;

/// <summary>What became of feedback.</summary>
/// <param name="Status">Whether the receipt could be trusted.</param>
/// <param name="Message">Why not, for whoever sent it; empty when it could.</param>
/// <param name="Outcome">What the user's state made of it; null when it was refused.</param>
/// <param name="IsErased">The user was erased after the decision: nothing about it may be learned any more.</param>
/// <param name="State">The user's state record afterwards; null when it was refused.</param>
[GenerateSerializer, Immutable, Alias("metarouter.feedback-answer")]
public sealed record FeedbackAnswer(
    [property: Id(0)] ReceiptStatus Status,
    [property: Id(1)] string Message,
    [property: Id(2)] AddOutcome? Outcome,
    [property: Id(3)] bool IsErased,
    [property: Id(4)] byte[]? State)
{
    /// <summary>True when it changed what is known; false for a repeat, for what came too late, and for what was refused.</summary>
    public bool Counted => Outcome is AddOutcome.Counted or AddOutcome.Replaced or AddOutcome.Withdrawn;
}

/// <summary>What is believed of one user.</summary>
/// <param name="Lambda">The median weight of cost against quality.</param>
/// <param name="LambdaLow">5 % of the belief lies below.</param>
/// <param name="LambdaHigh">5 % of the belief lies above.</param>
/// <param name="Signals">How many signals it rests on.</param>
/// <param name="InWords">For a person.</param>
/// <param name="SnapshotVersion">The snapshot it was drawn under.</param>
[GenerateSerializer, Immutable, Alias("metarouter.preference")]
public sealed record UserPreference(
    [property: Id(0)] double Lambda,
    [property: Id(1)] double LambdaLow,
    [property: Id(2)] double LambdaHigh,
    [property: Id(3)] int Signals,
    [property: Id(4)] string InWords,
    [property: Id(5)] ulong SnapshotVersion);

/// <summary>A prior that went into service.</summary>
/// <param name="Version">Grows by one with each.</param>
/// <param name="AtMs">Unix milliseconds.</param>
/// <param name="Users">How many users taught it; 0: it is the snapshot's own, which came back because what those left can teach is too little or worse.</param>
/// <param name="Evidence">Mean over held-out users of ln P(their signals | prior), when it was promoted; NaN for a roll-back and for the snapshot's own.</param>
/// <param name="ServingEvidence">The same of the prior it replaced.</param>
/// <param name="Prior">As JSON.</param>
/// <param name="IsHeld">Somebody rolled back to it: no refresh by the timer replaces it; a refresh that is asked for lifts this.</param>
[GenerateSerializer, Immutable, Alias("metarouter.published-prior")]
public sealed record PublishedPrior(
    [property: Id(0)] long Version,
    [property: Id(1)] long AtMs,
    [property: Id(2)] long Users,
    [property: Id(3)] double Evidence,
    [property: Id(4)] double ServingEvidence,
    [property: Id(5)] byte[] Prior,
    [property: Id(6)] bool IsHeld = false);

/// <summary>What a round of the meta-learner did.</summary>
/// <param name="Promoted">A new prior went into service.</param>
/// <param name="Users">How many users' evidence it used; the last round's when nothing was new.</param>
/// <param name="Steps">How many EM steps it took; 0 when nothing was new.</param>
/// <param name="Elapsed">From the first question to the partitions to the end.</param>
/// <param name="OwnWork">The learner's own part of it: everything but waiting for the partitions and the store.</param>
[GenerateSerializer, Immutable, Alias("metarouter.refresh-report")]
public sealed record RefreshReport(
    [property: Id(0)] bool Promoted,
    [property: Id(1)] long Users,
    [property: Id(2)] int Steps,
    [property: Id(3)] TimeSpan Elapsed,
    [property: Id(4)] TimeSpan OwnWork);
