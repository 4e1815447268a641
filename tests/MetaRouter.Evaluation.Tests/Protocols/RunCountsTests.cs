using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Tests.Protocols;

public sealed class RunCountsTests
{
    private const int PoolRows = 400, Users = 30;

    private readonly Bootstrap _bootstrap = new(17, 200);

    [Fact]
    public void Of_RowThatScoresInTwoSplits_CountsAlikeInBoth()
    {
        var (first, _) = Draw(3, [.. Enumerable.Range(0, 200)], run: 0);
        var (second, _) = Draw(3, [.. Enumerable.Range(100, 200)], run: 2);

        // Each is scaled to a mean of 1, so what they share is proportional.
        first.Average().ShouldBe(1, 1e-4);
        second.Average().ShouldBe(1, 1e-4);
        var scale = first.AsSpan(100).ToArray().Sum() / second.AsSpan(0, 100).ToArray().Sum();
        Enumerable.Range(0, 100).ShouldAllBe(i => Math.Abs(first[100 + i] - (scale * second[i])) < 1e-3);
    }

    [Fact]
    public void Of_UsersOfASplit_AreThoseOfBothDirectionsAndOfNoOtherSplit()
    {
        var (one, other, elsewhere) = (Draw(3, [0, 1], run: 0).Users, Draw(3, [2, 3], run: 1).Users, Draw(3, [0, 1], run: 2).Users);
        other.ShouldBe(one);
        elsewhere.ShouldNotBe(one);
        one.Sum().ShouldBe(Users);
    }

    [Fact]
    public void Of_SplitsOfTheSameRows_AreNoMoreEvidenceThanOne()
    {
        // What a row earns does not depend on the split: the mean over five splits that score all rows is as unsure as over one.
        var random = new Random(2);
        var earned = Enumerable.Range(0, PoolRows).Select(_ => random.NextSingle()).ToArray();
        int[] all = [.. Enumerable.Range(0, PoolRows)];
        double Width(int splits)
        {
            var interval = _bootstrap.Of(b => Enumerable.Range(0, splits).Average(s => Draw(b, all, 2 * s).Rows.Zip(earned, (count, value) => count * value).Average()));
            return interval.High - interval.Low;
        }

        Width(5).ShouldBe(Width(1), 1e-5);
        Width(1).ShouldBe(2 * 1.96 * Math.Sqrt(1 / 12.0 / PoolRows), .01);
    }

    private (float[] Rows, float[] Users) Draw(int replicate, int[] scored, int run) => RunCounts.Of(_bootstrap, replicate, run, PoolRows, scored, Users);
}
