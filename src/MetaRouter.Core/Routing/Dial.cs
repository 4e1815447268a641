namespace MetaRouter.Core.Routing;

/// <summary>What a caller sets in the place of a model's name to have a request routed, and the trade-offs that stand behind it.</summary>
public static class Dial
{
    /// <summary>By what is believed of the user.</summary>
    public const string Auto = "auto";

    /// <summary>By hand.</summary>
    public const string Quality = "auto:quality", Balanced = "auto:balanced", Cheap = "auto:cheap";

    /// <summary>lambda_cost of each unless an operator sets it otherwise: cost does not matter; it counts; it counts most.</summary>
    public const double QualityLambda = 0, BalancedLambda = 0.3, CheapLambda = 3;
}
