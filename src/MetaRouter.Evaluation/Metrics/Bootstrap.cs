namespace MetaRouter.Evaluation.Metrics;

/// <summary>
/// Percentile intervals by resampling with replacement (Efron). A replicate is a count per row: how often it was drawn.
/// Whatever is compared takes its counts from the same replicate, which makes every difference a paired one.
/// Each replicate has its own stream of chance, so the result does not depend on the number of threads.
/// </summary>
/// <param name="seed">Same seed, same intervals.</param>
/// <param name="replicates">At least 20; 1,000 settles the second digit of a 95 % interval.</param>
/// <param name="level">The interval's coverage, over 0 and under 1.</param>
public sealed class Bootstrap(int seed, int replicates = 1000, double level = .95)
{
    public int Replicates { get; } = replicates >= 20 ? replicates : throw new ArgumentOutOfRangeException(nameof(replicates), replicates, "An interval needs at least 20 replicates.");

    public double Level { get; } = level is > 0 and < 1 ? level : throw new ArgumentOutOfRangeException(nameof(level), level, "A coverage lies over 0 and under 1.");

    /// <summary>How often replicate <paramref name="replicate"/> drew each of n = <paramref name="counts"/>.Length things; they sum to n.</summary>
    /// <param name="axis">Things that are resampled independently of each other (rows 0, users or draws 1) take different axes.</param>
    public void Counts(int replicate, Span<float> counts, int axis = 0)
    {
        counts.Clear();
        var random = new Random(Mix(seed, replicate, axis));
        for (var i = 0; i < counts.Length; i++)
        {
            counts[random.Next(counts.Length)]++;
        }
    }

    /// <summary>The interval of whatever <paramref name="statistic"/> makes of a replicate's number. It is called from several threads; replicates that give NaN are left out.</summary>
    public Interval Of(Func<int, double> statistic)
    {
        ArgumentNullException.ThrowIfNull(statistic);
        var values = new double[Replicates];
        Parallel.For(0, Replicates, b => values[b] = statistic(b));
        return Percentiles(values);
    }

    /// <summary>The interval that the values of all replicates span.</summary>
    public Interval Percentiles(ReadOnlySpan<double> values)
    {
        var sorted = new List<double>(values.Length);
        foreach (var value in values)
        {
            if (!double.IsNaN(value))
            {
                sorted.Add(value);
            }
        }

        sorted.Sort();
        return sorted.Count == 0
            ? new Interval(double.NaN, double.NaN)
            : new Interval(Quantile.OfSorted(sorted, (1 - Level) / 2), Quantile.OfSorted(sorted, (1 + Level) / 2));
    }

    public Interval Mean(IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return RatioOfSums(values, [.. Enumerable.Repeat(1.0, values.Count)]);
    }

    /// <summary>Sum of numerators over sum of denominators: never a mean of ratios, whose small denominators would rule it.</summary>
    /// <exception cref="ArgumentException">Different lengths.</exception>
    public Interval RatioOfSums(IReadOnlyList<double> numerator, IReadOnlyList<double> denominator)
    {
        ArgumentNullException.ThrowIfNull(numerator);
        ArgumentNullException.ThrowIfNull(denominator);
        if (numerator.Count != denominator.Count)
        {
            throw new ArgumentException($"Paired lists of {numerator.Count} and {denominator.Count} values.", nameof(denominator));
        }

        return Of(b =>
        {
            var counts = new float[numerator.Count];
            Counts(b, counts);
            var (top, bottom) = (0.0, 0.0);
            for (var i = 0; i < counts.Length; i++)
            {
                top += counts[i] * numerator[i];
                bottom += counts[i] * denominator[i];
            }

            return top / bottom;
        });
    }

    // SplitMix64 over the three numbers: neighbouring seeds of System.Random give related streams.
    private static int Mix(int seed, int replicate, int axis)
    {
        var h = ((ulong)(uint)seed << 32) ^ ((ulong)(uint)axis << 28) ^ (uint)replicate;
        h = (h + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
        h = (h ^ (h >> 30)) * 0x94d049bb133111eb;
        return (int)(h >> 33);
    }
}
