namespace MetaRouter.Core.Routing;

/// <summary>The rules a host decides by, shared by all its users.</summary>
/// <param name="Sealer">Seals decisions into receipts and opens them again.</param>
/// <param name="Guardrails">Which models may answer at all.</param>
/// <param name="Exploration">How often a model other than the best is tried.</param>
public sealed record RoutingPolicy(ReceiptSealer Sealer, Guardrails Guardrails, ExplorationPolicy Exploration)
{
    /// <summary>The decision's receipt where another model than the chosen one answered: feedback then speaks of the model that did.</summary>
    /// <param name="candidate">Which of the decision's candidates answered.</param>
    /// <param name="alone">Of a comparison only this answer came.</param>
    public string ReceiptFor(RouteDecision decision, int candidate, bool alone = false)
    {
        ArgumentNullException.ThrowIfNull(decision);
        if (candidate == decision.ChosenIndex && !alone)
        {
            return decision.Token;
        }

        var served = decision.Candidates[candidate];
        return Sealer.Seal(decision.Receipt with
        {
            ChosenModel = Receipt.HashOf(served.Model),
            First = served.Predicted,
            IsComparison = false,
            OfferedModel = 0,
            Offered = default,
            PairPropensity = 0,
        });
    }
}
