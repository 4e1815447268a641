using System.Text.Json;
using MetaRouter.Evaluation.Grading;

namespace MetaRouter.Evaluation.Tests.Grading;

public sealed class JudgeRubricTests
{
    private static readonly GradingPrompt s_prompt = new(1, "p", "d", "What is 7 times 8?", """[{"role":"user","content":"What is 7 times 8?"}]""", ["56"]);

    [Theory]
    [InlineData("Right.\nGrade: 10", 1.0)]
    [InlineData("Grade: 0", 0.0)]
    [InlineData("Nearly.\r\n\r\n**Grade: 7.5/10**  \n", .75)]
    [InlineData("**Grade:** 7.", .7)]
    [InlineData("Grade: 11", null)]
    [InlineData("Grade: -1", null)]
    [InlineData("Grade: 7 or 8", null)]
    [InlineData("Grade: 7\nbut it could be longer", null)]
    [InlineData("I give it a 7", null)]
    [InlineData("7", null)]
    [InlineData("Grade: N", null)]
    [InlineData("", null)]
    public void Read_TakesNothingButAGradeOnTheLastLine(string reply, double? grade) => JudgeRubric.Read(reply).ShouldBe(grade);

    [Fact]
    public void Ask_ShowsRequestReferenceAndAnswer()
    {
        using var messages = JsonDocument.Parse(JudgeRubric.Ask(s_prompt, "It is 54."));

        messages.RootElement.EnumerateArray().Select(m => m.GetProperty("role").GetString()).ShouldBe(["system", "user"]);
        messages.RootElement[1].GetProperty("content").GetString().ShouldBe("<request>\nWhat is 7 times 8?\n</request>\n<reference>\n56\n</reference>\n<answer>\nIt is 54.\n</answer>");
    }

    [Fact]
    public void AskAgain_HoldsTheReplyAgainstTheJudge()
    {
        using var messages = JsonDocument.Parse(JudgeRubric.AskAgain(s_prompt, "It is 54.", "Hm."));

        messages.RootElement.EnumerateArray().Select(m => m.GetProperty("role").GetString()).ShouldBe(["system", "user", "assistant", "user"]);
        messages.RootElement[2].GetProperty("content").GetString().ShouldBe("Hm.");
    }
}
