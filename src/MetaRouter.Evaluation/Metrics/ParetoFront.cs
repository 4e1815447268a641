namespace MetaRouter.Evaluation.Metrics;

/// <summary>
/// Sums up a router's dial positions, points of (cost, quality), in one number each. O(n log n) in the number of points.
/// Sources: hypervolume, Zitzler and Thiele 1998; inverted generational distance, Coello and Reyes Sierra 2004; AIQ, RouterBench (arXiv:2403.12031).
/// </summary>
public static class ParetoFront
{
    /// <summary>The points no other point beats in both cost and quality, by rising cost.</summary>
    public static IReadOnlyList<CostQuality> Of(IEnumerable<CostQuality> points)
    {
        var front = new List<CostQuality>();
        foreach (var point in points.OrderBy(p => p.Cost).ThenByDescending(p => p.Quality))
        {
            if (front.Count == 0 || point.Quality > front[^1].Quality)
            {
                front.Add(point);
            }
        }

        return front;
    }

    /// <summary>The area that the points dominate, up to cost 1 and down to quality 0; 1 would be a free and perfect router.</summary>
    public static double Hypervolume(IEnumerable<CostQuality> points)
    {
        var front = Of(points.Where(p => p.Cost < 1));
        var area = 0.0;
        for (var i = 0; i < front.Count; i++)
        {
            area += front[i].Quality * ((i + 1 < front.Count ? front[i + 1].Cost : 1) - front[i].Cost);
        }

        return area;
    }

    /// <summary>Mean over the reference front's points of the Euclidean distance to the nearest point of the other front. 0 is best; NaN if either is empty.</summary>
    public static double InvertedGenerationalDistance(IEnumerable<CostQuality> points, IEnumerable<CostQuality> reference)
    {
        var front = Of(points);
        return Of(reference).Select(r => front.Select(p => double.Hypot(p.Cost - r.Cost, p.Quality - r.Quality)).DefaultIfEmpty(double.NaN).Min()).DefaultIfEmpty(double.NaN).Average();
    }

    /// <summary>The corners of the non-decreasing concave curve over the points, by rising cost: what mixing dial positions by chance can reach.</summary>
    public static IReadOnlyList<CostQuality> Hull(IEnumerable<CostQuality> points)
    {
        var hull = new List<CostQuality>();
        foreach (var point in Of(points))
        {
            while (hull.Count >= 2 && Slope(hull[^2], hull[^1]) <= Slope(hull[^1], point))
            {
                hull.RemoveAt(hull.Count - 1);
            }

            hull.Add(point);
        }

        return hull;

        static double Slope(CostQuality a, CostQuality b) => (b.Quality - a.Quality) / (b.Cost - a.Cost);
    }

    /// <summary>Average improvement in quality: the area under <see cref="Hull"/> divided by the cost range of the points. For a single cost, its limit: the best quality there.</summary>
    public static double Aiq(IEnumerable<CostQuality> points)
    {
        var all = points as IReadOnlyCollection<CostQuality> ?? [.. points];
        var hull = Hull(all);
        if (hull.Count == 0)
        {
            return double.NaN;
        }

        var (from, to) = (hull[0].Cost, all.Max(p => p.Cost));
        if (!(to > from))
        {
            return hull[^1].Quality;
        }

        // Past the best corner more money buys nothing: flat to the end of the range.
        var area = hull[^1].Quality * (to - hull[^1].Cost);
        for (var i = 1; i < hull.Count; i++)
        {
            area += (hull[i].Cost - hull[i - 1].Cost) * (hull[i].Quality + hull[i - 1].Quality) / 2;
        }

        return area / (to - from);
    }
}
