namespace MetaRouter.Evaluation.Baselines.Learning;

/// <summary>The loss of a probability against what happened.</summary>
internal static class CrossEntropy
{
    // The logarithm of 0 is no number to learn from.
    private const double Least = 1e-300;

    /// <summary>-(y ln p + (1 - y) ln(1 - p)), 0 or more.</summary>
    /// <param name="label">y, 0 to 1.</param>
    /// <param name="p">0 to 1.</param>
    public static double Of(double label, double p) => -((label * Math.Log(Math.Max(p, Least))) + ((1 - label) * Math.Log(Math.Max(1 - p, Least))));
}
