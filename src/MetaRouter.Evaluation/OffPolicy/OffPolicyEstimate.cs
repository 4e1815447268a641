using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.OffPolicy;

/// <summary>What a policy would have earned a decision, three ways, with 95 % intervals; all NaN where <paramref name="EffectiveSample"/> is 0.</summary>
/// <param name="Ips">Inverse propensity scoring: right on average whatever rewards are like, noisy.</param>
/// <param name="Snips">Self-normalised: a little bias for much less noise.</param>
/// <param name="DoublyRobust">A reward model, corrected by what it got wrong on the chosen: right on average, and quiet where the model is good.</param>
/// <param name="CostUsd">Expected US dollars a decision.</param>
/// <param name="Unsupported">The share of the policy that the log could not have shown, 0 to 1: the mean probability, over decisions with a reward, of models
/// that had none when they were logged. There the doubly robust estimate is the reward model alone, and the others count nothing.</param>
/// <param name="EffectiveSample">Decisions that the evidence is worth: (sum w)^2 / sum w^2.</param>
public sealed record OffPolicyEstimate(
    string Policy,
    double Ips,
    Interval IpsCi,
    double Snips,
    Interval SnipsCi,
    double DoublyRobust,
    Interval DoublyRobustCi,
    double CostUsd,
    double Unsupported,
    double EffectiveSample)
{
    /// <summary>
    /// Which of <c>ips</c>, <c>snips</c> and <c>doubly_robust</c> leave what can be, 0 to 1 as rewards are, by the estimate or an end of its interval. They are not held to it: cut off
    /// there, those that are right on average would be so no more.
    /// </summary>
    public IReadOnlyList<string> OutOfRange =>
    [
        .. Leaves(Ips, IpsCi) ? (string[])["ips"] : [],
        .. Leaves(Snips, SnipsCi) ? (string[])["snips"] : [],
        .. Leaves(DoublyRobust, DoublyRobustCi) ? (string[])["doubly_robust"] : [],
    ];

    /// <summary>Whether an estimate or its interval reaches over 1 or below 0, by more than rounding.</summary>
    public static bool Leaves(double estimate, Interval interval) => IsOutside(estimate) || IsOutside(interval.Low) || IsOutside(interval.High);

    /// <summary>False of NaN.</summary>
    public static bool IsOutside(double reward) => reward is < -1e-9 or > 1 + 1e-9;
}
