namespace MetaRouter.Core.Routing;

/// <summary>What a model is predicted to deliver on a request, or what it did deliver.</summary>
/// <param name="Quality">0 to 1: the probability of a good answer when predicted, the graded score when realised.</param>
/// <param name="CostUsd">US dollars for this one request, 0 or more.</param>
/// <param name="LatencySeconds">Seconds to the full answer, 0 or more; 0 also when nothing is known of latency.</param>
public readonly record struct Outcome(float Quality, float CostUsd, float LatencySeconds)
{
    /// <summary>How much longer this one takes, seconds, below 0: how much shorter; 0 where either is not known.</summary>
    public float SecondsBeyond(in Outcome other) => LatencySeconds > 0 && other.LatencySeconds > 0 ? LatencySeconds - other.LatencySeconds : 0;

    /// <summary>The middle quality, cost and latency of the models that may answer: what feedback on a single answer is measured against.</summary>
    /// <param name="outcomes">At least one.</param>
    public static Outcome Middle(ReadOnlySpan<Outcome> outcomes)
    {
        Span<float> column = stackalloc float[outcomes.Length];
        return new Outcome(Median(outcomes, column, static o => o.Quality), Median(outcomes, column, static o => o.CostUsd), Median(outcomes, column, static o => o.LatencySeconds));

        static float Median(ReadOnlySpan<Outcome> outcomes, Span<float> column, Func<Outcome, float> of)
        {
            for (var i = 0; i < outcomes.Length; i++)
            {
                column[i] = of(outcomes[i]);
            }

            column.Sort();
            return (column[(column.Length - 1) / 2] + column[column.Length / 2]) / 2;
        }
    }

    /// <summary>True when every number is finite and within its range.</summary>
    public bool IsValid => Quality is >= 0 and <= 1 && float.IsFinite(CostUsd) && CostUsd >= 0 && float.IsFinite(LatencySeconds) && LatencySeconds >= 0;
}
