using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Baselines.Learning;

/// <summary>Each model's mean outcome within each cluster of requests.</summary>
internal static class ClusterMeans
{
    /// <param name="rows">The table's rows to average.</param>
    /// <param name="of">The cluster of each of them.</param>
    /// <param name="shrinkage">This many rows of the model's overall mean join every cluster; a cluster without a row is the overall mean.</param>
    /// <returns>Clusters x models.</returns>
    public static (double[] Quality, double[] CostUsd) Of(OutcomeTable table, int[] rows, int[] of, int clusters, double shrinkage)
    {
        var k = table.ModelCount;
        var (meanQuality, meanCost) = ColumnMeans.Of(table);
        var (quality, cost, seen) = (new double[clusters * k], new double[clusters * k], new double[clusters * k]);
        for (var i = 0; i < rows.Length; i++)
        {
            for (var m = 0; m < k; m++)
            {
                var (from, to) = ((rows[i] * k) + m, (of[i] * k) + m);
                if (!float.IsNaN(table.Score[from]) && !double.IsNaN(table.CostUsd[from]))
                {
                    (quality[to], cost[to], seen[to]) = (quality[to] + table.Score[from], cost[to] + table.CostUsd[from], seen[to] + 1);
                }
            }
        }

        for (var at = 0; at < quality.Length; at++)
        {
            var more = seen[at] == 0 ? 1 : shrinkage;
            (quality[at], cost[at]) = ((quality[at] + (more * meanQuality[at % k])) / (seen[at] + more), (cost[at] + (more * meanCost[at % k])) / (seen[at] + more));
        }

        return (quality, cost);
    }
}
