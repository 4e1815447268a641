using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Routing;

/// <summary>Only two models may answer; <see cref="Deferral"/> chooses between them, whoever asks. The weak one answers where the guardrails remove the strong one, and the other way round.</summary>
/// <param name="Strong">Chosen where its chance of the better answer is at least the threshold.</param>
/// <param name="Weak">Another model.</param>
/// <param name="Threshold">0 (always the strong model) to 1.</param>
public sealed record DeferralRule(ModelId Strong, ModelId Weak, double Threshold)
{
    internal bool IsValid => Strong != Weak && Threshold is >= 0 and <= 1;

    /// <summary>The models of the rule that are also among these; null: all are.</summary>
    internal HashSet<ModelId> Among(IReadOnlySet<ModelId>? allowed) => new[] { Strong, Weak }.Where(m => allowed?.Contains(m) != false).ToHashSet();

    /// <summary>
    /// The lambda_cost at which the two are worth the same just at the threshold, q_strong - q_weak = 2 threshold - 1. The decision is recorded with it, so that it can be
    /// compared with others. 0 where no lambda_cost stands for the threshold: below 0.5, and where the strong model is no dearer.
    /// </summary>
    internal double LambdaCost(in Outcome strong, in Outcome weak, double costScaleUsd, double most)
    {
        var (gain, extra) = ((2 * Threshold) - 1, strong.CostUsd - weak.CostUsd);
        return gain <= 0 || extra <= 0 ? 0 : Math.Min(most, gain * costScaleUsd / extra);
    }
}
