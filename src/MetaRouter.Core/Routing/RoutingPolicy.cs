using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Routing;

/// <summary>The rules a host decides by, shared by all its users.</summary>
/// <param name="Sealer">Seals decisions into receipts and opens them again.</param>
/// <param name="Guardrails">Which models may answer at all.</param>
/// <param name="Exploration">How often a model other than the best is tried.</param>
public sealed record RoutingPolicy(ReceiptSealer Sealer, Guardrails Guardrails, ExplorationPolicy Exploration)
{
    /// <summary>
    /// The decision's receipt where another model than the chosen one answered: feedback then speaks of the model that did. The propensity stays the choice's; estimates take
    /// both from the decision log, where what the chosen model did not answer is left out.
    /// </summary>
    /// <param name="served">Which of the decision's candidates answered.</param>
    /// <param name="alone">Of a comparison only this answer came.</param>
    public string ReceiptFor(RouteDecision decision, ModelId served, bool alone = false)
    {
        ArgumentNullException.ThrowIfNull(decision);
        if (served == decision.Model && !alone)
        {
            return decision.Token;
        }

        var candidate = decision.Candidates.First(c => c.Model == served);
        return Sealer.Seal(decision.Receipt with
        {
            ChosenModel = Receipt.HashOf(served),
            First = candidate.Predicted,
            IsComparison = false,
            OfferedModel = 0,
            Offered = default,
            PairPropensity = 0,
        });
    }
}
