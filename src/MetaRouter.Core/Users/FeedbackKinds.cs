namespace MetaRouter.Core.Users;

/// <summary>What follows from a kind of feedback, whatever its value.</summary>
public static class FeedbackKinds
{
    /// <summary>Whether it says nothing of the trade-off.</summary>
    public static bool IsOfQualityAlone(this FeedbackKind kind) => kind is FeedbackKind.Rating or FeedbackKind.TaskSuccess;

    /// <summary>Whether it tells what was done with an answer, rather than what was said of it.</summary>
    public static bool IsImplicit(this FeedbackKind kind) => kind is FeedbackKind.Regenerate or FeedbackKind.Accept or FeedbackKind.Edit or FeedbackKind.Abandon;
}
