using MetaRouter.Core.Text;

namespace MetaRouter.Core.Tests.Text;

public class TopicModelTests
{
    private const int Features = 6;

    [Fact]
    public void OutOfFold_TopicsThatShow_AreToldOnUnseenRows()
    {
        var (x, groups) = Rows(200, noise: 0.2);
        var right = 0;
        var model = TopicModel.OutOfFold(x, Features, Features, groups, 1, (i, p) => right += Name(p) == groups[i] ? 1 : 0, default);
        model.Topics.ShouldBe(3);
        right.ShouldBeGreaterThan(190);
        Predict(model, [0, 1, 0, 0, 0, 0]).Sum().ShouldBe(1, 1e-5);

        // Numbered by frequency, then name: a has 67 rows, b 67, c 66.
        Predict(model, [0, 1, 0, 0, 0, 0])[1].ShouldBeGreaterThan(0.8f);

        static string Name(ReadOnlySpan<float> p) => p[0] > p[1] && p[0] > p[2] ? "a" : p[1] > p[2] ? "b" : "c";
    }

    /// <summary>Found by reading: e to the power of 89 is no float.</summary>
    [Theory]
    [InlineData(200, 0, 1)]
    [InlineData(-200, -201, .731)]
    [InlineData(1e9, 1e9, .5)]
    [InlineData(-1e9, 1e9, 0)]
    public void Predict_LogitsBeyondAFloatsPowers_AreProbabilities(float first, float second, double probability) =>
        Predict(new TopicModel(2, [first, 0, second, 0]), [1]).Take(2).ShouldBe([(float)probability, (float)(1 - probability)], 1e-3);

    [Fact]
    public void OutOfFold_NamesThatMeanNothing_AreNotLearnedByHeart()
    {
        var random = new Random(3);
        var (x, _) = Rows(200, noise: 1);
        string[] groups = [.. Enumerable.Range(0, 200).Select(_ => random.Next(2) == 0 ? "a" : "b")];
        var right = 0;
        TopicModel.OutOfFold(x, Features, Features, groups, 1, (i, p) => right += (p[0] > p[1]) == (groups[i] == Most(groups)) ? 1 : 0, default);
        right.ShouldBeInRange(70, 135);

        static string Most(string[] groups) => groups.Count(g => g == "a") >= groups.Count(g => g == "b") ? "a" : "b";
    }

    [Fact]
    public void OutOfFold_RareKinds_AreNoTopics()
    {
        var (x, groups) = Rows(60, noise: 0.2);
        string[] rare = [.. groups.Select((g, i) => i < 10 ? "rare" : g)];
        TopicModel.OutOfFold(x, Features, Features, rare, 1, (_, _) => { }, default).Topics.ShouldBe(3);
        TopicModel.OutOfFold(x, Features, Features, [.. groups.Select(_ => "one")], 1, (_, _) => Assert.Fail("no topics, no probabilities"), default).ShouldBeSameAs(TopicModel.None);
    }

    [Fact]
    public void OutOfFold_Again_IsTheSameOnAnyThreads()
    {
        var (x, groups) = Rows(100, noise: 0.5);
        var model = TopicModel.OutOfFold(x, Features, Features, groups, 1, (_, _) => { }, default);
        OneThread.Run(() => TopicModel.OutOfFold(x, Features, Features, groups, 1, (_, _) => { }, default)).Weights.ToArray().ShouldBe(model.Weights.ToArray());
    }

    [Fact]
    public void Predict_NoTopics_IsAllZero()
    {
        float[] p = [1, 2];
        TopicModel.None.Predict([1, 2, 3], p);
        p.ShouldBe([0, 0]);
    }

    private static float[] Predict(TopicModel model, float[] x)
    {
        var p = new float[TopicModel.MaxTopics];
        model.Predict(x, p);
        return p;
    }

    /// <summary>Row i is of topic i mod 3 and has its feature set.</summary>
    private static (float[] X, string[] Groups) Rows(int n, double noise)
    {
        var random = new Random(11);
        var x = new float[n * Features];
        for (var i = 0; i < x.Length; i++)
        {
            x[i] = (float)((random.NextDouble() - 0.5) * noise) + (i % Features == i / Features % 3 ? 1 : 0);
        }

        return (x, [.. Enumerable.Range(0, n).Select(i => "abc"[i % 3].ToString())]);
    }
}
