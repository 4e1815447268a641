using System.Numerics.Tensors;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines.Learning;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// The mean outcome of the k nearest training requests, as RouterBench (arXiv:2403.12031) and "When Simple kNN Beats Complex Learned Routers" (arXiv:2505.12601) have it; k from
/// {10, 20, 40, 80, 160, 320} by squared error of the quality on a validation fifth, where they have 40, and 10 and 100. Near is what has a great cosine: of the vectors that the other
/// baselines learn from, which stand for the papers' sentence embeddings, or of words. A request with fewer neighbours of a cosine above 0 is filled up with the model's mean.
/// O(n D) a request by vectors; O(n) by words, with an inverted index.
/// </summary>
/// <param name="byWords">By <see cref="HashedFeatures"/> instead of by <see cref="TextVectors"/>: nothing is learned of the requests but which words are rare.</param>
public sealed class Knn(bool byWords) : IOutcomeModel
{
    private static readonly int[] s_neighbours = [10, 20, 40, 80, 160, 320];

    /// <summary>Cosine of one of the requests asked about with every known one.</summary>
    private delegate void Cosines(int asked, float[] known);

    public string Name => byWords ? "knn" : "knn-dense";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var (fit, validate) = ValidationFifth.Of(train.Ids, seed);
        var (fitTable, validateTable) = (train.Take(fit), train.Take(validate));
        var (text, tested) = byWords ? default : TextVectors.Read(train, test);
        var predictions = Predict(fitTable, validate.Length, byWords ? Words(fitTable, validateTable) : Vectors(text, fit, text, validate), s_neighbours, cancellationToken);
        var best = predictions.Select(p => ValidationFifth.SquaredError(p.Quality, validateTable.Score)).Index().MinBy(e => e.Item).Index;
        var asked = byWords ? Words(train, test) : Vectors(text, [.. Enumerable.Range(0, train.Rows)], tested, [.. Enumerable.Range(0, test.Rows)]);
        return Predict(train, test.Rows, asked, [s_neighbours[best]], cancellationToken)[0];
    }

    private static Cosines Words(OutcomeTable known, OutcomeTable asked)
    {
        var features = new HashedFeatures(known.Queries);
        var index = features.Transform(known.Queries).Transpose();
        var rows = features.Transform(asked.Queries);
        return (row, cosines) =>
        {
            Array.Clear(cosines);
            var columns = rows.Indexes(row);
            var values = rows.Values(row);
            for (var i = 0; i < columns.Length; i++)
            {
                var postings = index.Indexes(columns[i]);
                var weights = index.Values(columns[i]);
                for (var p = 0; p < postings.Length; p++)
                {
                    cosines[postings[p]] += values[i] * weights[p];
                }
            }
        };
    }

    private static Cosines Vectors(TextVectors known, int[] knownRows, TextVectors asked, int[] askedRows) => (row, cosines) =>
    {
        var vector = asked.Dense(askedRows[row]);
        for (var i = 0; i < knownRows.Length; i++)
        {
            cosines[i] = (float)TensorPrimitives.Dot(vector, known.Dense(knownRows[i]));
        }
    };

    private static OutcomePredictions[] Predict(OutcomeTable train, int asked, Cosines cosines, int[] neighbours, CancellationToken cancellationToken)
    {
        var models = train.ModelCount;
        var (meanQuality, meanCost) = ColumnMeans.Of(train);
        var predictions = neighbours.Select(_ => new OutcomePredictions(new float[asked * models], new double[asked * models])).ToArray();
        Parallel.For(0, asked, new ParallelOptions { CancellationToken = cancellationToken }, () => new Scratch(train.Rows), (row, _, scratch) =>
        {
            cosines(row, scratch.Similarity);
            var near = Nearest(scratch, neighbours[^1]);
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
    private static int Nearest(Scratch scratch, int most)
    {
        // A sorted list of the best so far: nearly every row fails the first comparison.
        var (count, best, similarity) = (0, scratch.Best, scratch.Similarity);
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
