namespace MetaRouter.Core.Users;

/// <summary>The ways a user tells, or lets slip, what a decision was worth. Values are persisted: never renumber.</summary>
public enum FeedbackKind : byte
{
    /// <summary>Two answers were seen; value 1: the chosen one was preferred, 0: the offered one.</summary>
    Comparison = 0,

    /// <summary>Value 1: up, 0: down.</summary>
    Thumb = 1,

    /// <summary>Value 1 to 5. Speaks of quality only.</summary>
    Rating = 2,

    /// <summary>The answer was asked for again; value 0.</summary>
    Regenerate = 3,

    /// <summary>The user went to another model; value 1: to a cheaper one, 0: to a dearer one.</summary>
    SwitchModel = 4,

    /// <summary>The answer was taken as it was; value 1.</summary>
    Accept = 5,

    /// <summary>The answer was edited before use; value 0.</summary>
    Edit = 6,

    /// <summary>The conversation was left; value 0.</summary>
    Abandon = 7,

    /// <summary>The task behind the request; value 1: succeeded, 0: failed. Speaks of quality only.</summary>
    TaskSuccess = 8,
}
