namespace MetaRouter.Core.Preferences;

/// <summary>
/// The values of lambda_cost that beliefs are spread over and that the quality-cost dial can take: 48 of them, evenly spaced in log from 0.003 to 30.
/// Outside that range every request has one answer: the best model, or the cheapest.
/// </summary>
public static class PreferenceGrid
{
    public const int Length = 48;
    public const double LowestLambda = 0.003;
    public const double HighestLambda = 30;

    private static readonly double[] LogValues = [.. Enumerable.Range(0, Length).Select(i => Math.Log(LowestLambda) + (i * Math.Log(HighestLambda / LowestLambda) / (Length - 1)))];
    private static readonly float[] Values = [.. LogValues.Select(v => (float)Math.Exp(v))];
    private static readonly float[] Weights = [.. LogValues.Select(v => (float)(Math.Exp(v) / (1 + Math.Exp(v))))];

    /// <summary>ln lambda, ascending.</summary>
    public static ReadOnlySpan<double> LogLambda => LogValues;

    public static ReadOnlySpan<float> Lambda => Values;

    /// <summary>lambda / (1 + lambda): the share of cost in the utility, 0 to 1.</summary>
    public static ReadOnlySpan<float> CostShare => Weights;

    /// <summary>The position nearest in log.</summary>
    public static int Nearest(double lambda) =>
        (int)Math.Clamp(Math.Round((Math.Log(Math.Max(lambda, 1e-12)) - LogValues[0]) / (LogValues[1] - LogValues[0])), 0, Length - 1);
}
