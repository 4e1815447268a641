namespace MetaRouter.Core.Routing;

/// <summary>
/// Two models and a threshold, as RouteLLM routes (arXiv:2406.18665): a request goes to the strong model where its chance of the better answer is at least the threshold.
/// A lower threshold is dearer and better; which one gives what share of strong calls depends on the traffic and is calibrated on it.
/// </summary>
public static class Deferral
{
    /// <summary>The chance that the strong model's answer is the better one, equals counting half: 0.5 + (q_strong - q_weak) / 2. 0 to 1.</summary>
    public static double Score(in Outcome strong, in Outcome weak) => 0.5 + ((strong.Quality - weak.Quality) / 2.0);

    /// <summary>The threshold at which the share of requests that go to the strong model comes nearest to the one wanted.</summary>
    /// <param name="scores">Of a sample of the traffic; at least one.</param>
    /// <param name="strongShare">0 to 1.</param>
    /// <returns>The threshold, and the share of this sample at or above it.</returns>
    /// <exception cref="ArgumentException">No score, or one that is not a number.</exception>
    public static (double Threshold, double Share) Calibrate(IReadOnlyList<double> scores, double strongShare)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentOutOfRangeException.ThrowIfNegative(strongShare);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(strongShare, 1);
        double[] sorted = [.. scores.OrderDescending()];
        if (sorted.Length == 0 || sorted.Any(double.IsNaN))
        {
            throw new ArgumentException($"A threshold is calibrated on scores that are numbers; got {sorted.Length} scores, {sorted.Count(double.IsNaN)} of them not.", nameof(scores));
        }

        // Above every score: no request at all.
        var best = (Threshold: Math.BitIncrement(sorted[0]), Share: 0.0);
        for (var i = 0; i < sorted.Length; i++)
        {
            // Between two scores where there is room, so that one more or less like these changes nothing.
            if (i + 1 == sorted.Length || sorted[i + 1] < sorted[i])
            {
                var share = (i + 1.0) / sorted.Length;
                var threshold = i + 1 == sorted.Length ? sorted[i] : (sorted[i] + sorted[i + 1]) / 2;
                best = Math.Abs(share - strongShare) < Math.Abs(best.Share - strongShare) ? (threshold, share) : best;
            }
        }

        return best;
    }
}
