using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Data;

/// <summary>The models of an outcome file to choose among where nobody named any.</summary>
public static class SharedModels
{
    /// <summary>
    /// Models in the order of how many rows they answered, as long as at least half of all rows stay complete; in ordinal order. Fewer than two: the file has none to route among.
    /// </summary>
    public static IReadOnlyList<ModelId> Of(OutcomeTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        var (answered, complete) = (Answered(table), Enumerable.Repeat(true, table.Rows).ToArray());
        var taken = new List<ModelId>();
        foreach (var k in Enumerable.Range(0, table.ModelCount).OrderByDescending(k => answered[k].Count(yes => yes)).ThenBy(k => k))
        {
            var both = complete.Zip(answered[k], (a, b) => a && b).ToArray();
            if (2 * both.Count(yes => yes) >= table.Rows)
            {
                taken.Add(table.Models[k]);
                complete = both;
            }
        }

        return [.. taken.OrderBy(m => m.Value, StringComparer.Ordinal)];
    }

    private static bool[][] Answered(OutcomeTable table) =>
        [.. Enumerable.Range(0, table.ModelCount).Select(k => Enumerable.Range(0, table.Rows).Select(i => !float.IsNaN(table.Score[(i * table.ModelCount) + k])).ToArray())];
}
