namespace MetaRouter.Core.Traffic;

/// <summary>What would have been saved by following decisions that were noted but not followed, with intervals over requests.</summary>
/// <remarks>
/// Percentile bootstrap, <see cref="Draws"/> draws of as many requests as there are: O(draws x requests).
/// Source: Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979.
/// </remarks>
/// <param name="SpentUsd">What the answers cost, US dollars.</param>
/// <param name="WouldHaveSpentUsd">Had the decisions been followed, US dollars.</param>
/// <param name="SavedShare">1 - would have spent / spent; 0 where nothing was spent.</param>
/// <param name="QualityChange">Mean over requests.</param>
public sealed record SavingsEstimate(double SpentUsd, Estimate WouldHaveSpentUsd, Estimate SavedShare, Estimate QualityChange)
{
    /// <summary>How often the requests are drawn anew.</summary>
    public const int Draws = 2000;

    /// <param name="requests">May be none: then all is 0. How much they vary is not known of fewer than two: those figures have no interval.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static SavingsEstimate Of(IReadOnlyList<UnfollowedRequest> requests, Random random)
    {
        ArgumentNullException.ThrowIfNull(requests);
        ArgumentNullException.ThrowIfNull(random);
        if (requests.Count == 0)
        {
            return new(0, default, default, default);
        }

        var (spent, sum, change) = (requests.Sum(r => r.SpentUsd), requests.Sum(r => r.WouldHaveSpentUsd), requests.Average(r => r.QualityChange));
        if (requests.Count == 1)
        {
            return new(spent, new(sum), new(Share(sum, spent)), new(change));
        }

        var (would, share, quality) = (new double[Draws], new double[Draws], new double[Draws]);
        for (var draw = 0; draw < Draws; draw++)
        {
            var (s, w, q) = (0.0, 0.0, 0.0);
            for (var i = 0; i < requests.Count; i++)
            {
                var drawn = requests[random.Next(requests.Count)];
                (s, w, q) = (s + drawn.SpentUsd, w + drawn.WouldHaveSpentUsd, q + drawn.QualityChange);
            }

            (would[draw], share[draw], quality[draw]) = (w, Share(w, s), q / requests.Count);
        }

        return new(spent, Interval(sum, would), Interval(Share(sum, spent), share), Interval(change, quality));
    }

    private static double Share(double would, double spent) => spent > 0 ? 1 - (would / spent) : 0;

    private static Estimate Interval(double value, double[] draws)
    {
        Array.Sort(draws);
        return new(value, draws[(int)(0.025 * Draws)], draws[(int)(0.975 * Draws) - 1]);
    }
}

/// <summary>A request whose decision was noted while another model answered.</summary>
/// <param name="SpentUsd">What its answer cost, US dollars.</param>
/// <param name="WouldHaveSpentUsd">What the chosen model's would have, US dollars.</param>
/// <param name="QualityChange">Predicted quality of the chosen model less that of the served one, -1 to 1.</param>
public readonly record struct UnfollowedRequest(double SpentUsd, double WouldHaveSpentUsd, double QualityChange);

/// <summary>A figure with its 95 % interval; null: it has none.</summary>
public readonly record struct Estimate(double Value, double? Low = null, double? High = null);
