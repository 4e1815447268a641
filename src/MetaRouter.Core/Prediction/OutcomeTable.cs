using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// Known outcomes of K models on n requests: what predictors are trained and routers are scored on.
/// Matrices are row-major n x K; NaN means not observed.
/// </summary>
public sealed class OutcomeTable
{
    /// <exception cref="ArgumentException">A matrix or list has another shape than queries x models.</exception>
    public OutcomeTable(
        string name,
        IReadOnlyList<ModelId> models,
        IReadOnlyList<string> ids,
        IReadOnlyList<string> queries,
        IReadOnlyList<string> groups,
        float[] score,
        double[] costUsd,
        float[] inputTokens,
        float[] outputTokens,
        float[] latencySeconds)
    {
        Name = name;
        Models = models;
        Ids = ids;
        Queries = queries;
        Groups = groups;
        Score = score;
        CostUsd = costUsd;
        InputTokens = inputTokens;
        OutputTokens = outputTokens;
        LatencySeconds = latencySeconds;
        var cells = queries.Count * models.Count;
        if (ids.Count != queries.Count || groups.Count != queries.Count || score.Length != cells
            || costUsd.Length != cells || inputTokens.Length != cells || outputTokens.Length != cells || latencySeconds.Length != cells)
        {
            throw new ArgumentException($"Outcome table '{name}' of {queries.Count} queries x {models.Count} models needs {cells} cells in each matrix and one id and group per query.");
        }
    }

    public string Name { get; }

    public IReadOnlyList<ModelId> Models { get; }

    public IReadOnlyList<string> Ids { get; }

    public IReadOnlyList<string> Queries { get; }

    /// <summary>The category of each request where the file has one, else its data set.</summary>
    public IReadOnlyList<string> Groups { get; }

    /// <summary>0 to 1, or NaN.</summary>
    public float[] Score { get; }

    /// <summary>US dollars of the one call, or NaN: unknown is never 0.</summary>
    public double[] CostUsd { get; }

    /// <summary>Prompt tokens, or NaN.</summary>
    public float[] InputTokens { get; }

    /// <summary>Completion tokens, or NaN.</summary>
    public float[] OutputTokens { get; }

    /// <summary>Seconds, or NaN.</summary>
    public float[] LatencySeconds { get; }

    public int Rows => Queries.Count;

    public int ModelCount => Models.Count;

    /// <summary>The same table with only these rows, in this order.</summary>
    public OutcomeTable Take(ReadOnlySpan<int> rows)
    {
        var k = ModelCount;
        var (ids, queries, groups) = (new string[rows.Length], new string[rows.Length], new string[rows.Length]);
        var (score, cost, input, output, latency) = (new float[rows.Length * k], new double[rows.Length * k], new float[rows.Length * k], new float[rows.Length * k], new float[rows.Length * k]);
        for (var i = 0; i < rows.Length; i++)
        {
            var (from, to) = (rows[i] * k, i * k);
            (ids[i], queries[i], groups[i]) = (Ids[rows[i]], Queries[rows[i]], Groups[rows[i]]);
            Score.AsSpan(from, k).CopyTo(score.AsSpan(to));
            CostUsd.AsSpan(from, k).CopyTo(cost.AsSpan(to));
            InputTokens.AsSpan(from, k).CopyTo(input.AsSpan(to));
            OutputTokens.AsSpan(from, k).CopyTo(output.AsSpan(to));
            LatencySeconds.AsSpan(from, k).CopyTo(latency.AsSpan(to));
        }

        return new OutcomeTable(Name, Models, ids, queries, groups, score, cost, input, output, latency);
    }
}
