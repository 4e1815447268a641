using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.OffPolicy;

/// <summary>
/// What other policies would have earned, from the log of one that chose with known probabilities. With w = pi(chosen) / p(chosen):
/// IPS mean(w r); SNIPS sum(w r) / sum(w); doubly robust mean(sum_a pi(a) m(a) + w (r - m(chosen))). O(decisions x candidates) a policy.
/// </summary>
/// <remarks>
/// The reward model m is the logged expected quality plus how far each model's rewards were from it, the latter from the other half of the decisions (cross-fitting), shrunk by
/// <see cref="Shrinkage"/>. Intervals are normal, SNIPS by linearisation; decisions count as independent, which makes them narrow where few users wrote much of the log.
/// Decisions without a reward are left out of all three: right where whether a user speaks does not depend on which model answered.
/// Sources: Horvitz and Thompson 1952; Swaminathan and Joachims 2015; Dudík, Langford and Li 2011 (arXiv:1103.4601).
/// </remarks>
public static class OffPolicyEvaluation
{
    /// <summary>Decisions without any departure that join each model's mean.</summary>
    public const double Shrinkage = 10;

    private const double Z = 1.959964;

    /// <summary>The policies that any log can be asked about.</summary>
    public static IReadOnlyList<Policy> Usual(IReadOnlyList<LoggedDecision> decisions)
    {
        ArgumentNullException.ThrowIfNull(decisions);
        string[] models = [.. decisions.SelectMany(d => d.Candidates).Select(c => c.Model).Distinct().Order(StringComparer.Ordinal)];
        var dearest = decisions.SelectMany(d => d.Candidates).GroupBy(c => c.Model).Max(g => g.Average(c => c.CostUsd));
        return [Policy.Logged, Policy.Greedy, .. ((double[])[0, .1, .5, 1, 2]).Select(l => Policy.Dial(l, dearest > 0 ? dearest : 1)), .. models.Select(Policy.Always), Policy.Uniform];
    }

    /// <exception cref="ArgumentException">Fewer than two decisions have a reward.</exception>
    public static IReadOnlyList<OffPolicyEstimate> Run(IReadOnlyList<LoggedDecision> decisions, IReadOnlyList<Policy> policies)
    {
        ArgumentNullException.ThrowIfNull(decisions);
        ArgumentNullException.ThrowIfNull(policies);
        LoggedDecision[] judged = [.. decisions.Where(d => d.Reward is not null)];
        if (judged.Length < 2)
        {
            throw new ArgumentException($"{judged.Length} of {decisions.Count} decisions have a reward; an estimate needs at least two.", nameof(decisions));
        }

        var departures = (Departures(judged, 0), Departures(judged, 1));
        return [.. policies.Select(policy => Estimate(policy, decisions, judged, departures))];
    }

    private static OffPolicyEstimate Estimate(Policy policy, IReadOnlyList<LoggedDecision> all, LoggedDecision[] judged, (Dictionary<string, double> Even, Dictionary<string, double> Odd) departures)
    {
        var n = judged.Length;
        var (weight, gained, robust, unsupported) = (new double[n], new double[n], new double[n], 0.0);
        for (var i = 0; i < n; i++)
        {
            var decision = judged[i];
            var probability = new double[decision.Candidates.Count];
            policy.Probabilities(decision, probability);
            var departure = i % 2 == 0 ? departures.Odd : departures.Even;
            double Model(int c) => Math.Clamp(decision.Candidates[c].Quality + departure.GetValueOrDefault(decision.Candidates[c].Model), 0, 1);
            weight[i] = probability[decision.Chosen] / decision.Candidates[decision.Chosen].Propensity;
            gained[i] = weight[i] * decision.Reward!.Value;
            robust[i] = weight[i] * (decision.Reward.Value - Model(decision.Chosen));
            for (var c = 0; c < probability.Length; c++)
            {
                robust[i] += probability[c] > 0 ? probability[c] * Model(c) : 0;
                unsupported += decision.Candidates[c].Propensity > 0 ? 0 : probability[c] / n;
            }
        }

        var total = weight.Sum();
        var snips = total > 0 ? gained.Sum() / total : double.NaN;
        var deviation = total > 0 ? Math.Sqrt(weight.Select((w, i) => w * (judged[i].Reward!.Value - snips)).Sum(v => v * v)) / total : double.NaN;
        var cost = all.Average(d =>
        {
            var probability = new double[d.Candidates.Count];
            policy.Probabilities(d, probability);
            return probability.Select((p, c) => p * d.Candidates[c].CostUsd).Sum();
        });
        var (squares, none) = (weight.Sum(w => w * w), new Interval(double.NaN, double.NaN));
        return total > 0
            ? new OffPolicyEstimate(
                policy.Name, gained.Average(), Normal(gained), snips,
                new Interval(snips - (Z * deviation), snips + (Z * deviation)),
                robust.Average(), Normal(robust), cost, unsupported, total * total / squares)
            // the log never did what the policy would do: all that is left is what was predicted
            : new OffPolicyEstimate(policy.Name, double.NaN, none, double.NaN, none, double.NaN, none, cost, unsupported, 0);
    }

    private static Interval Normal(double[] values)
    {
        var mean = values.Average();
        var error = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1) / values.Length);
        return new Interval(mean - (Z * error), mean + (Z * error));
    }

    /// <summary>By model: mean of reward less expected quality over every second decision.</summary>
    private static Dictionary<string, double> Departures(LoggedDecision[] judged, int parity) => judged
        .Where((_, i) => i % 2 == parity)
        .GroupBy(d => d.Candidates[d.Chosen].Model)
        .ToDictionary(g => g.Key, g => g.Sum(d => d.Reward!.Value - d.Candidates[d.Chosen].Quality) / (g.Count() + Shrinkage));
}
