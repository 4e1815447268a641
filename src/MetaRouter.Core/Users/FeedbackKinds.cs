namespace MetaRouter.Core.Users;

/// <summary>What follows from a kind of feedback, whatever its value.</summary>
public static class FeedbackKinds
{
    /// <summary>Whether it says nothing of the trade-off.</summary>
    public static bool IsOfQualityAlone(this FeedbackKind kind) => kind is FeedbackKind.Rating or FeedbackKind.TaskSuccess;
}
