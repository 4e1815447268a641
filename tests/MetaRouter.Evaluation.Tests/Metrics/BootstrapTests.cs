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
    public void RatioOfSums_ProportionalLists_IsExact()
    {
        var interval = new Bootstrap(0).RatioOfSums([1, 2, 3], [2, 4, 6]);
        interval.Low.ShouldBe(.5, 1e-12);
        interval.High.ShouldBe(.5, 1e-12);
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
