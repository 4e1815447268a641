using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// A ridge regression per model on <see cref="HashedFeatures"/>, one of its quality and one of its log cost; alpha by squared error on a validation fifth, one for all qualities and one for all costs.
/// exp of an expected log falls short of the expected cost: each model's costs are scaled to be right on average over the validation rows.
/// </summary>
public sealed class PerModelRidge : IOutcomeModel
{
    private const double LeastCostUsd = 1e-9;

    private static readonly float[] s_alphas = [.3f, 1, 3, 10];

    public string Name => "ridge";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var (models, features) = (train.ModelCount, new HashedFeatures(train.Queries));
        var (x, targets) = (features.Transform(train.Queries), Targets(train));
        var (fit, validate) = ValidationFifth.Of(train.Ids, seed);
        var (xFit, yFit, xValidate, yValidate) = (x.Take(fit), DenseRows.Take(targets, fit, 2 * models), x.Take(validate), DenseRows.Take(targets, validate, 2 * models));

        var validated = new float[s_alphas.Length][];
        Parallel.For(0, s_alphas.Length, a => validated[a] = SparseRidge.Fit(xFit, yFit, 2 * models, s_alphas[a], cancellationToken).Predict(xValidate));
        var forQuality = Best(validated, yValidate, models, cost: false);
        var forCost = Best(validated, yValidate, models, cost: true);

        var alphas = new[] { forQuality, forCost }.Distinct().ToArray();
        var final = new float[s_alphas.Length][];
        var xTest = features.Transform(test.Queries);
        Parallel.ForEach(alphas, a => final[a] = SparseRidge.Fit(x, targets, 2 * models, s_alphas[a], cancellationToken).Predict(xTest));

        var correction = MeanCorrection(validated[forCost], yValidate, models);
        var (quality, cost) = (new float[test.Rows * models], new double[test.Rows * models]);
        for (var i = 0; i < quality.Length; i++)
        {
            var (at, m) = ((i / models * 2 * models) + (i % models), i % models);
            (quality[i], cost[i]) = (Math.Clamp(final[forQuality][at], 0, 1), correction[m] * Math.Exp(final[forCost][at + models]));
        }

        return new OutcomePredictions(quality, cost);
    }

    /// <summary>Rows x 2 K: the qualities, then the log costs.</summary>
    private static float[] Targets(OutcomeTable table)
    {
        var k = table.ModelCount;
        var targets = new float[table.Rows * 2 * k];
        for (var i = 0; i < table.Score.Length; i++)
        {
            var at = (i / k * 2 * k) + (i % k);
            var known = !float.IsNaN(table.Score[i]) && !double.IsNaN(table.CostUsd[i]);
            targets[at] = known ? table.Score[i] : float.NaN;
            targets[at + k] = known ? (float)Math.Log(Math.Max(table.CostUsd[i], LeastCostUsd)) : float.NaN;
        }

        return targets;
    }

    private static int Best(float[][] predicted, float[] y, int models, bool cost)
    {
        var best = (Error: double.PositiveInfinity, Index: 0);
        for (var a = 0; a < predicted.Length; a++)
        {
            var error = 0.0;
            for (var i = 0; i < y.Length; i++)
            {
                if (i % (2 * models) >= models == cost && !float.IsNaN(y[i]))
                {
                    error += (predicted[a][i] - (double)y[i]) * (predicted[a][i] - y[i]);
                }
            }

            best = error < best.Error ? (error, a) : best;
        }

        return best.Index;
    }

    private static double[] MeanCorrection(float[] predicted, float[] y, int models)
    {
        var (real, guessed) = (new double[models], new double[models]);
        for (var i = 0; i < y.Length; i++)
        {
            if (i % (2 * models) - models is var m && m >= 0 && !float.IsNaN(y[i]))
            {
                real[m] += Math.Exp(y[i]);
                guessed[m] += Math.Exp(predicted[i]);
            }
        }

        return [.. real.Zip(guessed, (r, g) => r > 0 && g > 0 ? r / g : 1)];
    }
}
