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

    /// <summary>
    /// One table of all rows over the union of the models, in ordinal order. Rows with equal text become one row; of a model that answered a text in several
    /// tables the first outcome stands. Ids are prefixed with their table's name, so that they stay unique.
    /// </summary>
    /// <returns>The table, and how many rows were merged into an earlier one.</returns>
    public static (OutcomeTable Table, int Merged) Union(string name, IReadOnlyList<OutcomeTable> tables)
    {
        ArgumentNullException.ThrowIfNull(tables);
        ModelId[] models = [.. tables.SelectMany(t => t.Models).Distinct().OrderBy(m => m.Value, StringComparer.Ordinal)];
        var column = models.Select((m, i) => (m, i)).ToDictionary(p => p.m, p => p.i);
        var rowOf = new Dictionary<string, int>(StringComparer.Ordinal);
        var (ids, queries, groups) = (new List<string>(), new List<string>(), new List<string>());
        foreach (var t in tables)
        {
            for (var row = 0; row < t.Rows; row++)
            {
                if (rowOf.TryAdd(t.Queries[row], queries.Count))
                {
                    ids.Add($"{t.Name}/{t.Ids[row]}");
                    queries.Add(t.Queries[row]);
                    groups.Add(t.Groups[row]);
                }
            }
        }

        var size = queries.Count * models.Length;
        var (score, cost, input, output, latency) = (Unknown<float>(size), Unknown<double>(size), Unknown<float>(size), Unknown<float>(size), Unknown<float>(size));
        foreach (var t in tables)
        {
            int[] columns = [.. t.Models.Select(m => column[m])];
            for (var from = 0; from < t.Score.Length; from++)
            {
                var to = (rowOf[t.Queries[from / columns.Length]] * models.Length) + columns[from % columns.Length];
                if (!float.IsNaN(t.Score[from]) && float.IsNaN(score[to]))
                {
                    (score[to], cost[to], input[to], output[to], latency[to]) = (t.Score[from], t.CostUsd[from], t.InputTokens[from], t.OutputTokens[from], t.LatencySeconds[from]);
                }
            }
        }

        return (new OutcomeTable(name, models, ids, queries, groups, score, cost, input, output, latency), tables.Sum(t => t.Rows) - queries.Count);
    }

    /// <summary>The same rows with only these models, in this order.</summary>
    public static OutcomeTable Of(OutcomeTable table, IReadOnlyList<int> models)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(models);
        return new OutcomeTable(
            table.Name, [.. models.Select(m => table.Models[m])], table.Ids, table.Queries,
            table.Groups, Columns(table.Score), Columns(table.CostUsd), Columns(table.InputTokens),
            Columns(table.OutputTokens), Columns(table.LatencySeconds));

        T[] Columns<T>(T[] cells)
        {
            var taken = new T[table.Rows * models.Count];
            for (var i = 0; i < taken.Length; i++)
            {
                taken[i] = cells[(i / models.Count * table.ModelCount) + models[i % models.Count]];
            }

            return taken;
        }
    }

    /// <summary>The table without the models that have no priced outcome in it; the table itself where all have one.</summary>
    public static OutcomeTable Priced(OutcomeTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        int[] priced = [.. Enumerable.Range(0, table.ModelCount).Where(k => Enumerable.Range(0, table.Rows).Any(row => !double.IsNaN(table.CostUsd[(row * table.ModelCount) + k])))];
        return priced.Length == table.ModelCount ? table : Of(table, priced);
    }

    /// <summary>The same rows with more models, of which nothing is known.</summary>
    /// <param name="models">The table's models first, in their order.</param>
    public static OutcomeTable Widened(OutcomeTable table, IReadOnlyList<ModelId> models)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(models);
        if (!models.Take(table.ModelCount).SequenceEqual(table.Models))
        {
            throw new ArgumentException(
                $"The wider table begins with {string.Join(", ", models.Take(table.ModelCount))}; it must begin with the models of '{table.Name}', {string.Join(", ", table.Models)}.",
                nameof(models));
        }

        return new OutcomeTable(
            table.Name, models, table.Ids, table.Queries, table.Groups, Columns(table.Score),
            Columns(table.CostUsd), Columns(table.InputTokens), Columns(table.OutputTokens), Columns(table.LatencySeconds));

        T[] Columns<T>(T[] cells)
            where T : System.Numerics.IFloatingPointIeee754<T>
        {
            var wide = Unknown<T>(table.Rows * models.Count);
            for (var i = 0; i < cells.Length; i++)
            {
                wide[(i / table.ModelCount * models.Count) + (i % table.ModelCount)] = cells[i];
            }

            return wide;
        }
    }

    private static T[] Unknown<T>(int size)
        where T : System.Numerics.IFloatingPointIeee754<T>
    {
        var cells = new T[size];
        Array.Fill(cells, T.NaN);
        return cells;
    }
}
