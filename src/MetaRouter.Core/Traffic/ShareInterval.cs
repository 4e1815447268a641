namespace MetaRouter.Core.Traffic;

/// <summary>What is known of a share from few that said yes or no, and of the difference of two such shares, with 95 % intervals that hold for a handful as well.</summary>
/// <remarks>
/// Wilson's score interval, and Newcombe's of a difference (his method 10), which is built of the two. Both suppose that each of those asked answered for itself.
/// Sources: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927; Newcombe, "Interval estimation for the difference between
/// independent proportions", Statistics in Medicine 17, 1998.
/// </remarks>
public static class ShareInterval
{
    private const double Z95 = 1.959963984540054;

    /// <param name="yes">0 to <paramref name="asked"/>.</param>
    /// <returns>Null: nobody was asked.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="yes"/> is negative, or more than were asked.</exception>
    public static Estimate? Of(int yes, int asked)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(yes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(yes, asked);
        if (asked == 0)
        {
            return null;
        }

        var (n, p, z2) = ((double)asked, (double)yes / asked, Z95 * Z95);
        var middle = (p + (z2 / (2 * n))) / (1 + (z2 / n));
        var half = Z95 / (1 + (z2 / n)) * Math.Sqrt((p * (1 - p) / n) + (z2 / (4 * n * n)));
        return new(p, yes == 0 ? 0 : middle - half, yes == asked ? 1 : middle + half);
    }

    /// <summary>The first share less the second.</summary>
    /// <returns>Null: of one of them nobody was asked.</returns>
    public static Estimate? Difference(Estimate? first, Estimate? second) => first is { Low: { } l1, High: { } u1 } a && second is { Low: { } l2, High: { } u2 } b
        ? new(
            a.Value - b.Value,
            a.Value - b.Value - Math.Sqrt(((a.Value - l1) * (a.Value - l1)) + ((u2 - b.Value) * (u2 - b.Value))),
            a.Value - b.Value + Math.Sqrt(((u1 - a.Value) * (u1 - a.Value)) + ((b.Value - l2) * (b.Value - l2))))
        : null;

    /// <summary>A mean of numbers of any size with its normal interval, mean +- 1.96 s / sqrt(n); of one there is no interval.</summary>
    /// <returns>Null: there are none.</returns>
    public static Estimate? Mean(IReadOnlyCollection<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Count < 2)
        {
            return values.Count == 0 ? null : new(values.First());
        }

        var mean = values.Average();
        var half = Z95 * Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1) / values.Count);
        return new(mean, mean - half, mean + half);
    }
}
