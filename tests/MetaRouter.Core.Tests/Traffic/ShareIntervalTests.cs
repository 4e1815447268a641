using MetaRouter.Core.Traffic;

namespace MetaRouter.Core.Tests.Traffic;

public sealed class ShareIntervalTests
{
    /// <summary>Newcombe 1998, table II, (a): 56/70 against 48/80, method 10.</summary>
    [Fact]
    public void Difference_OfThePapersExample_IsThePapers()
    {
        var change = ShareInterval.Difference(ShareInterval.Of(56, 70), ShareInterval.Of(48, 80))!.Value;

        (change.Value, change.Low!.Value, change.High!.Value).ShouldSatisfyAllConditions(c => c.Item1.ShouldBe(0.2, 1e-12), c => c.Item2.ShouldBe(0.0524, 5e-5), c => c.Item3.ShouldBe(0.3339, 5e-5));
    }

    /// <summary>Where all say the same Wilson's bound is z2 / (n + z2), and the normal interval would have no width.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(1000)]
    public void Of_SharesWithoutAnException_LeaveOpenWhatSoFewDoNotTell(int asked)
    {
        var open = 1.959963984540054 * 1.959963984540054 / (asked + (1.959963984540054 * 1.959963984540054));
        var (none, all) = (ShareInterval.Of(0, asked)!.Value, ShareInterval.Of(asked, asked)!.Value);

        (none.Value, none.Low!.Value, all.Value, all.High!.Value).ShouldBe((0, 0, 1, 1));
        none.High!.Value.ShouldBe(open, 1e-12);
        all.Low!.Value.ShouldBe(1 - open, 1e-12);
    }

    [Fact]
    public void Of_Nobody_IsNothing()
    {
        ShareInterval.Of(0, 0).ShouldBeNull();
        ShareInterval.Difference(ShareInterval.Of(1, 2), null).ShouldBeNull();
        Should.Throw<ArgumentOutOfRangeException>(() => ShareInterval.Of(3, 2));
        Should.Throw<ArgumentOutOfRangeException>(() => ShareInterval.Of(-1, 2));
    }

    /// <summary>Of ten thousand draws of 12 from each of several shares, about 95 in a hundred intervals have the share; the normal one's would have far fewer at the ends.</summary>
    [Theory]
    [InlineData(0.5)]
    [InlineData(0.9)]
    [InlineData(0.97)]
    public void Of_FewAsked_HasTheShareAboutAsOftenAsItSays(double share)
    {
        var (random, held) = (new Random(1), 0);
        for (var i = 0; i < 10_000; i++)
        {
            var told = ShareInterval.Of(Enumerable.Range(0, 12).Count(_ => random.NextDouble() < share), 12)!.Value;
            held += told.Low <= share && share <= told.High ? 1 : 0;
        }

        held.ShouldBeInRange(9200, 9990);
    }

    [Fact]
    public void Mean_OfTwo_IsTheNormalInterval()
    {
        var mean = ShareInterval.Mean([1, 3])!.Value; // s is the root of 2, so s / sqrt(n) is 1
        (mean.Value, mean.Low!.Value, mean.High!.Value).ShouldSatisfyAllConditions(m => m.Item1.ShouldBe(2), m => m.Item2.ShouldBe(2 - 1.959963984540054, 1e-12), m => m.Item3.ShouldBe(2 + 1.959963984540054, 1e-12));
        ShareInterval.Mean([7]).ShouldBe(new Estimate(7));
        ShareInterval.Mean([]).ShouldBeNull();
    }
}
