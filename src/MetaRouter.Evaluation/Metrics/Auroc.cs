namespace MetaRouter.Evaluation.Metrics;

/// <summary>The area under the receiver's curve: the chance that a positive scores above a negative, equals counting half.</summary>
/// <remarks>O(n^2). Source: Mann and Whitney 1947; Hanley and McNeil 1982.</remarks>
public static class Auroc
{
    /// <summary>0 to 1; .5 says nothing; NaN without a positive or a negative.</summary>
    /// <param name="weights">How often each thing counts; null: once.</param>
    public static double Of(IReadOnlyList<double> scores, IReadOnlyList<bool> isPositive, IReadOnlyList<float>? weights = null)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(isPositive);
        var (won, pairs) = (0.0, 0.0);
        for (var i = 0; i < scores.Count; i++)
        {
            for (var j = 0; j < scores.Count && isPositive[i]; j++)
            {
                if (!isPositive[j])
                {
                    var weight = (double)(weights?[i] ?? 1) * (weights?[j] ?? 1);
                    pairs += weight;
                    won += weight * (scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? .5 : 0);
                }
            }
        }

        return won / pairs;
    }
}
