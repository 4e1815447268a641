using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Users;

/// <summary>What became of feedback.</summary>
/// <param name="Receipt">Whether the receipt could be trusted.</param>
/// <param name="Outcome">What the user's state made of it; null when it was refused.</param>
/// <param name="User">The user as believed afterwards; null when it was refused.</param>
public sealed record FeedbackResult(ReceiptVerdict Receipt, AddOutcome? Outcome, UserModel? User)
{
    /// <summary>The user was erased after the decision: nothing about it may be learned any more.</summary>
    public bool IsErased { get; init; }

    /// <summary>The decision it is about, where the receipt was opened here.</summary>
    public SignalKey? About { get; init; }

    /// <summary>True when it changed what is known; false for a repeat, for what came too late, and for what was refused.</summary>
    public bool Counted => Outcome is AddOutcome.Counted or AddOutcome.Replaced or AddOutcome.Withdrawn;
}
