using System.Collections.Immutable;
using System.Numerics.Tensors;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// What is believed of how much quality a user gives up for a second less: a distribution over a few prices, the first of which is 0.
/// </summary>
/// <remarks>
/// The second axis of a user's belief. Given a price g, everything else is inferred as without one, from utilities less g a second; the prices are then weighed by
/// what the signals are worth under each:
/// <code>
/// P(g | signals) ~ p(g) sum_h p(h) P(signals | h, g)              (1)
/// P(h | signals) = sum_g P(g | signals) P(h | signals, g)         (2)
/// </code>
/// Most users are believed not to mind until they show it (spike and slab, Mitchell and Beauchamp 1988). Where no signal set a faster answer against a slower one,
/// (1) is the prior and (2) the belief without this axis, to the last bit, and nothing is computed.
/// </remarks>
public sealed class LatencyBelief
{
    private const double Ratio = 3.1622776601683795; // two prices a decade

    private readonly double[] _probability;
    private readonly bool _isGuessed;

    /// <param name="probability">Of each of <see cref="Prices"/>; sums to 1.</param>
    private LatencyBelief(double[] probability, bool isGuessed = false) => (_probability, _isGuessed) = (probability, isGuessed);

    /// <summary>The prices that a user may have, quality a second: 0, then 0.0015 to 0.15, two a decade.</summary>
    public static ImmutableArray<double> Prices { get; } = [0, .. Enumerable.Range(0, 5).Select(i => 0.0015 * Math.Pow(Ratio, i))];

    /// <summary>The probability of each of <see cref="Prices"/>; sums to 1.</summary>
    public ReadOnlySpan<double> Probability => _probability;

    /// <summary>The probability that the user minds waiting at all.</summary>
    public double Minds => 1 - _probability[0];

    /// <summary>
    /// The price that decisions charge, quality a second: the mean, since utilities are linear in it; but 0 while nothing was learned from the user or from
    /// others: no request is decided by our guess.
    /// </summary>
    public double Price => _isGuessed ? 0 : Mean;

    /// <summary>Expected price, quality a second.</summary>
    public double Mean => _probability.Select((p, i) => p * Prices[i]).Sum();

    /// <summary>What is believed of a user who said nothing of waiting.</summary>
    public static LatencyBelief Of(LatencySpread spread)
    {
        var probability = new double[Prices.Length];
        probability[0] = 1 - spread.Share;
        if (spread.IsNone)
        {
            return new LatencyBelief(probability);
        }

        for (var i = 1; i < probability.Length; i++)
        {
            var z = Math.Log(Prices[i] / spread.Price);
            probability[i] = Math.Exp(-0.5 * z * z);
        }

        var mass = probability.Skip(1).Sum();
        for (var i = 1; i < probability.Length; i++)
        {
            probability[i] *= spread.Share / mass;
        }

        return new LatencyBelief(probability, spread == LatencySpread.Guessed);
    }

    /// <summary>Formula (1).</summary>
    /// <param name="logEvidence">Of each price: ln P(signals | price).</param>
    public LatencyBelief Weighed(ReadOnlySpan<double> logEvidence)
    {
        var probability = new double[_probability.Length];
        var all = LogEvidence(logEvidence);
        for (var i = 0; i < probability.Length; i++)
        {
            probability[i] = _probability[i] * Math.Exp(logEvidence[i] - all);
        }

        return new LatencyBelief(probability);
    }

    /// <summary>ln P(signals), the price summed out.</summary>
    /// <param name="logEvidence">As for <see cref="Weighed"/>.</param>
    public double LogEvidence(ReadOnlySpan<double> logEvidence)
    {
        var (max, mass) = (TensorPrimitives.Max(logEvidence), 0.0);
        for (var i = 0; i < _probability.Length; i++)
        {
            mass += _probability[i] * Math.Exp(logEvidence[i] - max);
        }

        return max + Math.Log(mass);
    }

    /// <summary>The price below which a share <paramref name="p"/> of the belief lies, interpolated in log between prices; 0 for what lies at 0.</summary>
    public double Quantile(double p)
    {
        var below = _probability[0];
        if (p <= below)
        {
            return 0;
        }

        for (var i = 1; i < _probability.Length; i++)
        {
            if (below + _probability[i] >= p && _probability[i] > 0)
            {
                return Prices[i] * Math.Pow(Ratio, ((p - below) / _probability[i]) - 0.5);
            }

            below += _probability[i];
        }

        return Prices[^1] * Math.Sqrt(Ratio);
    }
}
