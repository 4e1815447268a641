using System.Text.Json.Serialization;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Evaluation.Simulation;

/// <summary>What is believed of the user's lambda at one moment.</summary>
/// <param name="Lambda">The median.</param>
/// <param name="Low">5 % of the belief lie below.</param>
/// <param name="High">5 % of the belief lie above.</param>
/// <param name="PriceUsd">The median in money: what one right answer more is worth to the user, tau / lambda, in US dollars; 0: all models are free.</param>
public sealed record StoryBelief(double Lambda, double Low, double High, float PriceUsd)
{
    /// <summary>The probability of each position of <see cref="PreferenceGrid"/>; lambda ascending.</summary>
    [JsonIgnore]
    public IReadOnlyList<float> Marginal { get; private init; } = [];

    public static StoryBelief Of(PreferenceBelief belief, double costScaleUsd)
    {
        ArgumentNullException.ThrowIfNull(belief);
        var median = belief.Quantile(0.5);
        return new(median, belief.Quantile(0.05), belief.Quantile(0.95), (float)(costScaleUsd / median)) { Marginal = belief.Marginal.ToArray() };
    }
}
