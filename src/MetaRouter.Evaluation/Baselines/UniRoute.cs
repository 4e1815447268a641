using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines.Learning;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// UniRoute's learned cluster map (arXiv:2502.08773): a model is the vector of its mean scores on clusters of representative requests, a request the softmax of
/// a linear map to those clusters, and the expected score is their inner product. A new model needs its vector and nothing else.
/// </summary>
/// <remarks>
/// The map starts as the clustering itself (a softmax of distances) and is learned by cross-entropy over all models' scores. Costs are averaged by the same weights.
/// The number of clusters, weight decay and epochs by a validation fifth. O(n k (d + K)) an epoch.
/// </remarks>
public sealed class UniRoute : IOutcomeModel
{
    private static readonly int[] s_clusters = [10, 30];

    // Rows of a model's overall mean that join each cluster: small clusters are mostly noise.
    private const double Shrinkage = 5;

    private static readonly Descent.Options s_options = new(Epochs: 15, Rate: 3e-3, Decays: [1e-3, 1e-2, 1e-1]);

    public string Name => "uniroute";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var k = train.ModelCount;
        var (text, tested) = TextVectors.Read(train, test);
        var (fit, validate) = ValidationFifth.Of(train.Ids, seed);
        var (clusters, chosen) = s_clusters.Select(c => (c, Fitted: Descent.Choose(Learn(fit, c).Loss, fit, validate, s_options, seed, cancellationToken))).MinBy(c => c.Fitted.Held);
        var (loss, cost) = Learn([.. Enumerable.Range(0, train.Rows)], clusters);
        var weights = Descent.Again(loss, train.Rows, chosen, s_options, seed, cancellationToken);
        var predictions = new OutcomePredictions(new float[test.Rows * k], new double[test.Rows * k]);
        var share = new double[loss.Clusters];
        for (var row = 0; row < test.Rows; row++)
        {
            loss.Share(weights, tested.Of(row), share);
            for (var m = 0; m < k; m++)
            {
                for (var c = 0; c < share.Length; c++)
                {
                    predictions.Quality[(row * k) + m] += (float)(share[c] * loss.Quality[(c * k) + m]);
                    predictions.CostUsd[(row * k) + m] += share[c] * cost[(c * k) + m];
                }
            }
        }

        return predictions;

        (Loss Loss, double[] Cost) Learn(int[] rows, int clusters)
        {
            var means = KMeans.Fit(text, rows, clusters, seed, cancellationToken);
            var (quality, cost) = ClusterMeans.Of(train, rows, [.. rows.Select(row => means.Nearest(text.Dense(row)))], means.Count, Shrinkage);
            return (new Loss(train, text, quality, means, rows), cost);
        }
    }

    /// <summary>Mean cross-entropy of a request's scores against the expected ones.</summary>
    /// <param name="quality">Clusters x models.</param>
    /// <param name="rows">Where the map is started from.</param>
    internal sealed class Loss(OutcomeTable table, TextVectors text, double[] quality, KMeans clusters, int[] rows) : ILoss
    {
        private const double Least = 1e-3;

        private readonly Layer _map = new(0, TextVectors.Length, clusters.Count);

        public int Clusters => clusters.Count;

        public double[] Quality => quality;

        /// <summary>Each cluster's weights: the mean of its rows' scaled features, over their number, so that its own rows score high on it.</summary>
        public double[] Start(Random random)
        {
            var weights = new double[_map.End];
            var count = new double[Clusters];
            foreach (var row in rows)
            {
                var c = clusters.Nearest(text.Dense(row));
                count[c]++;
                var to = weights.AsSpan(c * TextVectors.Length, TextVectors.Length);
                System.Numerics.Tensors.TensorPrimitives.Add(to, text.Of(row), to);
            }

            for (var c = 0; c < Clusters; c++)
            {
                var to = weights.AsSpan(c * TextVectors.Length, TextVectors.Length);
                System.Numerics.Tensors.TensorPrimitives.Divide(to, Math.Max(count[c], 1) * Math.Sqrt(TextVectors.Length), to);
            }

            return weights;
        }

        public double Of(ReadOnlySpan<double> weights, int row, Span<double> gradient)
        {
            var k = table.ModelCount;
            Span<double> share = stackalloc double[Clusters];
            Span<double> pull = stackalloc double[Clusters];
            Share(weights, text.Of(row), share);
            pull.Clear();
            var (loss, known) = (0.0, 0);
            for (var m = 0; m < k; m++)
            {
                double score = table.Score[(row * k) + m];
                if (double.IsNaN(score))
                {
                    continue;
                }

                var expected = 0.0;
                for (var c = 0; c < Clusters; c++)
                {
                    expected += share[c] * quality[(c * k) + m];
                }

                var p = Math.Clamp(expected, Least, 1 - Least);
                loss += CrossEntropy.Of(score, p);
                known++;
                for (var c = 0; c < Clusters && p == expected; c++)
                {
                    pull[c] += (p - score) / (p * (1 - p)) * quality[(c * k) + m];
                }
            }

            if (known == 0)
            {
                return 0;
            }

            if (!gradient.IsEmpty)
            {
                var mean = System.Numerics.Tensors.TensorPrimitives.Dot<double>(share, pull);
                for (var c = 0; c < Clusters; c++)
                {
                    pull[c] = share[c] * (pull[c] - mean) / known;
                }

                _map.Backward(weights, gradient, text.Of(row), pull, []);
            }

            return loss / known;
        }

        public void Share(ReadOnlySpan<double> weights, ReadOnlySpan<double> x, Span<double> share)
        {
            _map.Forward(weights, x, share);
            System.Numerics.Tensors.TensorPrimitives.SoftMax<double>(share, share);
        }
    }
}
