using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Grading;

namespace MetaRouter.Evaluation.Tests.Grading;

public sealed class GradedCellTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Line_IsReadAsItWasWritten()
    {
        var whole = new GradedCell("1", "d", "Was heißt \"two\"?\n", new ModelId("small"), .7, 0.000012, 10, 20, 1.25) { Judge = "large" };
        var bare = new GradedCell("1", "d", "Was heißt \"two\"?\n", new ModelId("large"), 1, double.NaN, double.NaN, double.NaN, 2);
        var path = _folder.Write("own.jsonl", (whole with { Answer = "zwei", Verdict = "Grade: 7" }).ToLine(), "no line", bare.ToLine());

        GradedCell.Read(path).ShouldBe([whole, bare]);
        var table = OutcomeReader.Read(path, new OutcomeReadOptions { Models = [new("small")] }).Table;
        (table.Score[0], table.CostUsd[0], table.InputTokens[0], table.OutputTokens[0], table.LatencySeconds[0]).ShouldBe((.7f, 0.000012, 10f, 20f, 1.25f));
        GradedAnswerReader.Read(path, new ModelId("large")).Answers.ShouldHaveSingleItem().Score.ShouldBe(1);
    }
}
