using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// What ships, taught by other models' answers as well: a request that many models failed is hard for the tested ones too, and the low-rank model shares
/// a request's difficulty among all. So a table of two models learns from every file there is, as <c>metarouter train</c> does.
/// </summary>
/// <param name="name">The row's name.</param>
/// <param name="ours">What is taught: what ships, or that with a part taken away.</param>
/// <param name="others">Outcomes of any models; a text that is tested is passed over, and of a model that answered a text twice the training table's outcome stands.</param>
public sealed class WithOtherModels(string name, MetaRouterModel ours, IReadOnlyList<OutcomeTable> others) : IOutcomeModel
{
    public string Name => name;

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var tested = test.Queries.ToHashSet(StringComparer.Ordinal);
        var untested = others.Select(t => t.Take([.. Enumerable.Range(0, t.Rows).Where(row => !tested.Contains(t.Queries[row]))]));
        var (union, _) = OutcomeTables.Union(train.Name, [train, .. untested]);
        var column = union.Models.Index().ToDictionary(m => m.Item, m => m.Index);
        var taught = OutcomeTables.Of(union, [.. train.Models.Select(m => column[m]), .. column.Where(c => !train.Models.Contains(c.Key)).Select(c => c.Value)]);
        var predicted = ours.FitPredict(taught, OutcomeTables.Widened(test, taught.Models), seed, cancellationToken);
        return new OutcomePredictions(Tested(predicted.Quality), Tested(predicted.CostUsd)) { Counted = Tested(predicted.Counted) };

        T[] Tested<T>(T[] cells) => [.. Enumerable.Range(0, test.Rows * test.ModelCount).Select(i => cells[(i / test.ModelCount * taught.ModelCount) + (i % test.ModelCount)])];
    }
}
