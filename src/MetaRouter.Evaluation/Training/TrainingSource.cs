using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Training;

/// <summary>Rows that nearly the same models answered, as of one benchmark of several that were joined.</summary>
/// <param name="Rows">Different requests.</param>
/// <param name="Files">Those with a tenth of their rows in it.</param>
/// <param name="Models">Those that answered a twentieth of its requests; one may be of several sources, or of none.</param>
public sealed record TrainingSource(int Rows, IReadOnlyList<string> Files, IReadOnlyList<string> Models)
{
    /// <summary>The sources of what a snapshot was trained on, by its forests' order; one where models were compared as they come.</summary>
    internal static IReadOnlyList<TrainingSource> Of(TrainingData data, Snapshot snapshot)
    {
        const int tenth = 10;
        var found = RowSources.Find(data.Table.Score, data.Table.ModelCount);
        var of = data.Table.Queries.Index().ToDictionary(q => q.Item, q => found.Of[q.Index], StringComparer.Ordinal);
        int[][] files = [.. data.Tables.Select(t => t.Queries.Where(of.ContainsKey).Select(q => of[q]).ToArray())];
        return [.. Enumerable.Range(0, found.Count).Select(s => new TrainingSource(
            found.Of.Count(o => o == s),
            [.. files.Index().Where(f => f.Item.Length > 0 && f.Item.Count(o => o == s) * tenth >= f.Item.Length).Select(f => data.Files[f.Index].Name)],
            [.. snapshot.Models.Where((_, k) => found.Count == 1 || (snapshot.Heads[k].KnownTo >> s & 1) == 1).Select(m => m.Id.Value)]))];
    }

    /// <summary>The models in groups of which no two ever answered the same request; one where all are linked by requests that they share.</summary>
    internal static IReadOnlyList<IReadOnlyList<ModelId>> Apart(OutcomeTable table)
    {
        int[] group = [.. Enumerable.Range(0, table.ModelCount)];
        for (var row = 0; row < table.Rows; row++)
        {
            var first = -1;
            for (var k = 0; k < group.Length; k++)
            {
                if (float.IsNaN(table.Score[(row * group.Length) + k]))
                {
                    continue;
                }

                first = first < 0 ? k : first;
                if (group[k] != group[first])
                {
                    var (from, to) = (group[k], group[first]);
                    group = [.. group.Select(g => g == from ? to : g)];
                }
            }
        }

        return [.. group.Index().GroupBy(g => g.Item, g => table.Models[g.Index]).Select(g => g.ToArray())];
    }
}
