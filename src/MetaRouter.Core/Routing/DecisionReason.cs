namespace MetaRouter.Core.Routing;

/// <summary>Why a model was chosen.</summary>
public enum DecisionReason
{
    /// <summary>It is worth most to this user, as far as is known.</summary>
    BestForUser,

    /// <summary>It is worth most at the trade-off the request set by hand.</summary>
    BestForDial,

    /// <summary>It was tried to learn, at a stated small cost.</summary>
    Explored,

    /// <summary>Two answers are asked for; it is the better one, as far as is known.</summary>
    Comparison,

    /// <summary>The guardrails left no other.</summary>
    OnlyAllowed,
}
