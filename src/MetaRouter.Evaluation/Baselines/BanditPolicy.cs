using System.Collections.Concurrent;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines.Learning;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// BaRP (arXiv:2510.07429): one policy for many trade-offs, learned from bandit feedback alone. The policy sees the request and the weights
/// w = (w_q, w_c), w_c = 1 - w_q, draws a model, and is told that one's reward w_q q - w_c min(c / tau, 1); REINFORCE with the batch's mean as baseline and an entropy bonus.
/// </summary>
/// <remarks>
/// Weights are drawn uniformly while it learns. It is never shown an outcome of a model it did not draw, so it sees 1 / K of what the others see in an epoch. One number comes from all
/// models' outcomes: tau, the dearest model's mean cost over the training rows. It is the unit in which the protocol has every user weigh cost, so it is told like the user's weights, which
/// favours the policy; bandit feedback alone would have to estimate it.
/// The paper's frozen all-MiniLM-L6-v2 is replaced by <see cref="TextVectors"/>, as every baseline's encoder is.
/// Adam at 1e-4, 32 a batch, 100 epochs, as in the paper; at 1e-3 it learns the training rows by heart.
/// Sizes: preference encoder 2 - 16 - 16, head 64. Served is the most probable model. O(n D d) an epoch.
/// </remarks>
/// <param name="fixedQualityWeight">The w_q it is given instead of the user's own, 0 to 1; null: the user's own, 1 / (1 + lambda).</param>
public sealed class BanditPolicy(double? fixedQualityWeight = null) : IOutcomeModel
{
    private const int Epochs = 100, Batch = 32;

    private const double Rate = 1e-4, Decay = 0;

    private static readonly ConditionalWeakTable<OutcomeTable, ConcurrentDictionary<int, Lazy<(Network Network, double[] Weights)>>> s_learned = [];

    public string Name => fixedQualityWeight is { } w ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"barp, given {w:0.0#}") : "barp, true weights";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var (text, tested) = TextVectors.Read(train, test);
        // The two forms differ in what the policy is told, not in what it learned.
        var (network, weights) = s_learned.GetValue(train, _ => []).GetOrAdd(seed, s => new(() => Learn(train, text, s, cancellationToken))).Value;
        return Of(network, weights, tested, train, fixedQualityWeight);
    }

    internal static OutcomePredictions Of(Network network, double[] weights, TextVectors asked, OutcomeTable train, double? fixedQualityWeight)
    {
        var k = train.ModelCount;
        var (_, cost) = ColumnMeans.Of(train);
        var seen = new double[asked.Rows * Network.Width];
        Parallel.For(0, asked.Rows, row => network.See(weights, asked.Of(row), seen.AsSpan(row * Network.Width, Network.Width)));
        var lean = new float[asked.Rows * k];
        Span<double> policy = stackalloc double[k];
        Span<double> preferred = stackalloc double[Network.Width];
        network.Prefer(weights, fixedQualityWeight ?? 1, preferred);
        for (var row = 0; row < asked.Rows; row++)
        {
            network.Decide(weights, seen.AsSpan(row * Network.Width, Network.Width), preferred, policy);
            TensorPrimitives.SoftMax<double>(policy, policy);
            for (var m = 0; m < k; m++)
            {
                lean[(row * k) + m] = (float)policy[m];
            }
        }

        return new Predictions(lean, [.. lean.Select((_, i) => cost[i % k])], network, weights, seen, cost.Max(), fixedQualityWeight);
    }

    internal static (Network Network, double[] Weights) Learn(OutcomeTable train, TextVectors text, int seed, CancellationToken cancellationToken)
    {
        var (k, random, network) = (train.ModelCount, new Random(seed), new Network(train.ModelCount));
        var tau = Math.Max(ColumnMeans.Of(train).CostUsd.Max(), 1e-12);
        var weights = network.Start(random);
        var (gradient, adam, order) = (new double[weights.Length], new Adam(weights.Length, Rate, Decay), Enumerable.Range(0, train.Rows).ToArray());
        var (episodes, policy) = (new Episode[Batch], new double[k]);
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            random.Shuffle(order);
            for (var from = 0; from < order.Length; from += Batch)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var count = 0;
                foreach (var row in order.AsSpan(from, Math.Min(Batch, order.Length - from)))
                {
                    var quality = random.NextDouble();
                    network.Policy(weights, text.Of(row), quality, policy);
                    var drawn = Draw(policy, random.NextDouble());
                    var (score, cost) = (train.Score[(row * k) + drawn], train.CostUsd[(row * k) + drawn]);
                    // An answer nobody graded teaches nothing.
                    if (!float.IsNaN(score) && !double.IsNaN(cost))
                    {
                        episodes[count++] = new Episode(row, quality, drawn, (quality * score) - ((1 - quality) * Math.Min(cost / tau, 1)));
                    }
                }

                if (count == 0)
                {
                    continue;
                }

                var baseline = episodes.Take(count).Average(e => e.Reward);
                foreach (var e in episodes.AsSpan(0, count))
                {
                    network.Loss(weights, text.Of(e.Row), e.QualityWeight, e.Drawn, e.Reward - baseline, gradient);
                }

                TensorPrimitives.Divide(gradient, (double)count, gradient);
                adam.Step(weights, gradient);
            }
        }

        return (network, weights);
    }

    private static int Draw(double[] policy, double chance)
    {
        for (var m = 0; m < policy.Length - 1; m++)
        {
            if ((chance -= policy[m]) < 0)
            {
                return m;
            }
        }

        return policy.Length - 1;
    }

    private readonly record struct Episode(int Row, double QualityWeight, int Drawn, double Reward);

    private sealed record Predictions(float[] Quality, double[] CostUsd, Network Network, double[] Weights, double[] Seen, double Tau, double? Fixed) : OutcomePredictions(Quality, CostUsd)
    {
        public override bool ClaimsQuality => false;

        public override void Worth(int row, double price, Span<double> worth)
        {
            Span<double> preferred = stackalloc double[Network.Width];
            Network.Prefer(Weights, Fixed ?? (1 / (1 + (price * Tau))), preferred);
            Network.Decide(Weights, Seen.AsSpan(row * Network.Width, Network.Width), preferred, worth);
        }

        public override double Lead(int row, int models, int strong, int weak)
        {
            // Log odds: probabilities near 1 would be ties.
            Span<double> worth = stackalloc double[models];
            Worth(row, 0, worth);
            return worth[strong] - worth[weak];
        }
    }

    /// <summary>Request and weights in, log odds of the models out.</summary>
    internal sealed class Network
    {
        public const int Width = 64;

        private const int Preference = 16;

        private const double EntropyBonus = .01;

        private readonly Layer _first = new(0, 2, Preference), _second, _see, _prefer, _head;

        public Network(int models)
        {
            _second = new(_first.End, Preference, Preference);
            _see = new(_second.End, TextVectors.Length, Width);
            _prefer = new(_see.End, Preference, Width);
            _head = new(_prefer.End, Width, models);
        }

        public double[] Start(Random random)
        {
            var weights = new double[_head.End];
            foreach (var layer in (Layer[])[_first, _second, _see, _prefer, _head])
            {
                layer.Start(weights, random);
            }

            return weights;
        }

        /// <summary>The part of the hidden layer that the request makes.</summary>
        public void See(ReadOnlySpan<double> weights, ReadOnlySpan<double> x, Span<double> seen) => _see.Forward(weights, x, seen);

        /// <summary>The part of the hidden layer that the weights make.</summary>
        public void Prefer(ReadOnlySpan<double> weights, double quality, Span<double> preferred) => Prefer(weights, quality, stackalloc double[Preference], stackalloc double[Preference], preferred);

        /// <summary>Log odds of the models.</summary>
        public void Decide(ReadOnlySpan<double> weights, ReadOnlySpan<double> seen, ReadOnlySpan<double> preferred, Span<double> odds)
        {
            Span<double> hidden = stackalloc double[Width];
            TensorPrimitives.Add(seen, preferred, hidden);
            TensorPrimitives.Tanh<double>(hidden, hidden);
            _head.Forward(weights, hidden, odds);
        }

        public void Policy(ReadOnlySpan<double> weights, ReadOnlySpan<double> x, double quality, Span<double> policy)
        {
            Span<double> seen = stackalloc double[Width];
            Span<double> preferred = stackalloc double[Width];
            See(weights, x, seen);
            Prefer(weights, quality, preferred);
            Decide(weights, seen, preferred, policy);
            TensorPrimitives.SoftMax<double>(policy, policy);
        }

        /// <summary>-advantage ln pi(drawn) - bonus H(pi), whose gradient is added.</summary>
        public double Loss(ReadOnlySpan<double> weights, ReadOnlySpan<double> x, double quality, int drawn, double advantage, Span<double> gradient)
        {
            Span<double> first = stackalloc double[Preference];
            Span<double> second = stackalloc double[Preference];
            Span<double> hidden = stackalloc double[Width];
            Span<double> preferred = stackalloc double[Width];
            Span<double> policy = stackalloc double[_head.Outputs];
            Prefer(weights, quality, first, second, preferred);
            See(weights, x, hidden);
            TensorPrimitives.Add(hidden, preferred, hidden);
            TensorPrimitives.Tanh<double>(hidden, hidden);
            _head.Forward(weights, hidden, policy);
            TensorPrimitives.SoftMax<double>(policy, policy);
            var entropy = 0.0;
            foreach (var p in policy)
            {
                entropy -= p * Math.Log(Math.Max(p, 1e-300));
            }

            var loss = (-advantage * Math.Log(Math.Max(policy[drawn], 1e-300))) - (EntropyBonus * entropy);
            if (gradient.IsEmpty)
            {
                return loss;
            }

            Span<double> dOdds = stackalloc double[policy.Length];
            Span<double> dHidden = stackalloc double[Width];
            Span<double> dSecond = stackalloc double[Preference];
            Span<double> dFirst = stackalloc double[Preference];
            for (var m = 0; m < policy.Length; m++)
            {
                dOdds[m] = (advantage * (policy[m] - (m == drawn ? 1 : 0))) + (EntropyBonus * policy[m] * (Math.Log(Math.Max(policy[m], 1e-300)) + entropy));
            }

            dHidden.Clear();
            dSecond.Clear();
            dFirst.Clear();
            _head.Backward(weights, gradient, hidden, dOdds, dHidden);
            Layer.ThroughTanh(hidden, dHidden);
            _see.Backward(weights, gradient, x, dHidden, []);
            _prefer.Backward(weights, gradient, second, dHidden, dSecond);
            Layer.ThroughTanh(second, dSecond);
            _second.Backward(weights, gradient, first, dSecond, dFirst);
            Layer.ThroughTanh(first, dFirst);
            _first.Backward(weights, gradient, [quality, 1 - quality], dFirst, []);
            return loss;
        }

        private void Prefer(ReadOnlySpan<double> weights, double quality, Span<double> first, Span<double> second, Span<double> preferred)
        {
            _first.Forward(weights, [quality, 1 - quality], first);
            TensorPrimitives.Tanh<double>(first, first);
            _second.Forward(weights, first, second);
            TensorPrimitives.Tanh<double>(second, second);
            _prefer.Forward(weights, second, preferred);
        }
    }
}
