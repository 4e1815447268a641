using System.Numerics.Tensors;
using MetaRouter.Core.Routing;
using MetaRouter.Evaluation.Baselines.Learning;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>Encoder and policy of <see cref="AmortisedEncoder"/>, trained together. A task, named by its number, is one drawn user with up to 20 comparisons and a few requests to serve.</summary>
internal sealed class AmortisedNetwork(AmortisedSample sample, int seed) : ILoss
{
    public const int Comparison = 8, Latent = 2;

    private const int Wide = 32, Head = 24, Model = 4, Requests = 8, MostComparisons = 20;

    private const double Noise = .1, EntropyBonus = .002, Scale = .1;

    private readonly Layer _first = new(0, Comparison, Wide), _second = new(Layers(1), Wide, Wide), _latent = new(Layers(2), Wide, Latent);
    private readonly Layer _hidden = new(Layers(3), Model + Latent, Head), _odds = new(Layers(4), Head, 1);

    private static int Layers(int before)
    {
        (int In, int Out)[] sizes = [(Comparison, Wide), (Wide, Wide), (Wide, Latent), (Model + Latent, Head)];
        return sizes.Take(before).Sum(s => s.Out * (s.In + 1));
    }

    public double[] Start(Random random)
    {
        var weights = new double[_odds.End];
        foreach (var layer in (Layer[])[_first, _second, _latent, _hidden, _odds])
        {
            layer.Start(weights, random);
        }

        return weights;
    }

    /// <summary>What a comparison looks like: how the winner differs from the loser, and where both stand.</summary>
    public static void Compare(Point winner, Point loser, Span<double> features)
    {
        var d = winner - loser;
        (features[0], features[1], features[2], features[3]) = (d.Quality, d.Cost, Math.Asinh(20 * d.Cost) / 3, 1);
        (features[4], features[5], features[6], features[7]) = (winner.Quality, loser.Quality, Log(winner.Cost), Log(loser.Cost));
    }

    /// <param name="context">Comparisons one after the other; may be empty.</param>
    public void Encode(ReadOnlySpan<double> weights, ReadOnlySpan<double> context, Span<double> latent)
    {
        Span<double> layers = stackalloc double[2 * Wide];
        Span<double> sum = stackalloc double[Wide];
        sum.Clear();
        for (var at = 0; at < context.Length; at += Comparison)
        {
            Read(weights, context.Slice(at, Comparison), layers);
            TensorPrimitives.MultiplyAdd(layers[Wide..], Scale, sum, sum);
        }

        _latent.Forward(weights, sum, latent);
        TensorPrimitives.Tanh<double>(latent, latent);
    }

    public void Decide(ReadOnlySpan<double> weights, ReadOnlySpan<Point> models, ReadOnlySpan<double> latent, Span<double> odds)
    {
        Span<double> hidden = stackalloc double[Head];
        Span<double> input = stackalloc double[Model + Latent];
        latent.CopyTo(input[Model..]);
        for (var m = 0; m < models.Length; m++)
        {
            Describe(models, m, input);
            _hidden.Forward(weights, input, hidden);
            TensorPrimitives.Tanh<double>(hidden, hidden);
            _odds.Forward(weights, hidden, odds.Slice(m, 1));
        }
    }

    public double Of(ReadOnlySpan<double> weights, int row, Span<double> gradient)
    {
        // 1. A user and what they preferred.
        var random = new Random((seed * 1_000_003) + row);
        var user = SimulatedUser.Draw(random);
        var comparisons = random.Next(MostComparisons + 1);
        Span<double> context = stackalloc double[comparisons * Comparison];
        Span<double> layers = stackalloc double[comparisons * 2 * Wide];
        Span<double> sum = stackalloc double[Wide];
        sum.Clear();
        for (var i = 0; i < comparisons; i++)
        {
            var asked = random.Next(sample.Rows);
            var expected = sample.Expected(asked);
            var realised = sample.Realised(asked);
            var first = random.Next(expected.Length);
            var second = (first + 1 + random.Next(expected.Length - 1)) % expected.Length;
            var prefersFirst = user.PrefersFirst(Answer(realised[first]), Answer(realised[second]), 1, random);
            Compare(expected[prefersFirst ? first : second], expected[prefersFirst ? second : first], context.Slice(i * Comparison, Comparison));
            var own = layers.Slice(i * 2 * Wide, 2 * Wide);
            Read(weights, context.Slice(i * Comparison, Comparison), own);
            TensorPrimitives.MultiplyAdd(own[Wide..], Scale, sum, sum);
        }

        // 2. The latent preference.
        Span<double> latent = stackalloc double[Latent];
        Span<double> noisy = stackalloc double[Latent];
        _latent.Forward(weights, sum, latent);
        TensorPrimitives.Tanh<double>(latent, latent);
        for (var j = 0; j < Latent; j++)
        {
            noisy[j] = latent[j] + (Noise * (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2);
        }

        // 3. Requests served by it.
        Span<double> dLatent = stackalloc double[Latent];
        dLatent.Clear();
        var loss = 0.0;
        for (var i = 0; i < Requests; i++)
        {
            loss += Serve(weights, random.Next(sample.Rows), user.Lambda, noisy, gradient, dLatent);
        }

        if (!gradient.IsEmpty)
        {
            // 4. Back through the latent to every comparison.
            Span<double> dSum = stackalloc double[Wide];
            Span<double> dSecond = stackalloc double[Wide];
            Span<double> dFirst = stackalloc double[Wide];
            dSum.Clear();
            Layer.ThroughTanh(latent, dLatent);
            _latent.Backward(weights, gradient, sum, dLatent, dSum);
            for (var i = 0; i < comparisons; i++)
            {
                var own = layers.Slice(i * 2 * Wide, 2 * Wide);
                TensorPrimitives.Multiply(dSum, Scale, dSecond);
                dFirst.Clear();
                Layer.ThroughTanh(own[Wide..], dSecond);
                _second.Backward(weights, gradient, own[..Wide], dSecond, dFirst);
                Layer.ThroughTanh(own[..Wide], dFirst);
                _first.Backward(weights, gradient, context.Slice(i * Comparison, Comparison), dFirst, []);
            }
        }

        return loss;

        static Outcome Answer(Point p) => new((float)p.Quality, (float)p.Cost, 0);
    }

    /// <summary>The share of one request in the task's loss.</summary>
    private double Serve(ReadOnlySpan<double> weights, int row, double lambda, ReadOnlySpan<double> latent, Span<double> gradient, Span<double> dLatent)
    {
        var expected = sample.Expected(row);
        var realised = sample.Realised(row);
        var k = expected.Length;
        Span<double> policy = stackalloc double[k];
        Span<double> pull = stackalloc double[k];
        Decide(weights, expected, latent, policy);
        TensorPrimitives.SoftMax<double>(policy, policy);
        var (loss, mean) = (0.0, 0.0);
        for (var m = 0; m < k; m++)
        {
            var utility = (realised[m].Quality - (lambda * realised[m].Cost)) / (1 + lambda);
            var log = Math.Log(Math.Max(policy[m], 1e-300));
            loss += policy[m] * ((EntropyBonus * log) - utility);
            pull[m] = (EntropyBonus * (log + 1)) - utility;
            mean += policy[m] * pull[m];
        }

        if (!gradient.IsEmpty)
        {
            Span<double> hidden = stackalloc double[Head];
            Span<double> dHidden = stackalloc double[Head];
            Span<double> input = stackalloc double[Model + Latent];
            Span<double> dInput = stackalloc double[Model + Latent];
            Span<double> dOdds = stackalloc double[1];
            latent.CopyTo(input[Model..]);
            for (var m = 0; m < k; m++)
            {
                // Again rather than kept: the way forward is the cheap half.
                Describe(expected, m, input);
                _hidden.Forward(weights, input, hidden);
                TensorPrimitives.Tanh<double>(hidden, hidden);
                dOdds[0] = policy[m] * (pull[m] - mean) / Requests;
                dHidden.Clear();
                dInput.Clear();
                _odds.Backward(weights, gradient, hidden, dOdds, dHidden);
                Layer.ThroughTanh(hidden, dHidden);
                _hidden.Backward(weights, gradient, input, dHidden, dInput);
                TensorPrimitives.Add(dLatent, dInput[Model..], dLatent);
            }
        }

        return loss / Requests;
    }

    private void Read(ReadOnlySpan<double> weights, ReadOnlySpan<double> comparison, Span<double> layers)
    {
        _first.Forward(weights, comparison, layers[..Wide]);
        TensorPrimitives.Tanh<double>(layers[..Wide], layers[..Wide]);
        _second.Forward(weights, layers[..Wide], layers[Wide..]);
        TensorPrimitives.Tanh<double>(layers[Wide..], layers[Wide..]);
    }

    private static void Describe(ReadOnlySpan<Point> models, int model, Span<double> input)
    {
        var best = double.NegativeInfinity;
        foreach (var m in models)
        {
            best = Math.Max(best, m.Quality);
        }

        (input[0], input[1], input[2], input[3]) = (models[model].Quality, models[model].Cost, Log(models[model].Cost), 4 * (models[model].Quality - best));
    }

    private static double Log(double cost) => Math.Log(Math.Max(cost, 1e-6)) / 3;
}
