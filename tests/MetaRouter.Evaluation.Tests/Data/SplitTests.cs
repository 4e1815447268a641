using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Training;

namespace MetaRouter.Evaluation.Tests.Data;

public sealed class SplitTests
{
    private static readonly string[] Ids = [.. Enumerable.Range(0, 10_000).Select(i => $"set/{i}")];

    [Fact]
    public void Halves_ManyIds_AreDisjointEvenAndOtherBySeed()
    {
        var (train, test) = Split.Halves(Ids, 0);
        train.Concat(test).Order().ShouldBe(Enumerable.Range(0, Ids.Length));
        train.Length.ShouldBeInRange(4800, 5200);
        Split.Halves(Ids, 1).Train.Intersect(train).Count().ShouldBeInRange(2350, 2650);
    }

    [Fact]
    public void Halves_FewestRows_LeaveEnoughToTrainOn()
    {
        for (var seed = 0; seed < 1000; seed++)
        {
            var (train, test) = Split.Halves(Ids[..Split.LeastRows], seed);
            Math.Min(train.Length, test.Length).ShouldBeGreaterThanOrEqualTo(TrainingData.LeastRows);
        }
    }

    [Fact]
    public void Halves_RowsInAnotherOrder_KeepTheirSide()
    {
        var backwards = Ids.Reverse().ToArray();
        Split.Halves(backwards, 3).Train.Select(i => backwards[i]).Order(StringComparer.Ordinal).ShouldBe(Split.Halves(Ids, 3).Train.Select(i => Ids[i]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Folds_ManyIds_AreEven() =>
        Split.Folds(Ids, 5, 0).CountBy(f => f).Select(f => f.Value).ShouldAllBe(n => n > 1850 && n < 2150);

    [Fact]
    public void Draw_Count_IsExactAndTheRestIsTheRest()
    {
        var (drawn, rest) = Split.Draw(Ids, 1500, 4);
        drawn.Length.ShouldBe(1500);
        drawn.Concat(rest).Order().ShouldBe(Enumerable.Range(0, Ids.Length));
    }

    [Fact]
    public void Hash_KnownId_IsTheSameOnEveryMachine() => Split.Hash("mmlu_pro/2804", 1).ShouldBe(4598598453495269178UL);
}
