using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines.Learning;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// RouteLLM's matrix factorisation (arXiv:2406.18665, section 4.2): a model's strength on a request is delta(M, q) = w2 . (v_M * (W1 v_q + b)), and
/// P(a beats b) = sigmoid(delta(a, q) - delta(b, q)); cross-entropy over battles by Adam. O(n K d) an epoch.
/// </summary>
/// <remarks>
/// Differs from the paper as <see cref="RouteLlmSimilarity"/> does; 32 dimensions for thousands of battles instead of 128 for tens of thousands; weight decay
/// and epochs by a validation fifth.
/// </remarks>
public sealed class RouteLlmMatrix : IOutcomeModel
{
    internal const int Width = 32;

    private static readonly Descent.Options s_options = new(Epochs: 20, Rate: 1e-3, Decays: [1e-2, 1e-1, 1]);

    public string Name => "routellm-mf";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var k = train.ModelCount;
        var (text, tested) = TextVectors.Read(train, test);
        var (_, cost) = ColumnMeans.Of(train);
        var (fit, validate) = ValidationFifth.Of(train.Ids, seed);
        var loss = new Loss(train, text);
        var calibrating = Descent.Choose(loss, fit, validate, s_options, seed, cancellationToken);
        var platt = Platt.Fit(loss.Strengths(calibrating.Weights, text, validate), train.Take(validate).Score, k);
        var weights = Descent.Again(loss, train.Rows, calibrating, s_options, seed, cancellationToken);
        var strength = loss.Strengths(weights, tested, [.. Enumerable.Range(0, test.Rows)]);
        return new StrengthPredictions([.. strength.Select((s, i) => platt.Of(i % k, s))], [.. strength.Select((_, i) => cost[i % k])], strength);
    }

    /// <summary>Mean cross-entropy of a request's battles.</summary>
    internal sealed class Loss(OutcomeTable table, TextVectors text) : ILoss
    {
        private readonly int _models = table.ModelCount;
        private readonly Layer _project = new(0, TextVectors.Length, Width);

        private int Model => _project.End;

        private int Last => Model + (_models * Width);

        public double[] Start(Random random)
        {
            var weights = new double[Last + Width];
            _project.Start(weights, random);
            for (var i = Model; i < Last; i++)
            {
                weights[i] = .2 * ((2 * random.NextDouble()) - 1);
            }

            weights.AsSpan(Last).Fill(1 / Math.Sqrt(Width));
            return weights;
        }

        public double Of(ReadOnlySpan<double> weights, int row, Span<double> gradient)
        {
            Span<double> hidden = stackalloc double[Width];
            Span<double> strength = stackalloc double[_models];
            Span<double> pull = stackalloc double[_models];
            Strength(weights, text.Of(row), hidden, strength);
            pull.Clear();
            var (loss, battles) = (0.0, 0);
            for (var a = 1; a < _models; a++)
            {
                for (var b = 0; b < a; b++)
                {
                    var y = Duels.Won(table, row, a, b);
                    if (double.IsNaN(y))
                    {
                        continue;
                    }

                    var odds = Logistic.Sigmoid(strength[a] - strength[b]);
                    loss += CrossEntropy.Of(y, odds);
                    pull[a] += odds - y;
                    pull[b] -= odds - y;
                    battles++;
                }
            }

            if (battles == 0)
            {
                return 0;
            }

            if (!gradient.IsEmpty)
            {
                Span<double> dh = stackalloc double[Width];
                dh.Clear();
                for (var m = 0; m < _models; m++)
                {
                    var d = pull[m] / battles;
                    for (var j = 0; j < Width; j++)
                    {
                        var (v, w) = (weights[Model + (m * Width) + j], weights[Last + j]);
                        gradient[Model + (m * Width) + j] += d * w * hidden[j];
                        gradient[Last + j] += d * v * hidden[j];
                        dh[j] += d * w * v;
                    }
                }

                _project.Backward(weights, gradient, text.Of(row), dh, []);
            }

            return loss / battles;
        }

        /// <summary>Rows x models, each row less its mean: battles say nothing of the level.</summary>
        public double[] Strengths(double[] weights, TextVectors asked, int[] rows)
        {
            var all = new double[rows.Length * _models];
            Span<double> hidden = stackalloc double[Width];
            for (var i = 0; i < rows.Length; i++)
            {
                var strength = all.AsSpan(i * _models, _models);
                Strength(weights, asked.Of(rows[i]), hidden, strength);
                TensorPrimitives.Subtract(strength, TensorPrimitives.Sum<double>(strength) / _models, strength);
            }

            return all;
        }

        private void Strength(ReadOnlySpan<double> weights, ReadOnlySpan<double> x, Span<double> hidden, Span<double> strength)
        {
            _project.Forward(weights, x, hidden);
            Span<double> weighted = stackalloc double[Width];
            TensorPrimitives.Multiply(hidden, weights.Slice(Last, Width), weighted);
            for (var m = 0; m < _models; m++)
            {
                strength[m] = TensorPrimitives.Dot(weighted, weights.Slice(Model + (m * Width), Width));
            }
        }
    }
}
