using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines.Learning;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// Ridge regression (Hoerl and Kennard 1970) for each model, the linear utility predictor that arXiv:2505.12601 compares kNN with: two per model (<see cref="RidgeDesign"/>, which
/// chooses their penalties), of its quality and of its log cost. exp of an expected log falls short of the expected cost:
/// each model's costs are scaled to be right on average over the training rows. O(n D^2 + D^3).
/// </summary>
public sealed class PerModelRidge : IOutcomeModel
{
    private const double LeastCostUsd = 1e-9;

    public string Name => "ridge";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var (text, tested) = TextVectors.Read(train, test);
        var models = train.ModelCount;
        var predictions = new OutcomePredictions(new float[test.Rows * models], new double[test.Rows * models]);
        var all = new Lazy<RidgeDesign>(() => new RidgeDesign(text.Features, TextVectors.Length));
        Parallel.For(0, models, new ParallelOptions { CancellationToken = cancellationToken }, m =>
        {
            int[] known = [.. Enumerable.Range(0, train.Rows).Where(row => !float.IsNaN(train.Score[(row * models) + m]) && !double.IsNaN(train.CostUsd[(row * models) + m]))];
            var x = known.Length == train.Rows ? text.Features : DenseRows.Take(text.Features, known, TextVectors.Length);
            var design = known.Length == train.Rows ? all.Value : new RidgeDesign(x, TextVectors.Length);
            var quality = design.Fit([.. known.Select(row => train.Score[(row * models) + m])]);
            var log = design.Fit([.. known.Select(row => (float)Math.Log(Math.Max(train.CostUsd[(row * models) + m], LeastCostUsd)))]);
            var scale = known.Sum(row => train.CostUsd[(row * models) + m]) / known.Select((_, i) => Math.Exp(log.Predict(Row(x, i)))).Sum();
            for (var row = 0; row < test.Rows; row++)
            {
                predictions.Quality[(row * models) + m] = Math.Clamp(quality.Predict(Row(tested.Features, row)), 0, 1);
                predictions.CostUsd[(row * models) + m] = scale * Math.Exp(log.Predict(Row(tested.Features, row)));
            }
        });
        return predictions;

        static ReadOnlySpan<float> Row(float[] x, int row) => x.AsSpan(row * TextVectors.Length, TextVectors.Length);
    }
}
