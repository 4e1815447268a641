namespace MetaRouter.Evaluation.Metrics;

/// <summary>
/// How a score that says "send this one to the strong model" trades strong calls for quality (RouteLLM, arXiv:2406.18665, section 2).
/// The thresholds are the scores' quantiles in 10 equal bins; a request at or above the threshold goes to the strong model, and above the last
/// threshold, the greatest score, none does: the curve runs from all weak to all strong. O(n log n).
/// </summary>
public sealed class DeferralCurve
{
    public const int Bins = 10;

    private DeferralCurve(CostQuality[] points, double weak, double strong) => (Points, Weak, Strong) = (points, weak, strong);

    /// <summary>Share of strong calls (as the cost) and mean quality there, by rising share; from share 0 to share 1.</summary>
    public IReadOnlyList<CostQuality> Points { get; }

    /// <summary>Mean quality of the weak model alone.</summary>
    public double Weak { get; }

    /// <summary>Mean quality of the strong model alone.</summary>
    public double Strong { get; }

    /// <param name="score">One a request; only the order matters.</param>
    /// <param name="weak">The weak model's quality on each request.</param>
    /// <param name="strong">The strong model's.</param>
    /// <exception cref="ArgumentException">Empty, of different lengths, or a score is NaN.</exception>
    public static DeferralCurve Of(ReadOnlySpan<float> score, ReadOnlySpan<float> weak, ReadOnlySpan<float> strong)
    {
        var n = score.Length;
        if (n == 0 || weak.Length != n || strong.Length != n)
        {
            throw new ArgumentException($"A deferral curve needs as many scores as qualities, and at least one; got {n} scores, {weak.Length} weak and {strong.Length} strong qualities.");
        }

        var (keys, gains) = (score.ToArray(), new double[n]);
        var (weakSum, strongSum) = (0.0, 0.0);
        for (var i = 0; i < n; i++)
        {
            if (float.IsNaN(keys[i]))
            {
                throw new ArgumentException($"The score of request {i} is not a number.");
            }

            (gains[i], weakSum, strongSum) = ((double)strong[i] - weak[i], weakSum + weak[i], strongSum + strong[i]);
        }

        Array.Sort(keys, gains);
        var above = new double[n + 1];
        for (var i = n - 1; i >= 0; i--)
        {
            above[i] = above[i + 1] + gains[i];
        }

        var points = new CostQuality[Bins + 1];
        points[0] = new CostQuality(0, weakSum / n);
        for (var bin = 0; bin < Bins; bin++)
        {
            var at = (double)bin / Bins * (n - 1);
            var below = (int)at;
            var threshold = below + 1 < n ? keys[below] + ((at - below) * (keys[below + 1] - (double)keys[below])) : keys[below];
            var first = FirstAtLeast(keys, threshold);
            points[Bins - bin] = new CostQuality((double)(n - first) / n, (weakSum + above[first]) / n);
        }

        return new DeferralCurve(points, weakSum / n, strongSum / n);
    }

    /// <summary>Average performance gap recovered, by trapezoid: (area - weak) / (strong - weak). 0.5 for chance; NaN if the two models are equally good.</summary>
    public double Apgr()
    {
        var area = 0.0;
        for (var i = 1; i < Points.Count; i++)
        {
            area += (Points[i].Cost - Points[i - 1].Cost) * (Points[i].Quality + Points[i - 1].Quality) / 2;
        }

        return Gap is var gap && gap == 0 ? double.NaN : (area - Weak) / gap;
    }

    /// <summary>The APGR of rows that stand in order and count so often each: what <see cref="Of"/> and <see cref="Apgr()"/> give of them repeated, without sorting again.</summary>
    /// <param name="order">Row numbers by rising score; equal scores are taken as told apart by this order.</param>
    /// <param name="gain">By row number: the strong model's quality less the weak one's.</param>
    /// <param name="counts">By row number; whole numbers, 0 or more.</param>
    public static double Apgr(ReadOnlySpan<int> order, ReadOnlySpan<float> gain, ReadOnlySpan<float> counts)
    {
        var (total, all) = (0.0, 0.0);
        foreach (var row in order)
        {
            (total, all) = (total + counts[row], all + (counts[row] * gain[row]));
        }

        // A quantile between two copies falls to the upper one, and with it go all copies of its row.
        var (area, lastShare, lastGain) = (0.0, 1.0, all / total);
        var (below, belowGain, at) = (0.0, 0.0, 0);
        for (var bin = 1; bin <= Bins; bin++)
        {
            var upper = bin < Bins ? Math.Ceiling((double)bin / Bins * (total - 1)) : total;
            for (; at < order.Length && below + counts[order[at]] <= upper; at++)
            {
                (below, belowGain) = (below + counts[order[at]], belowGain + (counts[order[at]] * gain[order[at]]));
            }

            var (share, quality) = ((total - below) / total, (all - belowGain) / total);
            area += (lastShare - share) * (lastGain + quality) / 2;
            (lastShare, lastGain) = (share, quality);
        }

        return all == 0 ? double.NaN : area / (all / total);
    }

    /// <summary>Call-performance threshold: the least share of strong calls, 0 to 1, whose quality is weak + <paramref name="recovered"/> (strong - weak), between points by interpolation.</summary>
    /// <param name="recovered">0 to 1.</param>
    public double Cpt(double recovered)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(recovered);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(recovered, 1);
        if (!(Gap > 0))
        {
            return double.NaN;
        }

        // A target of exactly all strong must not be missed by rounding.
        var target = Math.Min(Weak + (recovered * Gap), Points[^1].Quality);
        for (var i = 1; i < Points.Count; i++)
        {
            var (a, b) = (Points[i - 1], Points[i]);
            if (b.Quality >= target)
            {
                return a.Quality >= target ? a.Cost : a.Cost + ((b.Cost - a.Cost) * (target - a.Quality) / (b.Quality - a.Quality));
            }
        }

        return 1;
    }

    private double Gap => Strong - Weak;

    private static int FirstAtLeast(float[] sorted, double threshold)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle] >= threshold ? (low, middle) : (middle + 1, high);
        }

        return low;
    }
}
