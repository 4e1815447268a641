using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Evaluation.Simulation;

/// <summary>
/// A user of protocol P3: a <see cref="HiddenPreference"/> that nobody is told, which says which of two answers was better by what they really scored and cost.
/// </summary>
/// <param name="Lambda">Above 0.</param>
/// <param name="Beta">Sharpness; the protocol's is 10.</param>
/// <param name="Lapse">Share of answers given without looking; the protocol's is .05.</param>
public readonly record struct SimulatedUser(double Lambda, double Beta = 10, double Lapse = .05)
{
    /// <summary>The mean of lambda / (1 + lambda) over the protocol's users, lambda log-uniform from 0.01 to 10: what decides for all of them.</summary>
    public static double MeanCostShare { get; } = (Math.Log(11) - Math.Log(1.01)) / Math.Log(1000);

    /// <summary>Log-uniform in [0.01, 10].</summary>
    public static SimulatedUser Draw(Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return new(Math.Pow(10, (3 * random.NextDouble()) - 2));
    }

    private HiddenPreference Preference => new(Lambda, Beta, Lapse);

    /// <summary>Whether the user prefers the first of two answers, given what they realised.</summary>
    public bool PrefersFirst(in Outcome first, in Outcome second, double costScaleUsd, Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return random.NextDouble() < Preference.PrefersFirst(first, second, costScaleUsd);
    }

    /// <summary>The same, by how much more the first is worth to the user.</summary>
    public bool PrefersFirst(double difference, Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return random.NextDouble() < Preference.PrefersFirst(difference);
    }
}
