using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Tests.Preferences;

/// <summary>Feedback on single answers, from pools whose outcomes are drawn from what is predicted.</summary>
public class MiddleCalibrationTests
{
    private static readonly ChoiceContext s_context = new(1, 0);

    [Fact]
    public void Fit_NothingSeenSideBySide_IsNone()
    {
        MiddleCalibration.Fit([], s_context).ShouldBeNull();
        MiddleCalibration.Fit([[(new(.5f, .1f, 0), new(1, .1f, 0))]], s_context).ShouldBeNull();
    }

    [Theory]
    [InlineData(6)]
    [InlineData(26)]
    [InlineData(31)] // between fitted positions
    [InlineData(44)]
    public void Likelihood_OfAThumb_IsWhatUsersSayOnRequestsNotSeen(int position)
    {
        var context = s_context with { Middle = MiddleCalibration.Fit(Requests(400, seed: 1), s_context) };
        var h = (position * ChoiceModel.BetaCount) + 1;
        var (p, plain, corrected, truth, plainLoss, loss, answers) = (new float[ChoiceModel.Hypotheses], 0.0, 0.0, 0.0, 0.0, 0.0, 0);
        foreach (var request in Requests(2_000, seed: 2))
        {
            var middle = Outcome.Middle([.. request.Select(r => r.Predicted)]);
            var utility = request.Select(r => Utility.Of(r.Realised, new Preference(PreferenceGrid.Lambda[position]), 1)).ToArray();
            var sorted = utility.Order().ToArray();
            var median = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
            for (var k = 0; k < request.Length; k++)
            {
                var pleased = 1 / (1 + Math.Exp(-ChoiceModel.Betas[1] * (utility[k] - median)));
                ChoiceModel.Likelihood(request[k].Predicted, middle, s_context, new(1, 0), p, secondIsMiddle: true);
                (plain, plainLoss) = (plain + p[h], plainLoss + Loss(p[h], pleased));
                ChoiceModel.Likelihood(request[k].Predicted, middle, context, new(1, 0), p, secondIsMiddle: true);
                (corrected, truth, loss, answers) = (corrected + p[h], truth + pleased, loss + Loss(p[h], pleased), answers + 1);
            }
        }

        var told = FormattableString.Invariant($"lambda {PreferenceGrid.Lambda[position]:0.000}: pleased {truth / answers:0.000}, predicted {plain / answers:0.000}, corrected {corrected / answers:0.000}; loss {plainLoss / answers:0.0000}, corrected {loss / answers:0.0000}");
        (corrected / answers).ShouldBe(truth / answers, 0.015, told);
        loss.ShouldBeLessThan(plainLoss + (1e-3 * answers), told);
        if (position == 26)
        {
            Math.Abs(plain - truth).ShouldBeGreaterThan(0.02 * answers, $"else there is nothing to correct: {told}");
        }

        static double Loss(double p, double wanted) => -(wanted * Math.Log(p)) - ((1 - wanted) * Math.Log(1 - p));
    }

    [Fact]
    public void Likelihood_OfAComparison_IsLeftAlone()
    {
        var context = s_context with { Middle = MiddleCalibration.Fit(Requests(100, seed: 3), s_context) };
        var (with, without) = (new float[ChoiceModel.Hypotheses], new float[ChoiceModel.Hypotheses]);
        ChoiceModel.Likelihood(new(.8f, .3f, 0), new(.5f, .1f, 0), context, new(1, .05), with);
        ChoiceModel.Likelihood(new(.8f, .3f, 0), new(.5f, .1f, 0), s_context, new(1, .05), without);
        with.ShouldBe(without);
    }

    [Fact]
    public void Likelihood_CertainOutcomes_StaysAProbability()
    {
        var context = s_context with { Middle = MiddleCalibration.Fit(Requests(100, seed: 4), s_context) };
        var p = new float[ChoiceModel.Hypotheses];
        foreach (var (first, second) in ((Outcome, Outcome)[])[(new(1, 0, 0), new(0, 1e6f, 0)), (new(0, 1e6f, 0), new(1, 0, 0)), (new(1, 0, 0), new(1, 0, 0))])
        {
            ChoiceModel.Likelihood(first, second, context, new(3, 0.05), p, secondIsMiddle: true);
            p.ShouldAllBe(x => x > 0 && x < 1);
        }
    }

    /// <summary>Six models: the dearer the likelier right, costs 0.02 to 1, outcomes as predicted and independent.</summary>
    private static List<(Outcome Predicted, Outcome Realised)[]> Requests(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var ease = random.NextSingle();
            return Enumerable.Range(0, 6).Select(k =>
            {
                var predicted = new Outcome(Math.Clamp((0.3f * ease) + 0.3f + (0.06f * k), 0, 1), 0.02f * MathF.Pow(50, k / 5f), 0);
                return (predicted, predicted with { Quality = random.NextSingle() < predicted.Quality ? 1 : 0 });
            }).ToArray();
        })];
    }
}
