using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.Tests.Prediction;

public class RidgeRegressionTests
{
    [Fact]
    public void Fit_OneFeatureByHand_ShrinksTheSlopeByThePenalty()
    {
        // Centred x is -1.5 .. 1.5: sum of squares 5, of products with y 10. Any penalty p, in units of 5, leaves the slope 10 / (5 + 5 p).
        var model = new RidgeDesign([1, 2, 3, 4], 1).Fit([2, 4, 6, 8]);
        model.Weights[0].ShouldBe((float)(2 / (1 + model.Penalty)), 1e-6f);
        model.Penalty.ShouldBe(.01);
        model.Predict([2.5f]).ShouldBe(5, 1e-5f);
    }

    [Fact]
    public void Fit_Weights_CountAsRepeatedRows()
    {
        var random = new Random(3);
        float[] x = [.. Enumerable.Range(0, 40).Select(_ => random.NextSingle())], y = [.. Enumerable.Range(0, 20).Select(i => x[2 * i] - (.5f * x[(2 * i) + 1]) + (.1f * random.NextSingle()))];
        float[] twice = [.. Enumerable.Range(0, 20).Select(i => i < 5 ? 2f : 1f)];
        var weighted = new RidgeDesign(x, 2, twice).Fit(y);
        var repeated = new RidgeDesign([.. x, .. x[..10]], 2).Fit([.. y, .. y[..5]]);

        // The penalty is chosen by the number of rows, which differs; at these it is the smallest for both.
        repeated.Penalty.ShouldBe(weighted.Penalty);
        repeated.Weights.ShouldBe(weighted.Weights, 1e-5);
        repeated.Intercept.ShouldBe(weighted.Intercept, 1e-5f);
    }

    [Fact]
    public void Fit_NoiseAlone_IsShrunkToTheMeanAndALinearTruthIsRecovered()
    {
        var random = new Random(4);
        const int n = 400, d = 30;
        float[] x = [.. Enumerable.Range(0, n * d).Select(_ => random.NextSingle() - .5f)];
        var design = new RidgeDesign(x, d);
        var noise = design.Fit([.. Enumerable.Range(0, n).Select(_ => random.NextSingle())]);
        noise.Weights.Max(MathF.Abs).ShouldBeLessThan(.15f);

        var truth = design.Fit([.. Enumerable.Range(0, n).Select(i => 1 + (3 * x[i * d]) - (2 * x[(i * d) + 1]) + (.01f * random.NextSingle()))]);
        truth.Weights[0].ShouldBe(3, .05f);
        truth.Weights[1].ShouldBe(-2, .05f);
        truth.Weights.Skip(2).Max(MathF.Abs).ShouldBeLessThan(.01f);
    }

    [Fact]
    public void Fit_FewerRowsThanFeatures_StaysFinite()
    {
        var random = new Random(5);
        float[] x = [.. Enumerable.Range(0, 10 * 50).Select(_ => random.NextSingle())];
        var model = new RidgeDesign(x, 50).Fit([.. Enumerable.Range(0, 10).Select(_ => random.NextSingle())]);
        model.Weights.ShouldAllBe(w => float.IsFinite(w));
        model.Predict(x.AsSpan(0, 50)).ShouldBeInRange(-.5f, 1.5f);
    }

    [Fact]
    public void Fit_OtherLengths_AreRefused()
    {
        Should.Throw<ArgumentException>(() => new RidgeDesign([1, 2, 3], 2)).Message.ShouldContain("3 numbers");
        Should.Throw<ArgumentException>(() => new RidgeDesign([1, 2], 1, [0, 0])).Message.ShouldContain("above 0");
        Should.Throw<ArgumentException>(() => new RidgeDesign([1, 2], 1).Fit([1])).Message.ShouldContain("2 rows and 1 targets");
    }
}
