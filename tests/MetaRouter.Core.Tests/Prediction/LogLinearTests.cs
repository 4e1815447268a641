using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.Tests.Prediction;

public class LogLinearTests
{
    [Fact]
    public void Fit_ByHand_ShrinksTheSlopeNotTheConstantAndSmears()
    {
        // ln(1 + y) = 2 and 4 at -1 and 1 with ridge 2: slope (4 - 2) / (2 + 2), constant 6 / 2, so e^2.5 and e^3.5 before smearing.
        var (a, b) = (MathF.Exp(2) - 1, MathF.Exp(4) - 1);
        var (weights, factor) = LogLinear.Fit([-1, 1, 1, 1], [a, b], 2, 1, ridge: 2);
        weights.ShouldBe([0.5f, 3], 2e-3);
        factor[0].ShouldBe((a + b) / (MathF.Exp(2.5f) + MathF.Exp(3.5f)), 5e-3f);
    }

    [Fact]
    public void Fit_AnyAmounts_PredictsTheirMeanOnAverage()
    {
        var random = new Random(1);
        float[] x = [.. Enumerable.Range(0, 200 * 3).Select(i => i % 3 == 2 ? 1 : random.NextSingle())];
        float[] y = [.. Enumerable.Range(0, 200 * 2).Select(i => random.Next(5) == 0 ? float.NaN : random.Next(2000) * x[i / 2 * 3])];
        var (weights, factor) = LogLinear.Fit(x, y, 3, 2);
        for (var k = 0; k < 2; k++)
        {
            var seen = Enumerable.Range(0, 200).Where(i => !float.IsNaN(y[(i * 2) + k])).ToArray();
            seen.Average(i => Predict(weights, factor, k, x.AsSpan(i * 3, 3))).ShouldBe(seen.Average(i => (double)y[(i * 2) + k]), 0.5);
        }
    }

    [Fact]
    public void Fit_ModelNeverObserved_GetsTheMeanOfTheOthers()
    {
        float[] x = [1, 0, 1, 1, 1, 0.5f];
        float[] y = [10, float.NaN, 100, 20, float.NaN, 300, 30, float.NaN, 500];
        var (weights, factor) = LogLinear.Fit(x, y, 2, 3);
        factor[1].ShouldBe((factor[0] + factor[2]) / 2, 1e-5f);
        weights[2].ShouldBe((weights[0] + weights[4]) / 2, 1e-5f);
        weights[3].ShouldBe((weights[1] + weights[5]) / 2, 1e-5f);
    }

    [Fact]
    public void Fit_NothingObserved_IsZero()
    {
        var (weights, factor) = LogLinear.Fit([1, 1], [float.NaN, float.NaN, float.NaN, float.NaN], 1, 2);
        weights.ShouldBe([0, 0]);
        factor.ShouldBe([0, 0]);
    }

    [Fact]
    public void Fit_RowNobodyAnswered_TeachesNothing()
    {
        float[] y = [10, 20, float.NaN, float.NaN, 30, 5];
        var clean = LogLinear.Fit([1, 2, 3], y, 1, 2);
        var poisoned = LogLinear.Fit([1, 1e30f, 3], y, 1, 2);
        LogLinear.Fit([1, -7, 3], y, 1, 2).Weights.ShouldBe(clean.Weights);
        poisoned.Weights.ShouldBe(clean.Weights);
        poisoned.Factor.ShouldBe(clean.Factor);
    }

    private static double Predict(float[] weights, float[] factor, int k, ReadOnlySpan<float> x)
    {
        var sum = 0.0;
        for (var i = 0; i < x.Length; i++)
        {
            sum += weights[(k * x.Length) + i] * x[i];
        }

        return Math.Exp(sum) * factor[k];
    }
}
