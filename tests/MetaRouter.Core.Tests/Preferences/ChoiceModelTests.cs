using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

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
