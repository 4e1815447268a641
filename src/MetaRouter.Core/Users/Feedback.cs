namespace MetaRouter.Core.Users;

/// <summary>What a user says of a decision.</summary>
/// <param name="Receipt">The decision's token.</param>
/// <param name="Kind">How it was said.</param>
/// <param name="Value">As <see cref="FeedbackKind"/> defines it.</param>
public sealed record Feedback(string Receipt, FeedbackKind Kind, byte Value)
{
    /// <summary>When the user spoke; null: when it arrived.</summary>
    public DateTimeOffset? OccurredAt { get; init; }

    /// <summary>The user takes back what was said in this kind on this decision.</summary>
    public bool Withdrawn { get; init; }
}
