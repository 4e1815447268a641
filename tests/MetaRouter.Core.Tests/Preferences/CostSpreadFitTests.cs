using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Tests.Preferences;

/// <summary>Costs that turn out otherwise than predicted, from pools whose other outcomes are drawn from what is predicted.</summary>
public class CostSpreadFitTests
{
    private static readonly ChoiceContext s_context = new(1, 0);

    [Fact]
    public void Fit_NothingSeen_OrCostsAsExpected_IsNone()
    {
        CostSpreadFit.Fit([], s_context).ShouldBe(0);
        CostSpreadFit.Fit(Requests(200, 1, _ => 1), s_context).ShouldBe(0);
    }

    [Fact]
    public void Fit_AFewRequests_IsTheGaussianOfTheirErrors()
    {
        // All off by a half.
        CostSpreadFit.Fit(Requests(49, 1, random => random.Next(2) == 0 ? .5f : 1.5f), s_context).ShouldBe((float)Math.Sqrt(Math.PI / 2) * .5f, 1e-3f);
    }

    [Fact]
    public void Fit_GaussianErrors_IsTheirDeviation() =>
        CostSpreadFit.Fit(Requests(2_000, 2, random => 1 + (.4f * Normal(random))), s_context).ShouldBe(.4f, .05f);

    [Fact]
    public void Fit_AFewAnswersThatRanOn_IsNarrowerThanTheirGaussian_AndPredictsBetter()
    {
        var (fitted, fresh) = (Requests(2_000, 3, RanOn), Requests(2_000, 4, RanOn));
        var spread = CostSpreadFit.Fit(fitted, s_context);
        var errors = fitted.SelectMany(r => r).ToArray();
        var gaussian = (float)(Math.Sqrt(Math.PI / 2) * errors.Sum(c => Math.Abs(c.Realised.CostUsd - c.Predicted.CostUsd)) / errors.Sum(c => c.Predicted.CostUsd));
        spread.ShouldBeLessThan(.7f * gaussian, $"a Gaussian with their mean error has {gaussian}");
        Loss(fresh, spread).ShouldBeLessThan(Loss(fresh, gaussian));
        Loss(fresh, spread).ShouldBeLessThanOrEqualTo(Loss(fresh, 0));

        // Nine answers in ten cost two thirds of what is expected, the tenth four times as much.
        static float RanOn(Random random) => random.Next(10) == 0 ? 4 : 2 / 3f;
    }

    /// <summary>The mean log loss of what users of every lambda and sharpness say of every pair.</summary>
    private static double Loss(IReadOnlyList<(Outcome Predicted, Outcome Realised)[]> requests, float spread)
    {
        var (p, loss, words) = (new float[ChoiceModel.Hypotheses], 0.0, 0);
        foreach (var request in requests)
        {
            for (var j = 1; j < request.Length; j++)
            {
                for (var i = 0; i < j; i++)
                {
                    var (first, second) = (request[i], request[j]);
                    ChoiceModel.Likelihood(first.Predicted, second.Predicted, s_context with { CostSpread = spread }, new(1, .05), p);
                    for (var h = 0; h < p.Length; h++)
                    {
                        var preference = new Preference(PreferenceGrid.Lambda[h / ChoiceModel.BetaCount]);
                        var gap = Utility.Of(first.Realised, preference, 1) - Utility.Of(second.Realised, preference, 1);
                        var says = (.95 / (1 + Math.Exp(-ChoiceModel.Betas[h % ChoiceModel.BetaCount] * gap))) + .025;
                        (loss, words) = (loss - (says * Math.Log(p[h])) - ((1 - says) * Math.Log(1 - p[h])), words + 1);
                    }
                }
            }
        }

        return loss / words;
    }

    /// <param name="cost">What an answer costs over what it is expected to.</param>
    private static (Outcome Predicted, Outcome Realised)[][] Requests(int count, int seed, Func<Random, float> cost)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, 4).Select(k =>
        {
            var (quality, expected) = (.2f + (.6f * random.NextSingle()), (k + 1) * .2f * (.5f + random.NextSingle()));
            return (new Outcome(quality, expected, 0), new Outcome(random.NextSingle() < quality ? 1 : 0, expected * cost(random), 0));
        }).ToArray())];
    }

    private static float Normal(Random random) => MathF.Sqrt(-2 * MathF.Log(1 - random.NextSingle())) * MathF.Cos(2 * MathF.PI * random.NextSingle());
}
