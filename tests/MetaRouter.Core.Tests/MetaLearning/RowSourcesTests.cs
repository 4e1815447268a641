using MetaRouter.Core.MetaLearning;

namespace MetaRouter.Core.Tests.MetaLearning;

public class RowSourcesTests
{
    [Fact]
    public void Of_EverybodyAnsweredEverything_IsOne() => Sources(Rows("1111", 2000)).Count.ShouldBe(1);

    [Fact]
    public void Of_CellsMissingByChance_IsOne()
    {
        var random = new Random(1);
        Sources([.. Enumerable.Range(0, 3000).Select(_ => string.Concat(Enumerable.Range(0, 6).Select(_ => random.Next(3) == 0 ? '0' : '1')))]).Count.ShouldBe(1);
    }

    [Fact]
    public void Of_TwoBenchmarks_TellsThemApartInAnyOrder()
    {
        string[] rows = [.. Rows("1111000", 600), .. Rows("0001111", 900), .. Rows("1101000", 50), .. Rows("0000111", 50)];
        new Random(2).Shuffle(rows);
        var (source, count) = Sources(rows);
        count.ShouldBe(2);
        rows.Index().ShouldAllBe(r => source[r.Index] == (r.Item[0] == '1' ? 1 : 0)); // the larger first
    }

    [Fact]
    public void Of_TwoModelsOfMany_AreASourceOfTheirOwn() => Sources([.. Rows("1111111111", 600), .. Rows("1100000000", 5000)]).Count.ShouldBe(2);

    [Fact]
    public void Of_AFewRowsOfOthers_JoinWhomTheyShareMostWith()
    {
        var (source, count) = Sources([.. Rows("111000000", 600), .. Rows("000111000", 600), .. Rows("000001111", 100), .. Rows("000000000", 3)]);
        count.ShouldBe(2);
        source[^50].ShouldBe(source[700]);
    }

    private static IEnumerable<string> Rows(string answered, int rows) => Enumerable.Repeat(answered, rows);

    private static (int[] Source, int Count) Sources(IEnumerable<string> rows)
    {
        string[] all = [.. rows];
        return RowSources.Of([.. all.SelectMany(r => r.Select(c => c == '1' ? 1f : float.NaN))], all[0].Length);
    }
}
