namespace MetaRouter.Evaluation.Protocols;

/// <summary>What a router earned, summed over users as often as a replicate drew them.</summary>
/// <param name="Gained">Utility over that of the best dial position for all.</param>
/// <param name="Gap">What knowing every user would gain over that.</param>
/// <param name="Cost">Over tau.</param>
/// <param name="Weight">Users.</param>
internal readonly record struct Earnings(double Gained, double Gap, double Utility, double Quality, double Cost, double Weight)
{
    /// <summary>Of mean utility: sums of floats are no surer.</summary>
    private const double SmallestGap = 1e-6;

    public double Share => ShareOf(Gained / Weight, Gap / Weight);

    public double MeanUtility => Utility / Weight;

    public double MeanQuality => Quality / Weight;

    public double MeanCost => Cost / Weight;

    /// <summary>One user's.</summary>
    /// <param name="served">Mean quality and cost over tau of what the router served; likewise what one dial position for all, and knowing the user, would have.</param>
    /// <param name="times">How often the user was drawn.</param>
    public static Earnings Of((double Quality, double Cost) served, (double Quality, double Cost) yardstick, (double Quality, double Cost) known, double lambda, double times)
    {
        var (utility, baseline) = (Worth(served), Worth(yardstick));
        return new Earnings(times * (utility - baseline), times * (Worth(known) - baseline), times * utility, times * served.Quality, times * served.Cost, times);

        double Worth((double Quality, double Cost) mean) => (mean.Quality - (lambda * mean.Cost)) / (1 + lambda);
    }

    /// <summary>The share of the gap that was gained; NaN where rounding alone makes a gap: knowing every user is worth nothing there.</summary>
    /// <param name="gained">Mean utility, as <paramref name="gap"/>.</param>
    public static double ShareOf(double gained, double gap) => Math.Abs(gap) > SmallestGap ? gained / gap : double.NaN;

    public static Earnings operator +(Earnings a, Earnings b) =>
        new(a.Gained + b.Gained, a.Gap + b.Gap, a.Utility + b.Utility, a.Quality + b.Quality, a.Cost + b.Cost, a.Weight + b.Weight);
}
