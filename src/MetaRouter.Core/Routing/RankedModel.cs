using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Routing;

/// <summary>One candidate as a decision saw it.</summary>
/// <param name="Model">Which model.</param>
/// <param name="Predicted">Quality, cost and latency expected of it.</param>
/// <param name="Utility">What that is worth at the trade-off the decision was taken for; NaN when excluded.</param>
/// <param name="Propensity">The probability with which it would have been chosen; 0 when excluded.</param>
/// <param name="Exclusion">The guardrail that removed it, or none.</param>
public readonly record struct RankedModel(ModelId Model, Outcome Predicted, float Utility, float Propensity, ModelExclusion Exclusion)
{
    // Flat: beside a reference the runtime aligns a nested struct as if it held one too, and every candidate would take 40 bytes instead of 32.
    private readonly float _quality = Predicted.Quality, _costUsd = Predicted.CostUsd, _latencySeconds = Predicted.LatencySeconds;

    public Outcome Predicted
    {
        get => new(_quality, _costUsd, _latencySeconds);
        init => (_quality, _costUsd, _latencySeconds) = value;
    }
}
