using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Users;

/// <summary>What became of feedback.</summary>
/// <param name="Receipt">Whether the receipt could be trusted.</param>
/// <param name="Outcome">What the user's state made of it; null when the receipt was refused.</param>
public sealed record FeedbackResult(ReceiptVerdict Receipt, AddOutcome? Outcome)
{
    /// <summary>True when it changed what is known; false for a repeat, for what came too late, and for a refused receipt.</summary>
    public bool Counted => Outcome is AddOutcome.Counted or AddOutcome.Replaced or AddOutcome.Withdrawn;
}
