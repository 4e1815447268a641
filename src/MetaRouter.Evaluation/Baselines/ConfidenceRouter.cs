using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines.Learning;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// Confidence-driven routing (arXiv:2502.11021): how sure a model is of a request is both the label a router is trained on, in place of human preferences, and a
/// feature of the request. A logistic regression per model on the request, its neighbours' mean score and the entropy of it.
/// </summary>
/// <remarks>
/// The paper takes semantic entropy over several sampled answers. Outcome files hold one graded answer a model, so confidence is taken over like requests
/// instead of over like answers: the mean score of a request's 20 nearest others. The label is half that and half the request's own score, which keeps the
/// level right. O(n^2 d) for the neighbours, O(n K D) an epoch.
/// </remarks>
public sealed class ConfidenceRouter : IOutcomeModel
{
    private const int Near = 20, Extra = 2;

    private const double OwnShare = .5;

    private static readonly Descent.Options s_options = new(Epochs: 15, Rate: 3e-3, Decays: [1e-2, 1e-1, 1]);

    public string Name => "confidence-driven";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var k = train.ModelCount;
        var (text, tested) = TextVectors.Read(train, test);
        var (quality, cost) = ColumnMeans.Of(train);
        var (fit, validate) = ValidationFifth.Of(train.Ids, seed);
        var loss = new Loss(train, text, Confidence(train, quality, text, text, skipSelf: true, cancellationToken), quality);
        var chosen = Descent.Choose(loss, fit, validate, s_options, seed, cancellationToken);
        var weights = Descent.Again(loss, train.Rows, chosen, s_options, seed, cancellationToken);
        var confidence = Confidence(train, quality, text, tested, skipSelf: false, cancellationToken);
        var predictions = new OutcomePredictions(new float[test.Rows * k], [.. Enumerable.Range(0, test.Rows * k).Select(i => cost[i % k])]);
        for (var i = 0; i < predictions.Quality.Length; i++)
        {
            predictions.Quality[i] = (float)Logistic.Sigmoid(loss.Logit(weights, tested.Of(i / k), confidence[i], i % k));
        }

        return predictions;
    }

    /// <summary>Rows x models: the mean score of the nearest training requests.</summary>
    private static double[] Confidence(OutcomeTable train, double[] means, TextVectors text, TextVectors asked, bool skipSelf, CancellationToken cancellationToken)
    {
        var k = train.ModelCount;
        var confidence = new double[asked.Rows * k];
        Parallel.For(0, asked.Rows, new ParallelOptions { CancellationToken = cancellationToken }, () => (Similarity: new double[Near], Row: new int[Near]), (row, _, nearest) =>
        {
            // A sorted list of the best so far: nearly every row fails the first comparison.
            var found = 0;
            for (var i = 0; i < train.Rows; i++)
            {
                var similarity = skipSelf && i == row ? double.NegativeInfinity : TensorPrimitives.Dot(asked.Dense(row), text.Dense(i));
                if (found == Near && similarity <= nearest.Similarity[Near - 1])
                {
                    continue;
                }

                var at = found < Near ? found++ : Near - 1;
                for (; at > 0 && nearest.Similarity[at - 1] < similarity; at--)
                {
                    (nearest.Similarity[at], nearest.Row[at]) = (nearest.Similarity[at - 1], nearest.Row[at - 1]);
                }

                (nearest.Similarity[at], nearest.Row[at]) = (similarity, i);
            }

            for (var m = 0; m < k; m++)
            {
                // The overall mean counts as one neighbour, so that nothing is ever quite sure.
                var (sum, seen) = (means[m], 1);
                for (var i = 0; i < found && nearest.Similarity[i] > double.NegativeInfinity; i++)
                {
                    if (train.Score[(nearest.Row[i] * k) + m] is var score && !float.IsNaN(score))
                    {
                        (sum, seen) = (sum + score, seen + 1);
                    }
                }

                confidence[(row * k) + m] = sum / seen;
            }

            return nearest;
        }, _ => { });
        return confidence;
    }

    /// <summary>Mean over models of the cross-entropy against the label; weights tell departures from each model's mean score, so that decay does not move the level.</summary>
    internal sealed class Loss(OutcomeTable table, TextVectors text, double[] confidence, double[] means) : ILoss
    {
        private const int Width = TextVectors.Length + Extra;

        public double[] Start(Random random) => new double[table.ModelCount * Width];

        public double Logit(ReadOnlySpan<double> weights, ReadOnlySpan<double> x, double sure, int model)
        {
            var own = weights.Slice(model * Width, Width);
            return LogOdds(means[model]) + TensorPrimitives.Dot(own[..x.Length], x) + (own[x.Length] * LogOdds(sure)) + (own[x.Length + 1] * Entropy(sure));
        }

        public double Of(ReadOnlySpan<double> weights, int row, Span<double> gradient)
        {
            var x = text.Of(row);
            var (k, loss, known) = (table.ModelCount, 0.0, 0);
            for (var m = 0; m < k; m++)
            {
                known += float.IsNaN(table.Score[(row * k) + m]) ? 0 : 1;
            }

            for (var m = 0; m < k; m++)
            {
                if (table.Score[(row * k) + m] is var score && float.IsNaN(score))
                {
                    continue;
                }

                var sure = confidence[(row * k) + m];
                var label = (OwnShare * score) + ((1 - OwnShare) * sure);
                var p = Logistic.Sigmoid(Logit(weights, x, sure, m));
                loss += CrossEntropy.Of(label, p) / known;
                if (!gradient.IsEmpty)
                {
                    var own = gradient.Slice(m * Width, Width);
                    var d = (p - label) / known;
                    TensorPrimitives.MultiplyAdd(x, d, own[..x.Length], own[..x.Length]);
                    own[x.Length] += d * LogOdds(sure);
                    own[x.Length + 1] += d * Entropy(sure);
                }
            }

            return loss;
        }

        private static double LogOdds(double p) => Math.Log(Math.Clamp(p, .02, .98) / (1 - Math.Clamp(p, .02, .98)));

        private static double Entropy(double p) => -((p * Math.Log(Math.Max(p, 1e-12))) + ((1 - p) * Math.Log(Math.Max(1 - p, 1e-12))));
    }
}
