using MetaRouter.Evaluation.Baselines;

namespace MetaRouter.Evaluation.Tests.Baselines;

public sealed class LearnThenTestTests
{
    private const double Delta = .1, Alpha = .1;

    [Theory]
    [InlineData(0, 10, .3, 0.0282475249)]
    [InlineData(3, 10, .3, 0.6496107184)]
    [InlineData(10, 10, .3, 1)]
    [InlineData(80, 1000, .1, 0.0176116)]
    public void BinomialTail_ByTable(int k, int n, double p, double expected) => LearnThenTest.BinomialTail(k, n, p).ShouldBe(expected, 1e-6);

    [Fact]
    public void Threshold_ManySamples_BreaksItsPromiseInATenthAtMost()
    {
        // Confidence is uniform, an answer is bad with probability (1 - confidence) / 2: served above t, the true share of bad ones is (1 - t)^2 / 4.
        var (broken, plainlyBroken, served) = (0, 0, 0.0);
        const int samples = 1000;
        for (var seed = 0; seed < samples; seed++)
        {
            var random = new Random(seed);
            var confidence = Enumerable.Range(0, 400).Select(_ => random.NextDouble()).ToArray();
            var bad = confidence.Select(c => random.NextDouble() < (1 - c) / 2).ToArray();
            var threshold = LearnThenTest.Threshold(confidence, bad, Delta, Alpha);
            broken += Risk(threshold) > Delta ? 1 : 0;
            served += (1 - Math.Min(threshold, 1)) / samples;

            // What anyone would do without a test: the lowest threshold that looks right on the sample.
            var plain = confidence.Order().First(t => confidence.Zip(bad).Count(x => x.First >= t && x.Second) <= Delta * confidence.Length);
            plainlyBroken += Risk(plain) > Delta ? 1 : 0;
        }

        (broken / (double)samples).ShouldBeLessThan(Alpha + .02);
        (plainlyBroken / (double)samples).ShouldBeGreaterThan(.3);
        // The best threshold there is serves 63 %: the promise does not come from serving nothing.
        served.ShouldBeGreaterThan(.5);

        static double Risk(double t) => double.IsInfinity(t) ? 0 : (1 - t) * (1 - t) / 4;
    }

    [Fact]
    public void Threshold_AllBad_ServesFewerThanPromised() => LearnThenTest.Threshold([.. Enumerable.Range(0, 100).Select(i => i / 100.0)], [.. Enumerable.Repeat(true, 100)], Delta, Alpha).ShouldBe(.95);

    [Fact]
    public void Threshold_AllGood_ServesAll() => LearnThenTest.Threshold([.. Enumerable.Range(0, 100).Select(i => i / 100.0)], new bool[100], Delta, Alpha).ShouldBe(0);

    [Fact]
    public void Threshold_TooFewToTell_ServesNothing() => LearnThenTest.Threshold([.5, .6, .7], new bool[3], Delta, Alpha).ShouldBe(double.PositiveInfinity);
}
