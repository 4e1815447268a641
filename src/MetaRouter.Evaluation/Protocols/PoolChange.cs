using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// What changes in a pool: a model arrives that was held out of training, the second best of the others leaves, the dearest of those that stay costs half.
/// The newcomer is the dearer of the two models whose names share the longest beginning, the other its declared sibling: what an operator would declare, no label needed.
/// </summary>
/// <param name="Newcomer">Column of the whole table, as are the others.</param>
/// <param name="Sibling">The newcomer's.</param>
internal sealed record PoolChange(int Newcomer, int Sibling, int Leaver, int Repriced)
{
    /// <summary>Graded answers of the newcomer where it has any.</summary>
    public const int Graded = 20;

    /// <summary>What the repriced model costs after the change, as a share of before.</summary>
    public const double Reprice = .5;

    /// <exception cref="DataFileException">Fewer than four models.</exception>
    public static PoolChange Of(OutcomeTable train)
    {
        var models = train.ModelCount;
        if (models < 4)
        {
            throw new DataFileException($"Pool '{train.Name}' has {models} models; a change of it needs at least four.");
        }

        var (score, cost) = ColumnMeans.Of(train);
        var (a, b) = (from i in Enumerable.Range(0, models) from j in Enumerable.Range(0, i) orderby Shared(train.Models[i].Value, train.Models[j].Value) descending, i select (i, j)).First();
        var (newcomer, sibling) = cost[a] > cost[b] ? (a, b) : (b, a);
        var stays = Enumerable.Range(0, models).Where(k => k != newcomer).ToList();
        var leaver = stays.OrderByDescending(k => score[k]).ElementAt(1);
        stays.Remove(leaver);
        return new PoolChange(newcomer, sibling, leaver, stays.MaxBy(k => cost[k]));
    }

    /// <summary>Columns of the pool before.</summary>
    public int[] Before(int models) => [.. Enumerable.Range(0, models).Where(k => k != Newcomer)];

    /// <summary>Columns of the pool after, the newcomer last.</summary>
    public int[] After(int models) => [.. Before(models).Where(k => k != Leaver), Newcomer];

    /// <summary>The table at the prices of after.</summary>
    public OutcomeTable Reprices(OutcomeTable table)
    {
        var cost = (double[])table.CostUsd.Clone();
        for (var i = Repriced; i < cost.Length; i += table.ModelCount)
        {
            cost[i] *= Reprice;
        }

        return new OutcomeTable(table.Name, table.Models, table.Ids, table.Queries, table.Groups, table.Score, cost, table.InputTokens, table.OutputTokens, table.LatencySeconds);
    }

    /// <summary>
    /// The newcomer as its operator lists it: prices as its bills have them, and the sibling. Where nobody counted tokens the bill of a call is all there is,
    /// listed as that of a typical one: the nominal meter would say no more than that a dollar is a dollar.
    /// </summary>
    public ModelProfile Profile(OutcomeTable train)
    {
        var column = OutcomeTables.Of(train, [Newcomer]);
        var fitted = PriceFit.Fit(column).Models[0] with { Sibling = train.Models[Sibling] };
        return PriceFit.IsNominal(fitted) ? fitted with { OutputPrice = new(column.CostUsd.Average() * 1e6 / ModelProfile.TypicalTokens) } : fitted;
    }

    /// <summary>The pool after, the newcomer last.</summary>
    /// <param name="before">In the order of <see cref="Before"/>.</param>
    public ModelCatalog Catalog(ModelCatalog before, OutcomeTable train)
    {
        var repriced = train.Models[Repriced];
        return new ModelCatalog([
            .. before.Models.Where(m => m.Id != train.Models[Leaver])
                .Select(m => m.Id == repriced ? m with { InputPrice = new(m.InputPrice.Usd * Reprice), OutputPrice = new(m.OutputPrice.Usd * Reprice) } : m),
            Profile(train),
        ]);
    }

    /// <summary>The snapshot of the pool before, and graded answers of the newcomer on some training rows.</summary>
    public Snapshot Grade(Snapshot before, OutcomeTable train, int seed)
    {
        var (rows, _) = Split.Draw(train.Ids, Math.Min(Graded, train.Rows), seed + 5000);
        return ModelArrival.Add(
            before, Profile(train),
            [.. rows.Select(row => (Cell: (row * train.ModelCount) + Newcomer, Row: row)).Select(c => new GradedAnswer(train.Queries[c.Row], train.Score[c.Cell], train.OutputTokens[c.Cell]))]);
    }

    private static int Shared(string a, string b) => a.Zip(b).TakeWhile(p => p.First == p.Second).Count();
}
