namespace MetaRouter.Evaluation.Metrics;

/// <summary>Quantiles with linear interpolation between order statistics (Hyndman and Fan's type 7).</summary>
internal static class Quantile
{
    public static double OfSorted(IReadOnlyList<double> sorted, double p)
    {
        var at = p * (sorted.Count - 1);
        var below = (int)at;
        var above = Math.Min(below + 1, sorted.Count - 1);
        return sorted[below] + ((at - below) * (sorted[above] - sorted[below]));
    }
}
