using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines.Learning;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// One Head, Many Models (arXiv:2509.09782): a request's embedding attends with a single head over the models' embeddings, and one shared head predicts each model's
/// quality and cost; served is the greatest exponential reward q exp(-c s), which falls with the cost but never below 0.
/// </summary>
/// <remarks>
/// With x the request and m_k the model (its mean scores on clusters of requests, and its mean log cost):
/// a = softmax_k(Q x . K m_k / sqrt(d)), o = sum_k a_k V m_k, h_k = tanh(A x + B o + C m_k), quality sigmoid(u . h_k), log cost t . h_k + the model's mean.
/// The paper's tables and sizes are not public here: d = 32, 16 clusters. Weight decay and epochs by a validation fifth,
/// and for each lambda the s that earned most there: the reward falls with the cost at another rate than the protocol's utility. O(n (D d + K d^2)) an epoch.
/// </remarks>
public sealed class CrossAttention : IOutcomeModel
{
    private const int Width = 32, Clusters = 16;

    private const double CostWeight = .2, LeastCostUsd = 1e-9, Shrinkage = 5;

    private static readonly Descent.Options s_options = new(Epochs: 12, Rate: 2e-3, Decays: [1e-2, 1e-1], Patience: 2);

    public string Name => "cross-attention";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var k = train.ModelCount;
        var (text, tested) = TextVectors.Read(train, test);
        var (fit, validate) = ValidationFifth.Of(train.Ids, seed);
        var early = new Loss(train, text, Embed(train, text, fit, seed, cancellationToken));
        var chosen = Descent.Choose(early, fit, validate, s_options, seed, cancellationToken);
        var correction = Correction(early, chosen.Weights, train, text, validate);
        var held = PredictAll(early, chosen.Weights, text, validate, correction);
        var played = PlayedSettings.Play(train.Take(validate), Settings(train), (row, m, s) => held.Reward((row * k) + m, s));
        var loss = new Loss(train, text, Embed(train, text, [.. Enumerable.Range(0, train.Rows)], seed, cancellationToken));
        var weights = Descent.Again(loss, train.Rows, chosen, s_options, seed, cancellationToken);
        return PredictAll(loss, weights, tested, [.. Enumerable.Range(0, test.Rows)], correction) with { Played = played };
    }

    /// <summary>Rates, a dollar: from a thousandth to a thousand over the dearest model's mean cost.</summary>
    private static IEnumerable<double> Settings(OutcomeTable train)
    {
        var dearest = Math.Max(ColumnMeans.Of(train).CostUsd.Max(), LeastCostUsd);
        return Enumerable.Range(-30, 61).Select(i => Math.Pow(10, i / 10.0) / dearest);
    }

    private static Predictions PredictAll(Loss loss, double[] weights, TextVectors text, int[] rows, double[] correction)
    {
        var k = correction.Length;
        var (quality, cost) = (new float[rows.Length * k], new double[rows.Length * k]);
        Parallel.For(0, rows.Length, i =>
        {
            Span<double> outcomes = stackalloc double[2 * k];
            loss.Predict(weights, text.Of(rows[i]), outcomes);
            for (var m = 0; m < k; m++)
            {
                (quality[(i * k) + m], cost[(i * k) + m]) = ((float)Logistic.Sigmoid(outcomes[m]), correction[m] * Math.Exp(outcomes[k + m]));
            }
        });
        return new Predictions(quality, cost);
    }

    /// <summary>
    /// Models x (clusters + 1): how much better than all models' mean it is on each cluster, and its log cost less the models' mean; the last K numbers are the
    /// mean log costs themselves.
    /// </summary>
    internal static double[] Embed(OutcomeTable train, TextVectors text, int[] rows, int seed, CancellationToken cancellationToken)
    {
        var k = train.ModelCount;
        var clusters = KMeans.Fit(text, rows, Clusters, seed, cancellationToken);
        var (quality, _) = ClusterMeans.Of(train, rows, [.. rows.Select(row => clusters.Nearest(text.Dense(row)))], clusters.Count, Shrinkage);
        var log = Enumerable.Range(0, k).Select(m => rows.Select(row => LogCost(train, row, m)).Where(c => !double.IsNaN(c)).DefaultIfEmpty(Math.Log(LeastCostUsd)).Average()).ToArray();
        var embedded = new double[(k * (Clusters + 1)) + k];
        for (var m = 0; m < k; m++)
        {
            for (var c = 0; c < clusters.Count; c++)
            {
                // A score's spread over clusters is about a fifth.
                embedded[(m * (Clusters + 1)) + c] = 5 * (quality[(c * k) + m] - Enumerable.Range(0, k).Average(o => quality[(c * k) + o]));
            }

            embedded[(m * (Clusters + 1)) + Clusters] = log[m] - log.Average();
            embedded[(k * (Clusters + 1)) + m] = log[m];
        }

        return embedded;
    }

    private static double LogCost(OutcomeTable table, int row, int model) =>
        table.CostUsd[(row * table.ModelCount) + model] is var cost && double.IsNaN(cost) ? double.NaN : Math.Log(Math.Max(cost, LeastCostUsd));

    /// <summary>exp of an expected log falls short of the expected cost: each model's costs are scaled to be right on average over rows it has not seen.</summary>
    private static double[] Correction(Loss loss, double[] weights, OutcomeTable table, TextVectors text, int[] rows)
    {
        var k = table.ModelCount;
        var (real, guessed, outcomes) = (new double[k], new double[k], new double[2 * k]);
        foreach (var row in rows)
        {
            loss.Predict(weights, text.Of(row), outcomes);
            for (var m = 0; m < k; m++)
            {
                if (table.CostUsd[(row * k) + m] is var cost && !double.IsNaN(cost))
                {
                    (real[m], guessed[m]) = (real[m] + cost, guessed[m] + Math.Exp(outcomes[k + m]));
                }
            }
        }

        return [.. real.Zip(guessed, (r, g) => r > 0 && g > 0 ? r / g : 1)];
    }

    private sealed record Predictions(float[] Quality, double[] CostUsd) : OutcomePredictions(Quality, CostUsd)
    {
        /// <value>Null: the price of quality is the rate.</value>
        public PlayedSettings? Played { get; init; }

        public override void Worth(int row, double price, Span<double> worth)
        {
            var rate = Played?.Best(price) ?? price;
            for (var (m, at) = (0, row * worth.Length); m < worth.Length; m++, at++)
            {
                worth[m] = Reward(at, rate);
            }
        }

        public double Reward(int at, double rate) => Quality[at] * Math.Exp(-rate * CostUsd[at]);
    }

    /// <summary>Mean over models of the cross-entropy of the score and a share of the squared error of the log cost.</summary>
    internal sealed class Loss : ILoss
    {
        private const int Model = Clusters + 1;

        private readonly OutcomeTable _table;
        private readonly TextVectors _text;
        private readonly double[] _embedded;
        private readonly int _k;
        private readonly Layer _query, _key, _value, _request, _context, _model, _head;

        public Loss(OutcomeTable table, TextVectors text, double[] embedded)
        {
            (_table, _text, _embedded, _k) = (table, text, embedded, table.ModelCount);
            _query = new(0, TextVectors.Length, Width);
            _key = new(_query.End, Model, Width);
            _value = new(_key.End, Model, Width);
            _request = new(_value.End, TextVectors.Length, Width);
            _context = new(_request.End, Width, Width);
            _model = new(_context.End, Model, Width);
            _head = new(_model.End, Width, 2);
        }

        public double[] Start(Random random)
        {
            var weights = new double[_head.End];
            foreach (var layer in (Layer[])[_query, _key, _value, _request, _context, _model, _head])
            {
                layer.Start(weights, random);
            }

            // Log costs begin at their means, which chance should not have to be unlearned from.
            weights.AsSpan(_head.At + Width, Width).Clear();

            return weights;
        }

        /// <summary>Logits of the qualities, then log costs.</summary>
        public void Predict(ReadOnlySpan<double> weights, ReadOnlySpan<double> x, Span<double> outcomes)
        {
            Span<double> scratch = stackalloc double[Scratch];
            Forward(weights, x, new Pass(scratch, _k), outcomes);
        }

        public double Of(ReadOnlySpan<double> weights, int row, Span<double> gradient)
        {
            Span<double> scratch = stackalloc double[Scratch];
            Span<double> outcomes = stackalloc double[2 * _k];
            var pass = new Pass(scratch, _k);
            var x = _text.Of(row);
            Forward(weights, x, pass, outcomes);
            var (loss, known) = (0.0, 0);
            for (var m = 0; m < _k; m++)
            {
                double score = _table.Score[(row * _k) + m];
                var cost = LogCost(_table, row, m);
                if (double.IsNaN(score) || double.IsNaN(cost))
                {
                    (outcomes[m], outcomes[_k + m]) = (0, 0);
                    continue;
                }

                var p = Logistic.Sigmoid(outcomes[m]);
                var off = outcomes[_k + m] - cost;
                loss += CrossEntropy.Of(score, p);
                loss += CostWeight * off * off;
                (outcomes[m], outcomes[_k + m]) = (p - score, 2 * CostWeight * off);
                known++;
            }

            if (known == 0)
            {
                return 0;
            }

            if (!gradient.IsEmpty)
            {
                TensorPrimitives.Divide(outcomes, (double)known, outcomes);
                Backward(weights, gradient, x, pass, outcomes);
            }

            return loss / known;
        }

        private int Scratch => (2 * Width) + _k + (3 * _k * Width);

        private ReadOnlySpan<double> Embedded(int model) => _embedded.AsSpan(model * Model, Model);

        private void Forward(ReadOnlySpan<double> weights, ReadOnlySpan<double> x, Pass pass, Span<double> outcomes)
        {
            Span<double> part = stackalloc double[Width];
            Span<double> own = stackalloc double[Width];
            Span<double> two = stackalloc double[2];
            _query.Forward(weights, x, pass.Query);
            pass.Mixed.Clear();
            for (var m = 0; m < _k; m++)
            {
                _key.Forward(weights, Embedded(m), pass.Key(m));
                _value.Forward(weights, Embedded(m), pass.Value(m));
                pass.Attention[m] = TensorPrimitives.Dot<double>(pass.Query, pass.Key(m)) / Math.Sqrt(Width);
            }

            TensorPrimitives.SoftMax<double>(pass.Attention, pass.Attention);
            for (var m = 0; m < _k; m++)
            {
                TensorPrimitives.MultiplyAdd(pass.Value(m), pass.Attention[m], pass.Mixed, pass.Mixed);
            }

            _request.Forward(weights, x, part);
            _context.Forward(weights, pass.Mixed, own);
            TensorPrimitives.Add(part, own, part);
            for (var m = 0; m < _k; m++)
            {
                _model.Forward(weights, Embedded(m), own);
                TensorPrimitives.Add(part, own, own);
                TensorPrimitives.Tanh<double>(own, pass.Hidden(m));
                _head.Forward(weights, pass.Hidden(m), two);
                (outcomes[m], outcomes[_k + m]) = (two[0], two[1] + _embedded[(_k * Model) + m]);
            }
        }

        private void Backward(ReadOnlySpan<double> weights, Span<double> gradient, ReadOnlySpan<double> x, Pass pass, ReadOnlySpan<double> outcomes)
        {
            Span<double> two = stackalloc double[2];
            Span<double> dHidden = stackalloc double[Width];
            Span<double> dPart = stackalloc double[Width];
            Span<double> dMixed = stackalloc double[Width];
            Span<double> dQuery = stackalloc double[Width];
            Span<double> dAttention = stackalloc double[_k];
            dPart.Clear();
            for (var m = 0; m < _k; m++)
            {
                (two[0], two[1]) = (outcomes[m], outcomes[_k + m]);
                dHidden.Clear();
                _head.Backward(weights, gradient, pass.Hidden(m), two, dHidden);
                Layer.ThroughTanh(pass.Hidden(m), dHidden);
                _model.Backward(weights, gradient, Embedded(m), dHidden, []);
                TensorPrimitives.Add(dPart, dHidden, dPart);
            }

            dMixed.Clear();
            _request.Backward(weights, gradient, x, dPart, []);
            _context.Backward(weights, gradient, pass.Mixed, dPart, dMixed);
            for (var m = 0; m < _k; m++)
            {
                dAttention[m] = TensorPrimitives.Dot<double>(dMixed, pass.Value(m));
                TensorPrimitives.Multiply(dMixed, pass.Attention[m], dHidden);
                _value.Backward(weights, gradient, Embedded(m), dHidden, []);
            }

            var mean = TensorPrimitives.Dot<double>(dAttention, pass.Attention);
            dQuery.Clear();
            for (var m = 0; m < _k; m++)
            {
                var d = pass.Attention[m] * (dAttention[m] - mean) / Math.Sqrt(Width);
                TensorPrimitives.MultiplyAdd(pass.Key(m), d, dQuery, dQuery);
                TensorPrimitives.Multiply(pass.Query, d, dHidden);
                _key.Backward(weights, gradient, Embedded(m), dHidden, []);
            }

            _query.Backward(weights, gradient, x, dQuery, []);
        }

        /// <summary>What the way forward leaves for the way back.</summary>
        private readonly ref struct Pass(Span<double> scratch, int k)
        {
            private readonly Span<double> _all = scratch;

            public Span<double> Query => _all[..Width];

            public Span<double> Mixed => _all.Slice(Width, Width);

            public Span<double> Attention => _all.Slice(2 * Width, k);

            public Span<double> Key(int m) => _all.Slice((2 * Width) + k + (m * Width), Width);

            public Span<double> Value(int m) => _all.Slice((2 * Width) + k + ((k + m) * Width), Width);

            public Span<double> Hidden(int m) => _all.Slice((2 * Width) + k + (((2 * k) + m) * Width), Width);
        }
    }
}
