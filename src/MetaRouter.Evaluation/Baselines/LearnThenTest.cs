namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// A confidence above which the cheap answer is served, such that the share of requests that get a bad cheap answer is at most delta, with a chance of at least 1 - alpha
/// over the sample it was chosen on. Learn then test: thresholds are tested from the strictest on, each by the exact binomial tail at level alpha, until one fails.
/// </summary>
/// <remarks>
/// Fixed-sequence testing spends no level on what it passes. Holds for any confidence however bad, and for fresh requests drawn like the sample; a useless confidence just escalates all.
/// It holds for thresholds taken from the sample itself, too: bad answers only grow in number as the threshold falls, so a candidate beyond the one at which the true share is
/// <c>delta</c> passes only where that one would have, which an exact binomial test lets happen with a chance of <c>alpha</c> at most.
/// O(thresholds n). Sources: Angelopoulos et al. 2021 (arXiv:2110.01052); as cascades with guarantees, arXiv:2512.20012.
/// </remarks>
public static class LearnThenTest
{
    /// <summary>Thresholds tried: evenly among the sorted confidences.</summary>
    private const int Steps = 100;

    /// <param name="confidence">Of the cheap answers to a sample of requests that the confidence was not learned on.</param>
    /// <param name="isBad">Whether each cheap answer was bad.</param>
    /// <param name="delta">Share of requests, over 0 and under 1.</param>
    /// <param name="alpha">The chance of being wrong about it, over 0 and under 1.</param>
    /// <returns>Serve the cheap answer at or above it; positive infinity: never.</returns>
    public static double Threshold(IReadOnlyList<double> confidence, IReadOnlyList<bool> isBad, double delta, double alpha)
    {
        ArgumentNullException.ThrowIfNull(confidence);
        ArgumentNullException.ThrowIfNull(isBad);
        ArgumentOutOfRangeException.ThrowIfNotEqual(isBad.Count, confidence.Count);
        int[] order = [.. Enumerable.Range(0, confidence.Count).OrderByDescending(i => confidence[i]).ThenBy(i => i)];
        var (threshold, served, bad) = (double.PositiveInfinity, 0, 0);
        for (var step = 1; step <= Steps; step++)
        {
            var until = order.Length * step / Steps;
            if (until == served)
            {
                continue;
            }

            var candidate = confidence[order[until - 1]];
            // All equals are served together.
            for (; served < order.Length && confidence[order[served]] >= candidate; served++)
            {
                bad += isBad[order[served]] ? 1 : 0;
            }

            if (BinomialTail(bad, order.Length, delta) > alpha)
            {
                break;
            }

            threshold = candidate;
        }

        return threshold;
    }

    /// <summary>P(X at most k) for X binomial of n and p: how likely so few bad answers are if their true share is p.</summary>
    internal static double BinomialTail(int k, int n, double p)
    {
        var (log, sum) = (n * Math.Log(1 - p), 0.0);
        for (var i = 0; i <= k; i++)
        {
            sum += Math.Exp(log);
            log += Math.Log((double)(n - i) / (i + 1)) + Math.Log(p / (1 - p));
        }

        return Math.Min(sum, 1);
    }
}
