namespace MetaRouter.Core.Routing;

/// <summary>What a model is predicted to deliver on a request, or what it did deliver.</summary>
/// <param name="Quality">0 to 1: the probability of a good answer when predicted, the graded score when realised.</param>
/// <param name="CostUsd">US dollars for this one request, 0 or more.</param>
/// <param name="LatencySeconds">Seconds to the full answer, 0 or more; 0 also when nothing is known of latency.</param>
public readonly record struct Outcome(float Quality, float CostUsd, float LatencySeconds)
{
    /// <summary>True when every number is finite and within its range.</summary>
    public bool IsValid => Quality is >= 0 and <= 1 && float.IsFinite(CostUsd) && CostUsd >= 0 && float.IsFinite(LatencySeconds) && LatencySeconds >= 0;
}
