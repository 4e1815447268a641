using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Baselines;

internal static class ColumnMeans
{
    /// <summary>Each model's mean score and cost over the rows that know it.</summary>
    /// <exception cref="ArgumentException">A model has no known outcome.</exception>
    public static (double[] Quality, double[] CostUsd) Of(OutcomeTable table)
    {
        var k = table.ModelCount;
        var (quality, cost, seen) = (new double[k], new double[k], new int[k]);
        for (var i = 0; i < table.Score.Length; i++)
        {
            if (!float.IsNaN(table.Score[i]) && !double.IsNaN(table.CostUsd[i]))
            {
                quality[i % k] += table.Score[i];
                cost[i % k] += table.CostUsd[i];
                seen[i % k]++;
            }
        }

        for (var m = 0; m < k; m++)
        {
            if (seen[m] == 0)
            {
                throw new ArgumentException($"Table '{table.Name}' has no outcome of model '{table.Models[m]}'; a router cannot learn it from {table.Rows} rows.", nameof(table));
            }

            quality[m] /= seen[m];
            cost[m] /= seen[m];
        }

        return (quality, cost);
    }
}
