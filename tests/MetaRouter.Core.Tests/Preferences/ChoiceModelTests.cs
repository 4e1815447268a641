using System.Numerics.Tensors;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.Users;

namespace MetaRouter.Core.Tests.Preferences;

public class ChoiceModelTests
{
    [Fact]
    public void Likelihood_ByHand_AveragesOverTheUnseenOutcomes()
    {
        // q = .8, .5, rho = .25: both right .4 + .25 sqrt(.16 * .25) = .45, only the first .35, only the second .05, the same .6.
        // The first costs tau / 2 more. Utilities differ by (d - lambda / 2) / (1 + lambda), d = 1, -1, 0.
        var p = Likelihood(new(0.8f, 0.03f, 0), new(0.5f, 0.01f, 0), scale: 0.04, rho: 0.25f, lapse: 0.1f);
        foreach (var (position, beta) in new[] { (0, 0), (20, 1), (28, 2), (47, 1) })
        {
            var (lambda, b) = ((double)PreferenceGrid.Lambda[position], ChoiceModel.Betas[beta]);
            var chosen = (0.35 * Prefers(1)) + (0.05 * Prefers(-1)) + (0.6 * Prefers(0));
            p[(position * ChoiceModel.BetaCount) + beta].ShouldBe((float)((0.9 * chosen) + 0.05), 1e-5f);

            double Prefers(double d) => 1 / (1 + Math.Exp(-b * (d - (lambda / 2)) / (1 + lambda)));
        }
    }

    [Fact]
    public void Likelihood_QualitiesKnown_IsPlainBradleyTerry()
    {
        foreach (var (first, second) in new[] { (1f, 0f), (0f, 1f), (1f, 1f), (0f, 0f) })
        {
            var p = Likelihood(new(first, 0.02f, 0), new(second, 0.01f, 0), rho: 0.9f, lapse: 0);
            for (var h = 0; h < p.Length; h++)
            {
                double lambda = PreferenceGrid.Lambda[h / ChoiceModel.BetaCount], beta = ChoiceModel.Betas[h % ChoiceModel.BetaCount];
                var difference = Utility.Of(new(first, 0.02f, 0), new(lambda), 0.04) - Utility.Of(new(second, 0.01f, 0), new(lambda), 0.04);
                p[h].ShouldBe((float)(1 / (1 + Math.Exp(-beta * difference))), 1e-5f);
            }
        }
    }

    /// <summary>The formula's steps one after the other, each over all hypotheses: what the one pass does at once must not move a bit of a stored user's belief.</summary>
    [Fact]
    public void Likelihood_InOnePass_IsItsStepsToTheLastBit()
    {
        var random = new Random(3);
        var (p, shift, slope, term, sum) = (new float[ChoiceModel.Hypotheses], new float[ChoiceModel.Hypotheses], new float[ChoiceModel.Hypotheses], new float[ChoiceModel.Hypotheses], new float[ChoiceModel.Hypotheses]);
        float[] costSlope = [.. Enumerable.Range(0, p.Length).Select(h => Beta(h) is var beta && Lambda(h) is var lambda ? -beta * lambda / (1 + lambda) : 0)], inverse = [.. Enumerable.Range(0, p.Length).Select(h => Beta(h) / (1 + Lambda(h)))];
        for (var i = 0; i < 2_000; i++)
        {
            var (first, second) = (SomeSignals.Outcome(random, i % 2 == 0), SomeSignals.Outcome(random, i % 2 == 0));
            var context = new ChoiceContext(Math.Pow(10, (random.NextDouble() * 4) - 4), random.NextSingle(), i % 5 == 0 ? 0 : random.NextSingle()) { SecondPrice = i % 3 == 0 ? 0.01 : 0 };
            var speech = new SignalSpeech(0.2 + random.NextDouble(), random.NextDouble() / 2);
            var (strength, lapse, scale) = ((float)speech.Strength, (float)speech.Lapse, context.CostScaleUsd);

            TensorPrimitives.Multiply(costSlope, strength * (float)((first.CostUsd - second.CostUsd) / scale), shift);
            if ((float)(context.SecondPrice * first.SecondsBeyond(second)) is var waiting && waiting != 0)
            {
                TensorPrimitives.MultiplyAdd(inverse, -strength * waiting, shift, shift);
            }

            var deviation = context.CostSpread * strength * MathF.Sqrt((first.CostUsd * first.CostUsd) + (second.CostUsd * second.CostUsd)) / (float)scale;
            Array.Fill(slope, 1);
            if (deviation > 0)
            {
                TensorPrimitives.Multiply(costSlope, deviation * MathF.Sqrt(MathF.PI / 8), slope);
                TensorPrimitives.Multiply(slope, slope, slope);
                TensorPrimitives.Add(slope, 1f, slope);
                TensorPrimitives.ReciprocalSqrt(slope, slope);
            }

            TensorPrimitives.Multiply(shift, slope, shift);
            TensorPrimitives.Multiply(slope, inverse, slope);
            var (q1, q2) = (first.Quality, second.Quality);
            var both = MathF.Min((q1 * q2) + (context.Correlation * MathF.Sqrt(q1 * (1 - q1) * q2 * (1 - q2))), MathF.Min(q1, q2));
            Array.Clear(sum);
            foreach (var (difference, weight) in new[] { (0f, 1 - (q1 - both) - (q2 - both)), (1, q1 - both), (-1, q2 - both) })
            {
                TensorPrimitives.MultiplyAdd(slope, strength * difference, shift, term);
                TensorPrimitives.Sigmoid<float>(term, term);
                TensorPrimitives.MultiplyAdd(term, weight, sum, sum);
            }

            TensorPrimitives.Multiply(sum, 1 - lapse, sum);
            TensorPrimitives.Add(sum, lapse / 2, sum);

            ChoiceModel.Likelihood(first, second, context, speech, p);
            p.ShouldBe(sum, $"{first} against {second}");
        }

        static float Beta(int h) => ChoiceModel.Betas[h % ChoiceModel.BetaCount];
        static float Lambda(int h) => PreferenceGrid.Lambda[h / ChoiceModel.BetaCount];
    }

    [Fact]
    public void Likelihood_SidesSwapped_IsTheComplement() => ForAnyPair((first, second, strength, rho, lapse) =>
    {
        var (p, q) = (Likelihood(first, second, strength, rho: rho, lapse: lapse), Likelihood(second, first, strength, rho: rho, lapse: lapse));
        p.Zip(q).ShouldAllBe(pair => Math.Abs(pair.First + pair.Second - 1) < 1e-5);
    });

    [Fact]
    public void Likelihood_AnyPair_StaysWithinTheLapse() => ForAnyPair((first, second, strength, rho, lapse) =>
        Likelihood(first, second, strength, rho: rho, lapse: lapse).ShouldAllBe(p => p >= (lapse / 2) - 1e-6f && p <= 1 - (lapse / 2) + 1e-6f));

    [Fact]
    public void Likelihood_EqualOutcomes_IsAHalf() => Likelihood(new(0.3f, 0.02f, 0), new(0.3f, 0.02f, 0)).ShouldAllBe(p => Math.Abs(p - 0.5f) < 1e-6);

    [Fact]
    public void Likelihood_CheaperOfEqualQuality_IsLikelierTheMoreCostCounts()
    {
        // Qualities certain: with unseen ones a user who judges by quality is no coin, and the claim would not hold.
        var p = Likelihood(new(1, 0.01f, 0), new(1, 0.03f, 0));
        for (var h = ChoiceModel.BetaCount; h < p.Length; h++)
        {
            p[h].ShouldBeGreaterThanOrEqualTo(p[h - ChoiceModel.BetaCount]);
        }
    }

    [Fact]
    public void Likelihood_WeakerSignal_IsNearerAHalf()
    {
        var (full, weak) = (Likelihood(new(1, 0.01f, 0), new(0, 0.03f, 0), 1), Likelihood(new(1, 0.01f, 0), new(0, 0.03f, 0), 0.3f));
        full.Zip(weak).ShouldAllBe(p => p.Second < p.First && p.Second > 0.5f);
    }

    [Fact]
    public void Likelihood_CostsThatMayTurnOutOtherwise_AreAveragedOver()
    {
        // Equal and certain qualities, costs of tau / 2 and tau off by 30 % of themselves: the mean of the sigmoid by quadrature.
        const double tau = 0.04, spread = 0.3;
        var p = new float[ChoiceModel.Hypotheses];
        ChoiceModel.Likelihood(new(1, 0.02f, 0), new(1, 0.04f, 0), new ChoiceContext(tau, 0, (float)spread), new(1, 0), p);
        for (var h = 0; h < p.Length; h++)
        {
            double lambda = PreferenceGrid.Lambda[h / ChoiceModel.BetaCount], beta = ChoiceModel.Betas[h % ChoiceModel.BetaCount];
            double slope = beta * lambda / (1 + lambda), deviation = spread * Math.Sqrt(0.25 + 1), sum = 0, weights = 0;
            for (var z = -6.0; z <= 6; z += 0.01)
            {
                var weight = Math.Exp(-z * z / 2);
                (sum, weights) = (sum + (weight / (1 + Math.Exp(-slope * (0.5 + (deviation * z))))), weights + weight);
            }

            p[h].ShouldBe((float)(sum / weights), 0.02f);
        }
    }

    [Fact]
    public void Likelihood_AgainstTheMiddle_ByHand()
    {
        // Most models are right with odds (.6 / .4)^2 = 2.25; independent of the answer, right with .8.
        var p = new float[ChoiceModel.Hypotheses];
        ChoiceModel.Likelihood(new(0.8f, 0.03f, 0), new(0.6f, 0.01f, 0), new ChoiceContext(0.04, 0), new(1, 0), p, secondIsMiddle: true);
        var most = 2.25 / 3.25;
        for (var h = 0; h < p.Length; h++)
        {
            double lambda = PreferenceGrid.Lambda[h / ChoiceModel.BetaCount], beta = ChoiceModel.Betas[h % ChoiceModel.BetaCount];
            var up = (0.8 * (1 - most) * Prefers(1)) + (0.2 * most * Prefers(-1)) + (((0.8 * most) + (0.2 * (1 - most))) * Prefers(0));
            p[h].ShouldBe((float)up, 1e-5f);

            double Prefers(double d) => 1 / (1 + Math.Exp(-beta * (d - (lambda / 2)) / (1 + lambda)));
        }
    }

    private static void ForAnyPair(Action<Outcome, Outcome, float, float, float> claim)
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            claim(Any(random), Any(random), 0.2f + random.NextSingle(), random.NextSingle(), random.Next(2) * random.NextSingle());
        }

        static Outcome Any(Random random) => new(random.Next(4) switch { 0 => 0, 1 => 1, _ => random.NextSingle() }, random.NextSingle() * random.Next(3), 0);
    }

    private static float[] Likelihood(Outcome first, Outcome second, float strength = 1, double scale = 0.04, float rho = 0.2f, float lapse = 0.05f)
    {
        var p = new float[ChoiceModel.Hypotheses];
        ChoiceModel.Likelihood(first, second, new ChoiceContext(scale, rho), new(strength, lapse), p);
        return p;
    }
}
