namespace MetaRouter.Core.Numerics;

/// <summary>The logistic curve, from log odds to probabilities.</summary>
public static class Logistic
{
    /// <returns>1 / (1 + e^-x): 0 to 1.</returns>
    public static double Sigmoid(double logOdds) => 1 / (1 + Math.Exp(-logOdds));

    /// <inheritdoc cref="Sigmoid(double)"/>
    public static float Sigmoid(float logOdds) => 1 / (1 + MathF.Exp(-logOdds));
}
