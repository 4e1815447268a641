using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines.Learning;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// Avengers-Pro (arXiv:2508.12631): k-means over requests; in each cluster a model's score is alpha p + (1 - alpha)(1 - c), p and c its mean performance and cost
/// there, scaled to 0 to 1 over the models; a request takes the sum over its nearest 4 clusters.
/// </summary>
/// <remarks>
/// Their alpha is one number for everybody: the static form takes the one that earned most for the protocol's users on a validation fifth. Given the user's true
/// trade-off it takes, for each lambda, the alpha that earned most there: more than the paper does, so that the comparison is of clusters and not of scales.
/// So is the number of clusters chosen there, by squared error of the quality, where the paper has 60 for more rows than a pool's half.
/// </remarks>
/// <param name="isStatic">One alpha for everybody.</param>
public sealed class AvengersPro(bool isStatic) : IOutcomeModel
{
    private const int Near = 4, Alphas = 41;

    private static readonly int[] s_clusters = [10, 20, 30, 60];

    public string Name => isStatic ? "avengers-pro, static" : "avengers-pro, true trade-off";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var k = train.ModelCount;
        var (text, tested) = TextVectors.Read(train, test);
        var (fit, validate) = ValidationFifth.Of(train.Ids, seed);
        var truth = train.Take(validate);
        var (clusters, held) = s_clusters.Select(c => (c, Scored: Score(train, text, fit, text, validate, c, seed, cancellationToken)))
            .MinBy(c => ValidationFifth.SquaredError(c.Scored.Quality, truth.Score));
        var played = PlayedSettings.Play(truth, Enumerable.Range(0, Alphas).Select(a => a / (Alphas - 1.0)), (row, m, alpha) => held.At(row, k, m, alpha));
        var dearest = Math.Max(ColumnMeans.Of(train).CostUsd.Max(), 1e-12);
        var scored = Score(train, text, [.. Enumerable.Range(0, train.Rows)], tested, [.. Enumerable.Range(0, test.Rows)], clusters, seed, cancellationToken);
        return new Predictions(scored, k, played, isStatic ? played.Best(SimulatedUser.MeanCostShare / (1 - SimulatedUser.MeanCostShare) / dearest) : null);
    }

    private static Scored Score(OutcomeTable table, TextVectors text, int[] known, TextVectors asked, int[] rows, int count, int seed, CancellationToken cancellationToken)
    {
        var k = table.ModelCount;
        var clusters = KMeans.Fit(text, known, count, seed, cancellationToken);
        var (quality, cost) = ClusterMeans.Of(table, known, [.. known.Select(row => clusters.Nearest(text.Dense(row)))], clusters.Count, shrinkage: 0);
        var (performance, cheapness) = (Scale(quality, k), Scale(cost, k).Select(c => 1 - c).ToArray());
        var scored = new Scored(new float[rows.Length * k], new double[rows.Length * k], new double[rows.Length * k], new double[rows.Length * k]);
        Parallel.For(0, rows.Length, new ParallelOptions { CancellationToken = cancellationToken }, i =>
        {
            var near = Enumerable.Range(0, clusters.Count).OrderBy(c => clusters.HalfDistance(asked.Dense(rows[i]), c)).Take(Near).ToArray();
            for (var m = 0; m < k; m++)
            {
                var at = (i * k) + m;
                scored.Quality[at] = (float)near.Average(c => quality[(c * k) + m]);
                scored.CostUsd[at] = near.Average(c => cost[(c * k) + m]);
                scored.Performance[at] = near.Average(c => performance[(c * k) + m]);
                scored.Cheapness[at] = near.Average(c => cheapness[(c * k) + m]);
            }
        });
        return scored;
    }

    /// <summary>Each cluster's values moved to 0 to 1 over the models; all equal: 0.</summary>
    private static double[] Scale(double[] values, int models)
    {
        var scaled = new double[values.Length];
        for (var from = 0; from < values.Length; from += models)
        {
            var cluster = values.AsSpan(from, models).ToArray();
            var (low, high) = (cluster.Min(), cluster.Max());
            for (var m = 0; m < models && high > low; m++)
            {
                scaled[from + m] = (cluster[m] - low) / (high - low);
            }
        }

        return scaled;
    }

    /// <summary>Rows x models: raw means, and the two scaled ones.</summary>
    private sealed record Scored(float[] Quality, double[] CostUsd, double[] Performance, double[] Cheapness)
    {
        public double At(int row, int models, int model, double alpha)
        {
            var at = (row * models) + model;
            return (alpha * Performance[at]) + ((1 - alpha) * Cheapness[at]);
        }
    }

    private sealed record Predictions(Scored Scored, int Models, PlayedSettings Played, double? Alpha) : OutcomePredictions(Scored.Quality, Scored.CostUsd)
    {
        public override void Worth(int row, double price, Span<double> worth)
        {
            var alpha = Alpha ?? Played.Best(price);
            for (var m = 0; m < worth.Length; m++)
            {
                worth[m] = Scored.At(row, Models, m, alpha);
            }
        }
    }
}
