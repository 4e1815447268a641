using MetaRouter.Evaluation.Robustness;

namespace MetaRouter.Evaluation.Tests.Robustness;

public sealed class SuffixSearchTests
{
    [Fact]
    public void Find_WordThatDoesHarm_FillsTheSuffixWithIt()
    {
        string[] words = [.. Enumerable.Range(0, 30).Select(i => $"w{i}"), "bad"];

        var found = SuffixSearch.Find(words, Harm, seed: 1, default);

        found.ShouldStartWith(" ");
        Harm(found).ShouldBeGreaterThan(SuffixSearch.Places / 2);
        SuffixSearch.Find(words, Harm, seed: 1, default).ShouldBe(found);

        static double Harm(string suffix) => suffix.Split(' ').Count(w => w == "bad");
    }

    [Fact]
    public void Find_NothingDoesHarm_IsEmpty() => SuffixSearch.Find(["a", "b"], suffix => -suffix.Length, seed: 1, default).ShouldBe("");
}
