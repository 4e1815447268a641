using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Tests.Metrics;

public sealed class BootstrapTests
{
    [Fact]
    public void Mean_NormalSample_HasAboutTwoStandardErrorsEachSide()
    {
        var random = new Random(3);
        var values = Enumerable.Range(0, 400).Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())).ToArray();
        var interval = new Bootstrap(0).Mean(values);
        (interval.High - interval.Low).ShouldBe(2 * 1.96 / 20, .03);
        interval.Contains(values.Average()).ShouldBeTrue();
    }

    [Fact]
    public void Mean_Constant_HasNoWidth() => new Bootstrap(0).Mean([2, 2, 2]).ShouldBe(new Interval(2, 2));

    [Fact]
    public void Mean_ManySamples_CoversTheTruthAboutAsOftenAsItSays()
    {
        var covered = Enumerable.Range(0, 200).Count(i =>
        {
            var random = new Random(1000 + i);
            return new Bootstrap(i, 200).Mean([.. Enumerable.Range(0, 60).Select(_ => random.NextDouble())]).Contains(.5);
        });
        covered.ShouldBeInRange(176, 199);
    }

    [Fact]
    public void PairedDifference_SharedNoise_IsFarNarrowerThanEitherMean()
    {
        var random = new Random(0);
        var noise = Enumerable.Range(0, 300).Select(_ => random.NextDouble()).ToArray();
        var interval = new Bootstrap(0).PairedDifference([.. noise.Select(v => v + .1)], noise);
        interval.Low.ShouldBe(.1, 1e-9);
        interval.High.ShouldBe(.1, 1e-9);
    }

    [Fact]
    public void RatioOfSums_ProportionalLists_IsExact()
    {
        var interval = new Bootstrap(0).RatioOfSums([1, 2, 3], [2, 4, 6]);
        interval.Low.ShouldBe(.5, 1e-12);
        interval.High.ShouldBe(.5, 1e-12);
    }

    [Fact]
    public void RatioOfSums_UsersThatDiffer_AreWiderThanRowsAlone()
    {
        const int users = 10, rows = 50;
        var numerator = new double[users * rows];
        for (var i = 0; i < numerator.Length; i++)
        {
            numerator[i] = i / rows; // only the user matters
        }

        var ones = Enumerable.Repeat(1.0, numerator.Length).ToArray();
        var joint = new Bootstrap(0).RatioOfSums(numerator, ones, users, rows);
        var pooled = new Bootstrap(0).RatioOfSums(numerator, ones);
        (joint.High - joint.Low).ShouldBeGreaterThan(3 * (pooled.High - pooled.Low));
    }

    [Fact]
    public void Counts_EveryReplicate_SumsToTheNumberOfRowsAndRepeats()
    {
        var (a, b, other) = (new float[100], new float[100], new float[100]);
        new Bootstrap(5).Counts(7, a);
        new Bootstrap(5).Counts(7, b);
        new Bootstrap(5).Counts(7, other, axis: 1);
        a.Sum().ShouldBe(100);
        a.ShouldBe(b);
        a.ShouldNotBe(other);
    }

    [Fact]
    public void Constructor_TooFewReplicates_IsRefused() => Should.Throw<ArgumentOutOfRangeException>(() => new Bootstrap(0, 5));
}
