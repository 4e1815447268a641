using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.Tests.Prediction;

public class LowRankLogisticTests
{
    [Fact]
    public void Gradient_RandomProblemsWithGaps_MatchesDifferencesOfTheLoss()
    {
        for (var seed = 0; seed < 15; seed++)
        {
            var random = new Random(seed);
            var (n, features, models, rank) = (random.Next(2, 8), random.Next(1, 5), random.Next(1, 5), random.Next(1, 4));
            var (x, y) = (Floats(random, n * features), Floats(random, n * models).Select(v => v > 0.6f ? float.NaN : Math.Abs(v)).ToArray());
            var w = Floats(random, ((rank + 1) * features) + (models * rank) + models);
            var rows = Enumerable.Range(0, n).Where(_ => random.Next(4) > 0).ToArray();
            const float Decay = 0.03f;

            var gradient = new float[w.Length];
            new LowRankLoss(x, y, features, models, rank, Decay).Gradient(w, rows, gradient);

            for (var i = 0; i < w.Length; i++)
            {
                gradient[i].ShouldBe((float)Slope(i), 1e-4f, $"seed {seed}, weight {i} of {w.Length}");
            }

            double Slope(int i)
            {
                const double Step = 1e-5;
                double[] up = [.. w.Select(v => (double)v)], down = [.. up];
                up[i] += Step;
                down[i] -= Step;
                return (Loss(x, y, features, models, rank, up, rows, Decay) - Loss(x, y, features, models, rank, down, rows, Decay)) / (2 * Step);
            }
        }
    }

    [Fact]
    public void Predict_ByHand_IsTheFormula()
    {
        // d = (1, 0), P = (0, 2), x = (3, 5): h = (3, 10).
        var model = new LowRankLogistic(features: 2, models: 2, rank: 1, bias: [0.5f, -1], project: [1, 0, 0, 2], ability: [0.1f, -0.2f]);
        var logits = new float[2];
        model.Predict([3, 5], logits);
        logits.ShouldBe([0.5f + 3 + 1, -1 + 3 - 2], 1e-6);
    }

    [Fact]
    public void Fit_SimulatedAnswers_RecoversTheProbabilities()
    {
        var random = new Random(3);
        const int Rows = 3000, Features = 4, Models = 5;
        var truth = new LowRankLogistic(Features, Models, 1, [-1, 0, 0.5f, 1, 0.2f], [0.5f, -0.5f, 0, 0, 0, 0, 1.5f, 0], [1, -1, 0.5f, 0, 1.5f]);
        var x = Floats(random, Rows * Features);
        var y = new float[Rows * Models];
        for (var i = 0; i < Rows; i++)
        {
            var logits = new float[Models];
            truth.Predict(x.AsSpan(i * Features, Features), logits);
            for (var k = 0; k < Models; k++)
            {
                y[(i * Models) + k] = random.Next(3) == 0 ? float.NaN : random.NextSingle() < Logistic.Sigmoid(logits[k]) ? 1 : 0;
            }
        }

        var fitted = LowRankLogistic.Fit(x, y, Features, Models, new() { Rank = 1 });
        var (squares, from) = (0.0, Floats(random, 500 * Features));
        for (var i = 0; i < 500; i++)
        {
            float[] want = new float[Models], got = new float[Models];
            truth.Predict(from.AsSpan(i * Features, Features), want);
            fitted.Predict(from.AsSpan(i * Features, Features), got);
            squares += want.Zip(got).Sum(p => Math.Pow(Logistic.Sigmoid(p.First) - Logistic.Sigmoid(p.Second), 2));
        }

        Math.Sqrt(squares / 500 / Models).ShouldBeLessThan(0.04);
    }

    [Fact]
    public void Fit_RowNobodyAnswered_TeachesNothing()
    {
        // One batch of all rows and no shuffling to speak of: only the values of the unobserved row differ.
        var random = new Random(1);
        var (x, y) = (Floats(random, 20 * 3), Floats(random, 20 * 2).Select(Math.Abs).ToArray());
        y[14] = y[15] = float.NaN;
        var clean = LowRankLogistic.Fit(x, y, 3, 2, new() { Rank = 1, Epochs = 10 });
        x[21] = 1e20f;
        x[22] = -1e20f;
        y[14] = BitConverter.Int32BitsToSingle(0x7FC0_1234);
        Same(LowRankLogistic.Fit(x, y, 3, 2, new() { Rank = 1, Epochs = 10 }), clean);
    }

    [Fact]
    public void Fit_ModelNobodyAsked_IsFinite()
    {
        var random = new Random(1);
        var (x, y) = (Floats(random, 50 * 3), new float[50 * 2]);
        for (var i = 0; i < 50; i++)
        {
            y[i * 2] = i % 2;
            y[(i * 2) + 1] = float.NaN;
        }

        var model = LowRankLogistic.Fit(x, y, 3, 2, new() { Rank = 2 });
        model.Bias[1].ShouldBe(0, "a coin, for want of anything better");
        model.Ability.ToArray().Concat(model.Projection.ToArray()).ShouldAllBe(v => float.IsFinite(v));
    }

    [Fact]
    public void Fit_SameSeed_IsTheSameBits()
    {
        var random = new Random(2);
        var (x, y) = (Floats(random, 100 * 4), Floats(random, 100 * 3).Select(Math.Abs).ToArray());
        var first = LowRankLogistic.Fit(x, y, 4, 3, new() { Seed = 9, Batch = 32 });
        Same(LowRankLogistic.Fit(x, y, 4, 3, new() { Seed = 9, Batch = 32 }), first);
        LowRankLogistic.Fit(x, y, 4, 3, new() { Seed = 10, Batch = 32 }).Bias.ToArray().ShouldNotBe(first.Bias.ToArray());
    }

    [Fact]
    public void BaseRates_ByHand_AreSmoothedLogits()
    {
        // Model 0: 2 of 3 right, (2 + 1/2) / (3 + 1). Model 1: never asked.
        var logit = new float[2];
        LowRankLoss.BaseRates([1, float.NaN, 0, float.NaN, 1, float.NaN], 2, logit);
        logit.ShouldBe([MathF.Log(2.5f / 1.5f), 0], 1e-6);
    }

    private static double Loss(float[] x, float[] y, int features, int models, int rank, double[] w, int[] rows, double decay)
    {
        var (sum, observed) = (0.0, 0);
        var ability = (rank + 1) * features;
        foreach (var row in rows)
        {
            var h = Enumerable.Range(0, rank + 1).Select(j => Enumerable.Range(0, features).Sum(f => w[(j * features) + f] * x[(row * features) + f])).ToArray();
            for (var k = 0; k < models; k++)
            {
                var target = y[(row * models) + k];
                if (!float.IsNaN(target))
                {
                    var logit = w[ability + (models * rank) + k] + h[0] + Enumerable.Range(0, rank).Sum(j => w[ability + (k * rank) + j] * h[j + 1]);
                    var q = 1 / (1 + Math.Exp(-logit));
                    sum -= (target * Math.Log(q)) + ((1 - target) * Math.Log(1 - q));
                    observed++;
                }
            }
        }

        return (observed > 0 ? sum / observed : 0) + (decay * w.Take(ability + (models * rank)).Sum(v => v * v));
    }

    private static void Same(LowRankLogistic one, LowRankLogistic other)
    {
        one.Bias.ToArray().ShouldBe(other.Bias.ToArray());
        one.Projection.ToArray().ShouldBe(other.Projection.ToArray());
        one.Ability.ToArray().ShouldBe(other.Ability.ToArray());
    }

    private static float[] Floats(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
}
