using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// The mean outcome of the k nearest training requests by cosine on <see cref="HashedFeatures"/>; k from {10, 20, 40, 80, 160, 320} by squared error of the quality on a validation fifth.
/// A request with fewer neighbours that share a word is filled up with the model's mean. O(n) a request, by inverted index.
/// </summary>
public sealed class Knn : IOutcomeModel
{
    private static readonly int[] s_neighbours = [10, 20, 40, 80, 160, 320];

    public string Name => "knn";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var (fit, validate) = ValidationFifth.Of(train.Ids, seed);
        var (fitTable, validateTable) = (train.Take(fit), train.Take(validate));
        var predictions = Predict(fitTable, validateTable.Queries, s_neighbours, cancellationToken);
        var best = predictions.Select(p => ValidationFifth.SquaredError(p.Quality, validateTable.Score)).Index().MinBy(e => e.Item).Index;
        return Predict(train, test.Queries, [s_neighbours[best]], cancellationToken)[0];
    }

    private static OutcomePredictions[] Predict(OutcomeTable train, IReadOnlyList<string> queries, int[] neighbours, CancellationToken cancellationToken)
    {
        var features = new HashedFeatures(train.Queries);
        var index = features.Transform(train.Queries).Transpose();
        var rows = features.Transform(queries);
        var models = train.ModelCount;
        var (meanQuality, meanCost) = ColumnMeans.Of(train);
        var predictions = neighbours.Select(_ => new OutcomePredictions(new float[queries.Count * models], new double[queries.Count * models])).ToArray();
        Parallel.For(0, queries.Count, new ParallelOptions { CancellationToken = cancellationToken }, () => new Scratch(train.Rows), (row, _, scratch) =>
        {
            var near = Nearest(rows, row, index, scratch, neighbours[^1]);
            for (var p = 0; p < neighbours.Length; p++)
            {
                for (var m = 0; m < models; m++)
                {
                    var (quality, cost, seen) = (0.0, 0.0, 0);
                    for (var i = 0; i < near && i < neighbours[p]; i++)
                    {
                        var at = (scratch.Best[i] * models) + m;
                        if (!float.IsNaN(train.Score[at]) && !double.IsNaN(train.CostUsd[at]))
                        {
                            (quality, cost, seen) = (quality + train.Score[at], cost + train.CostUsd[at], seen + 1);
                        }
                    }

                    var missing = neighbours[p] - seen;
                    predictions[p].Quality[(row * models) + m] = (float)((quality + (missing * meanQuality[m])) / neighbours[p]);
                    predictions[p].CostUsd[(row * models) + m] = (cost + (missing * meanCost[m])) / neighbours[p];
                }
            }

            return scratch;
        }, _ => { });
        return predictions;
    }

    /// <summary>Puts the nearest rows into scratch.Best, nearest first, ties by row number; returns how many there are.</summary>
    private static int Nearest(SparseRows rows, int row, SparseRows index, Scratch scratch, int most)
    {
        var similarity = scratch.Similarity;
        Array.Clear(similarity);
        var columns = rows.Indexes(row);
        var values = rows.Values(row);
        for (var i = 0; i < columns.Length; i++)
        {
            var postings = index.Indexes(columns[i]);
            var weights = index.Values(columns[i]);
            for (var p = 0; p < postings.Length; p++)
            {
                similarity[postings[p]] += values[i] * weights[p];
            }
        }

        // A sorted list of the best so far: nearly every row fails the first comparison.
        var (count, best) = (0, scratch.Best);
        for (var r = 0; r < similarity.Length; r++)
        {
            var s = similarity[r];
            if (s <= 0 || (count == most && s <= similarity[best[count - 1]]))
            {
                continue;
            }

            var at = count < most ? count++ : count - 1;
            for (; at > 0 && similarity[best[at - 1]] < s; at--)
            {
                best[at] = best[at - 1];
            }

            best[at] = r;
        }

        return count;
    }

    private sealed class Scratch(int rows)
    {
        public float[] Similarity { get; } = new float[rows];

        public int[] Best { get; } = new int[s_neighbours[^1]];
    }
}
