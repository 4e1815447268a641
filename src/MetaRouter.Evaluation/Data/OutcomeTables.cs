using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Data;

public static class OutcomeTables
{
    /// <summary>One table of all rows, in order. Columns join by position and take these names, since files spell a model differently; a text seen before is dropped.</summary>
    /// <exception cref="ArgumentException">A table has another number of models.</exception>
    public static OutcomeTable Join(string name, IReadOnlyList<ModelId> models, IReadOnlyList<OutcomeTable> tables)
    {
        ArgumentNullException.ThrowIfNull(models);
        ArgumentNullException.ThrowIfNull(tables);
        if (tables.FirstOrDefault(t => t.ModelCount != models.Count) is { } odd)
        {
            throw new ArgumentException($"Table '{odd.Name}' has {odd.ModelCount} models; the join has {models.Count}.", nameof(tables));
        }

        var texts = new HashSet<string>(StringComparer.Ordinal);
        OutcomeTable[] parts = [.. tables.Select(t => t.Take([.. Enumerable.Range(0, t.Rows).Where(row => texts.Add(t.Queries[row]))]))];
        return new OutcomeTable(
            name,
            models,
            [.. parts.SelectMany(t => t.Ids)],
            [.. parts.SelectMany(t => t.Queries)],
            [.. parts.SelectMany(t => t.Groups)],
            [.. parts.SelectMany(t => t.Score)],
            [.. parts.SelectMany(t => t.CostUsd)],
            [.. parts.SelectMany(t => t.InputTokens)],
            [.. parts.SelectMany(t => t.OutputTokens)],
            [.. parts.SelectMany(t => t.LatencySeconds)]);
    }
}
