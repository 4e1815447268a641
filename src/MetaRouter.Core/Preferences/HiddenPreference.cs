using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// A user whose trade-off is known, for simulations: says which answer is better, and whether one pleases, by what the answers turned out to be.
/// Bradley-Terry with a lapse, <c>P = (1 - e) sigmoid(beta (u_1 - u_2)) + e / 2</c>, as <see cref="ChoiceModel"/> supposes users to be.
/// </summary>
/// <param name="LambdaCost">0 or more.</param>
/// <param name="Beta">Sharpness of judgement, above 0.</param>
/// <param name="Lapse">The share of answers given without looking, 0 to 1.</param>
public readonly record struct HiddenPreference(double LambdaCost, double Beta = 10, double Lapse = 0.05)
{
    /// <summary>What an answer is worth to this user; <paramref name="answer"/> is what came of it, not what was predicted.</summary>
    public double Worth(in Outcome answer, double costScaleUsd) => Utility.Of(answer, new Preference(LambdaCost), costScaleUsd);

    /// <summary>The probability of preferring the first.</summary>
    public double PrefersFirst(in Outcome first, in Outcome second, double costScaleUsd) => PrefersFirst(Worth(first, costScaleUsd) - Worth(second, costScaleUsd));

    /// <summary>The same, by how much more the first is worth.</summary>
    public double PrefersFirst(double difference) => ((1 - Lapse) / (1 + Math.Exp(-Beta * difference))) + (Lapse / 2);

    /// <summary>The probability that an answer pleases: that it is preferred to the middle of what the models would have answered.</summary>
    /// <param name="all">Every model's answer to the request; at least one.</param>
    public double IsPleasedBy(in Outcome answer, ReadOnlySpan<Outcome> all, double costScaleUsd)
    {
        var worths = new double[all.Length];
        for (var i = 0; i < worths.Length; i++)
        {
            worths[i] = Worth(all[i], costScaleUsd);
        }

        Array.Sort(worths);
        var middle = (worths[(worths.Length - 1) / 2] + worths[worths.Length / 2]) / 2;
        return PrefersFirst(Worth(answer, costScaleUsd) - middle);
    }
}
