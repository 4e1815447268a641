using MetaRouter.Core.MetaLearning;

namespace MetaRouter.Core.Tests.MetaLearning;

public class WindowSampleTests
{
    /// <summary>Of the users 1 to 6 the ranks ascend in the order 3, 1, 5, 4, 6, 2.</summary>
    [Fact]
    public void Put_MoreThanAreKept_KeepsTheLeastRanksInAnyOrder()
    {
        foreach (var order in (ulong[][])[[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1], [2, 4, 6, 1, 3, 5]])
        {
            var sample = new WindowSample(3);
            foreach (var user in order)
            {
                sample.Put(user, [(byte)user]);
            }

            sample.Windows.Select(w => w[0]).ShouldBe(new byte[] { 3, 1, 5 });
            sample.Ceiling.ShouldBe(WindowSample.Rank(5));
        }
    }

    [Fact]
    public void Put_AgainOrRemoved_IsReplacedOrMakesRoom()
    {
        var sample = new WindowSample(2);
        sample.Ceiling.ShouldBe(ulong.MaxValue, "there is room for anybody");
        sample.Put(3, [0]);
        sample.Put(3, [1]);
        sample.Ceiling.ShouldBe(ulong.MaxValue);
        sample.Put(1, [2]);
        sample.Windows.ShouldBe([[1], [2]]);
        sample.Ceiling.ShouldBe(WindowSample.Rank(1), "one of a greater rank would not be kept");

        sample.Remove(3);
        sample.Remove(6);
        sample.Windows.ShouldBe([[2]]);
        sample.Ceiling.ShouldBe(ulong.MaxValue);
        Should.Throw<ArgumentOutOfRangeException>(() => new WindowSample(0));
    }

    /// <summary>The finaliser of SplitMix64: a cluster's silos rank alike.</summary>
    [Fact]
    public void Rank_PublishedConstants_AreAsPublished() => WindowSample.Rank(1).ShouldBe(0x5692161d100b05e5UL);
}
