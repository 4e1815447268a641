namespace MetaRouter.Core.Routing;

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
