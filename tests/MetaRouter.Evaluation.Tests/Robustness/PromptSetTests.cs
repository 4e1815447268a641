using MetaRouter.Evaluation.Robustness;

namespace MetaRouter.Evaluation.Tests.Robustness;

public sealed class PromptSetTests
{
    [Fact]
    public void All_EveryCategory_HasFortyTrivialAndFortyHardInTwoHalves()
    {
        foreach (var category in PromptSet.Graded)
        {
            foreach (var isHard in new[] { false, true })
            {
                var items = PromptSet.All.Where(p => p.Category == category && p.IsHard == isHard).ToList();
                (items.Count, items.Count(p => p.IsReported)).ShouldBe((40, 20), category);
                (items.Count(p => p.IsReported && p.Paraphrase is not null), items.Count(p => p.IsReported && p.Foreign is not null)).ShouldBe((6, 5), category);
            }
        }

        PromptSet.All.Count(p => p.Category == PromptSet.Harmful).ShouldBe(40);
        PromptSet.All.Count(p => p.Category == PromptSet.Personal).ShouldBe(40);
        PromptSet.All.Count.ShouldBe(480);
    }

    [Fact]
    public void All_NoTextStandsTwice_AndRewordingsDiffer()
    {
        PromptSet.All.Select(p => p.Text).Distinct(StringComparer.OrdinalIgnoreCase).Count().ShouldBe(PromptSet.All.Count);
        PromptSet.All.ShouldAllBe(p => p.Text.Length > 0 && p.Paraphrase != p.Text && p.Foreign != p.Text);
    }

    [Theory]
    [InlineData("no heading\n")]
    [InlineData("# facts trivial\na || b || c || d\n")]
    public void Parse_OtherLines_AreRefused(string text) => Should.Throw<FormatException>(() => PromptSet.Parse(new StringReader(text))).Message.ShouldContain("Line ");
}
