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

/// <summary>Reasons as answers spell them. Part of the contract: never rename.</summary>
public static class DecisionReasonNames
{
    public static string Of(DecisionReason reason) => reason switch
    {
        DecisionReason.BestForUser => "best_for_user",
        DecisionReason.BestForDial => "best_for_dial",
        DecisionReason.Explored => "explored",
        DecisionReason.Comparison => "comparison",
        _ => "only_allowed",
    };

    /// <summary>The chosen model failed, and another answers.</summary>
    public const string FailOver = "fail_over";

    /// <summary>A model was named; nothing was decided.</summary>
    public const string Requested = "requested";
}
