using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Traffic;

/// <summary>
/// Decides requests again at other trade-offs, with the predictions they had: what the same traffic would have cost, and how good its answers were expected to be.
/// </summary>
/// <remarks>Without exploration and without guessing: at the lambda a decision acted on it gives the model that decision held to be best. O(positions x models) a request.</remarks>
public sealed class DialReplay
{
    private readonly double[] _lambdas;
    private readonly double[] _quality, _cost;
    private readonly Dictionary<int, long>[] _counts;

    /// <param name="lambdas">The positions, each 0 or more.</param>
    public DialReplay(IReadOnlyList<double> lambdas)
    {
        ArgumentNullException.ThrowIfNull(lambdas);
        _lambdas = [.. lambdas];
        (_quality, _cost, _counts) = (new double[_lambdas.Length], new double[_lambdas.Length], [.. _lambdas.Select(_ => new Dictionary<int, long>())]);
    }

    /// <summary>A dial for people: quality alone, then 24 positions from 0.003 to 30, even in log.</summary>
    public static IReadOnlyList<double> Positions { get; } =
    [
        0,
        .. Enumerable.Range(0, 24).Select(i => PreferenceGrid.LowestLambda * Math.Pow(PreferenceGrid.HighestLambda / PreferenceGrid.LowestLambda, i / 23.0)),
    ];

    public long Requests { get; private set; }

    /// <summary>The allowed model worth most at a trade-off; among equals the first. -1: none is allowed.</summary>
    public static int Best(ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<bool> allowed, double lambdaCost, double costScaleUsd)
    {
        var (best, most) = (-1, double.NegativeInfinity);
        for (var k = 0; k < outcomes.Length; k++)
        {
            if (allowed[k] && Utility.Of(outcomes[k], new Preference(lambdaCost), costScaleUsd) is var worth && (worth > most || best < 0))
            {
                (best, most) = (k, worth);
            }
        }

        return best;
    }

    /// <param name="models">The candidates, by the caller's numbering.</param>
    /// <param name="outcomes">What was predicted of each: the means are of these, so that they stand beside other figures of the traffic.</param>
    /// <param name="counted">The same with the qualities that the decision counted (<see cref="RankedModel.Counted"/>), by which it is taken again.</param>
    /// <param name="allowed">Which the guardrails left.</param>
    /// <param name="costFactor">From <see cref="CostCorrection"/>.</param>
    public void Add(ReadOnlySpan<int> models, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<Outcome> counted, ReadOnlySpan<bool> allowed, double costScaleUsd, double costFactor)
    {
        if (allowed.IndexOf(true) < 0)
        {
            return;
        }

        Requests++;
        for (var i = 0; i < _lambdas.Length; i++)
        {
            var best = Best(counted, allowed, _lambdas[i], costScaleUsd);
            _quality[i] += outcomes[best].Quality;
            _cost[i] += outcomes[best].CostUsd * costFactor;
            _counts[i][models[best]] = _counts[i].GetValueOrDefault(models[best]) + 1;
        }
    }

    /// <summary>Each position's mean predicted quality and cost, and which share of the requests each model gets; empty before a request was added.</summary>
    public IReadOnlyList<DialPoint> Points() => Requests == 0 ? [] :
        [.. _lambdas.Select((lambda, i) => new DialPoint(
            lambda, _quality[i] / Requests, _cost[i] / Requests,
            _counts[i].OrderBy(c => c.Key).Select(c => (c.Key, (double)c.Value / Requests)).ToArray()))];
}

/// <summary>What one position of the dial would have done.</summary>
/// <param name="Quality">Mean predicted quality, 0 to 1.</param>
/// <param name="CostUsd">Mean US dollars a request.</param>
/// <param name="Shares">Of each model that answered something.</param>
public sealed record DialPoint(double LambdaCost, double Quality, double CostUsd, IReadOnlyList<(int Model, double Share)> Shares);
