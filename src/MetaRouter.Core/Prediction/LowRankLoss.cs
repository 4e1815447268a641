using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// What <see cref="LowRankLogistic"/> is fitted to: mean cross-entropy over the observed cells of n requests and K models, plus a penalty.
/// Its weights are packed: (1 + r) x D of d and P, then K x r of a, then K of b.
/// </summary>
internal readonly ref struct LowRankLoss
{
    private const float Spread = 0.1f; // of the weights that are drawn: a triangle from -Spread to Spread

    private readonly ReadOnlySpan<float> _x; // n x D
    private readonly ReadOnlySpan<float> _y; // n x K, NaN where not observed
    private readonly int _features, _models, _rank;
    private readonly float _decay;

    public LowRankLoss(ReadOnlySpan<float> x, ReadOnlySpan<float> y, int features, int models, int rank, float decay)
    {
        (_features, _models, _rank, _decay) = (features, models, rank, decay);
        _x = x;
        _y = y;
    }

    private int Projections => (_rank + 1) * _features;

    private int Penalised => Projections + (_models * _rank);

    /// <summary>Where a fit begins: P and a at random, else nothing could tell the r dimensions apart; d at 0, b at the models' base rates.</summary>
    public float[] Start(Random random)
    {
        var w = new float[Penalised + _models];
        for (var i = _features; i < Penalised; i++)
        {
            w[i] = (float)(random.NextDouble() + random.NextDouble() - 1) * Spread;
        }

        BaseRates(_y, _models, w.AsSpan(Penalised));
        return w;
    }

    public LowRankLogistic Model(float[] w) => new(_features, _models, _rank, w[Penalised..], w[..Projections], w[Projections..Penalised]);

    /// <summary>The gradient of a batch's loss.</summary>
    /// <param name="w">The weights.</param>
    /// <param name="rows">The batch.</param>
    /// <param name="gradient">Receives it; as long as <paramref name="w"/>.</param>
    public void Gradient(ReadOnlySpan<float> w, ReadOnlySpan<int> rows, Span<float> gradient)
    {
        gradient.Clear();
        var observed = Observed(rows);
        var scale = observed > 0 ? 1f / observed : 0;
        Span<float> h = stackalloc float[_rank + 1]; // (d.x, P x)
        Span<float> byH = stackalloc float[_rank + 1];
        foreach (var row in rows)
        {
            var x = _x.Slice(row * _features, _features);
            for (var j = 0; j <= _rank; j++)
            {
                h[j] = TensorPrimitives.Dot(w.Slice(j * _features, _features), x);
            }

            byH.Clear();
            AddAnswers(w, _y.Slice(row * _models, _models), scale, h, byH, gradient);
            for (var j = 0; j <= _rank; j++)
            {
                var byProjection = gradient.Slice(j * _features, _features);
                TensorPrimitives.MultiplyAdd(x, byH[j], byProjection, byProjection);
            }
        }

        var byPenalised = gradient[..Penalised];
        TensorPrimitives.MultiplyAdd(w[..Penalised], 2 * _decay, byPenalised, byPenalised);
    }

    /// <summary>Adds one request's derivatives by a and b to the gradient, and those by h = (d.x, P x) to <paramref name="byH"/>.</summary>
    private void AddAnswers(ReadOnlySpan<float> w, ReadOnlySpan<float> y, float scale, ReadOnlySpan<float> h, Span<float> byH, Span<float> gradient)
    {
        for (var k = 0; k < _models; k++)
        {
            if (float.IsNaN(y[k]))
            {
                continue;
            }

            var at = Projections + (k * _rank);
            var ability = w.Slice(at, _rank);
            var logit = w[Penalised + k] + h[0] + TensorPrimitives.Dot(ability, h[1..]);
            var g = (Logistic.Sigmoid(logit) - y[k]) * scale;
            gradient[Penalised + k] += g;
            byH[0] += g;
            TensorPrimitives.MultiplyAdd(ability, g, byH[1..], byH[1..]);
            var byAbility = gradient.Slice(at, _rank);
            TensorPrimitives.MultiplyAdd(h[1..], g, byAbility, byAbility);
        }
    }

    private int Observed(ReadOnlySpan<int> rows)
    {
        var observed = 0;
        foreach (var row in rows)
        {
            foreach (var v in _y.Slice(row * _models, _models))
            {
                observed += float.IsNaN(v) ? 0 : 1;
            }
        }

        return observed;
    }

    /// <summary>Logit of each model's share of right answers, half a right one and half a wrong one added; 0 for a model nobody asked.</summary>
    internal static void BaseRates(ReadOnlySpan<float> y, int models, Span<float> logit)
    {
        for (var k = 0; k < models; k++)
        {
            var (sum, count) = (0.0, 0);
            for (var i = k; i < y.Length; i += models)
            {
                if (!float.IsNaN(y[i]))
                {
                    sum += y[i];
                    count++;
                }
            }

            var rate = (sum + 0.5) / (count + 1);
            logit[k] = (float)Math.Log(rate / (1 - rate));
        }
    }
}
