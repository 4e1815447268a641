namespace MetaRouter.Core.Routing;

/// <summary>The steps from a belief to a decision, in their order.</summary>
public enum DecisionStep : byte
{
    /// <summary>The request's text becomes features.</summary>
    Encode,

    /// <summary>Features become each model's quality, cost and latency.</summary>
    Predict,

    /// <summary>Guardrails, utilities, the choice and its receipt.</summary>
    Decide,
}
