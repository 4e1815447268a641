namespace MetaRouter.Core.Tests.Prediction;

public class OutcomeTableTests
{
    [Fact]
    public void New_WrongShape_NamesTheTableAndWhatItNeeds() =>
        Should.Throw<ArgumentException>(() => SomeTables.Of(["a", "b"], ["x", "y", "z"], score: new float[5])).Message.ShouldContain("'test' of 3 queries x 2 models needs 6 cells");

    [Fact]
    public void Take_AnyRows_AreThoseInThatOrder()
    {
        var table = SomeTables.TwoKinds(10, seed: 1);
        int[] rows = [7, 2, 7];
        var taken = table.Take(rows);
        taken.Rows.ShouldBe(3);
        taken.Models.ShouldBe(table.Models);
        for (var i = 0; i < rows.Length; i++)
        {
            taken.Queries[i].ShouldBe(table.Queries[rows[i]]);
            taken.Ids[i].ShouldBe(table.Ids[rows[i]]);
            taken.Score.Skip(i * 4).Take(4).ShouldBe(table.Score.Skip(rows[i] * 4).Take(4));
            taken.CostUsd.Skip(i * 4).Take(4).ShouldBe(table.CostUsd.Skip(rows[i] * 4).Take(4));
            taken.InputTokens.Skip(i * 4).Take(4).ShouldBe(table.InputTokens.Skip(rows[i] * 4).Take(4));
            taken.OutputTokens.Skip(i * 4).Take(4).ShouldBe(table.OutputTokens.Skip(rows[i] * 4).Take(4));
            taken.LatencySeconds.Skip(i * 4).Take(4).ShouldBe(table.LatencySeconds.Skip(rows[i] * 4).Take(4));
        }
    }
}
