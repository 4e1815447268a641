namespace MetaRouter.Evaluation.Metrics;

/// <summary>How far expected scores can be taken at their word: ten bins of what was expected, with what happened. Source: reliability diagrams, DeGroot and Fienberg 1983.</summary>
/// <param name="Count">Answers in each bin.</param>
/// <param name="Expected">Sum of what was expected of them.</param>
/// <param name="Realised">Sum of their scores.</param>
public sealed record Reliability(long[] Count, double[] Expected, double[] Realised)
{
    public const int Bins = 10;

    /// <param name="expected">0 to 1; outside, the nearest of the two.</param>
    /// <param name="score">As many; NaN is left out.</param>
    public static Reliability Of(ReadOnlySpan<float> expected, ReadOnlySpan<float> score)
    {
        var bins = new Reliability(new long[Bins], new double[Bins], new double[Bins]);
        for (var i = 0; i < expected.Length; i++)
        {
            if (!float.IsNaN(score[i]))
            {
                var bin = Math.Clamp((int)(expected[i] * Bins), 0, Bins - 1);
                bins.Count[bin]++;
                bins.Expected[bin] += expected[i];
                bins.Realised[bin] += score[i];
            }
        }

        return bins;
    }

    public static Reliability Sum(IEnumerable<Reliability> parts)
    {
        var sum = new Reliability(new long[Bins], new double[Bins], new double[Bins]);
        foreach (var part in parts)
        {
            for (var b = 0; b < Bins; b++)
            {
                sum.Count[b] += part.Count[b];
                sum.Expected[b] += part.Expected[b];
                sum.Realised[b] += part.Realised[b];
            }
        }

        return sum;
    }

    /// <summary>Expected calibration error: the mean over answers of how far their bin's mean expectation is from its mean score.</summary>
    public double Error => Enumerable.Range(0, Bins).Sum(b => Math.Abs(Expected[b] - Realised[b])) / Math.Max(1, Count.Sum());

    /// <summary>Mean expectation and mean score of the bins that hold at least <paramref name="least"/> answers.</summary>
    public IReadOnlyList<(double Expected, double Realised)> Points(long least) =>
        [.. Enumerable.Range(0, Bins).Where(b => Count[b] >= least).Select(b => (Expected[b] / Count[b], Realised[b] / Count[b]))];
}
