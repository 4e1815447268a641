using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Traffic;

/// <summary>Where traffic sits between quality and cost, where each model alone would, and where it would at other trade-offs. O(positions x models) a request; not thread-safe.</summary>
public sealed class TrafficFront
{
    private double _logLambda;

    public TrafficTally Traffic { get; } = new();

    public DialReplay Dial { get; } = new(DialReplay.Positions);

    /// <summary>The geometric mean of the trade-offs decided at; NaN before a request was added.</summary>
    public double LambdaCost => Math.Exp(_logLambda / Traffic.Decided);

    /// <summary>One request that one of the candidates answered. The dial asks one model a request, so of a comparison's two answers the served one's part of the cost counts.</summary>
    /// <param name="models">The candidates, by the caller's numbering.</param>
    /// <param name="candidates">As the decision saw them.</param>
    /// <param name="served">Index of who answered.</param>
    /// <param name="second">Index of who answered too, for a comparison; -1: nobody.</param>
    /// <param name="spentUsd">US dollars as counted, of both; NaN: what was predicted counts.</param>
    public void Add(ReadOnlySpan<int> models, ReadOnlySpan<RankedModel> candidates, in Preference preference, double costScaleUsd, int served, int second, double spentUsd)
    {
        Span<Outcome> outcomes = stackalloc Outcome[candidates.Length];
        Span<Outcome> counted = stackalloc Outcome[candidates.Length];
        Span<bool> allowed = stackalloc bool[candidates.Length];
        for (var i = 0; i < candidates.Length; i++)
        {
            (outcomes[i], counted[i], allowed[i]) = (candidates[i].Predicted, candidates[i].Counted(preference, costScaleUsd), candidates[i].Exclusion == ModelExclusion.None);
        }

        var predicted = outcomes[served].CostUsd + (second >= 0 ? outcomes[second].CostUsd : 0);
        var factor = CostCorrection.Factor(spentUsd, predicted);
        Dial.Add(models, outcomes, counted, allowed, costScaleUsd, factor);
        Traffic.Add(new TrafficCall
        {
            Models = models,
            Outcomes = outcomes,
            LambdaCost = preference.LambdaCost,
            CostScaleUsd = costScaleUsd,
            Served = models[served],
            Offered = -1,
            Strongest = -1,
            SpentUsd = outcomes[served].CostUsd * factor,
            LatencyMs = double.NaN,
        });
        _logLambda += Math.Log(Math.Max(preference.LambdaCost, PreferenceGrid.LowestLambda));
    }
}
