using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Routing;

/// <summary>One candidate as a decision saw it.</summary>
/// <param name="Model">Which model.</param>
/// <param name="Predicted">Quality, cost and latency expected of it.</param>
/// <param name="Utility">What that is worth at the trade-off the decision was taken for; NaN when excluded.</param>
/// <param name="Propensity">The probability with which it would have been chosen; 0 when excluded.</param>
/// <param name="Exclusion">The guardrail that removed it, or none.</param>
public readonly record struct RankedModel(ModelId Model, Outcome Predicted, float Utility, float Propensity, ModelExclusion Exclusion);
