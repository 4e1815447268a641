using MetaRouter.Core.Catalog;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Routing;

/// <summary>One candidate as a decision saw it.</summary>
/// <param name="Model">Which model.</param>
/// <param name="Predicted">Quality, cost and latency expected of it.</param>
/// <param name="Utility">What that is worth at the trade-off the decision was taken for, its quality as <see cref="RoutingPool.Temper"/> counts it; NaN when excluded.</param>
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

    /// <summary>The prediction with the quality that the decision counted, recovered from the utility; as predicted for an excluded model, and for one whose unknown latency was charged for.</summary>
    /// <param name="preference">The trade-off that the decision was taken for.</param>
    /// <param name="costScaleUsd">tau in US dollars, above 0; 0 or NaN in a decision recorded by an older program: as predicted.</param>
    public Outcome Counted(in Preference preference, double costScaleUsd)
    {
        if (float.IsNaN(Utility) || !(costScaleUsd > 0) || (preference.LambdaLatency > 0 && _latencySeconds == 0))
        {
            return Predicted;
        }

        // What Utility.Of took off, added again.
        var quality = (Utility - Routing.Utility.Of(Predicted with { Quality = 0 }, preference, costScaleUsd)) * (1 + preference.LambdaCost);
        return Predicted with { Quality = (float)Math.Clamp(quality, 0, 1) };
    }
}
