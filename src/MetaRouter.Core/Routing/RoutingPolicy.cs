namespace MetaRouter.Core.Routing;

/// <summary>The rules a host decides by, shared by all its users.</summary>
/// <param name="Sealer">Seals decisions into receipts and opens them again.</param>
/// <param name="Guardrails">Which models may answer at all.</param>
/// <param name="Exploration">How often a model other than the best is tried.</param>
public sealed record RoutingPolicy(ReceiptSealer Sealer, Guardrails Guardrails, ExplorationPolicy Exploration);
