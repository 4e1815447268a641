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

    /// <summary>Who answered was drawn by lot: sets that share nothing began sources of rows that have little in common.</summary>
    [Theory]
    [InlineData(12)]
    [InlineData(30)]
    public void Of_PairsDrawnByLot_IsOne(int models)
    {
        var random = new Random(1);
        Sources([.. Enumerable.Range(0, 9000).Select(_ =>
        {
            var row = "11".PadRight(models, '0').ToCharArray();
            random.Shuffle(row);
            return new string(row);
        })]).Count.ShouldBe(1);
    }

    [Fact]
    public void Of_RowsThatNobodyAnsweredOrOthersDid_LeaveTheLargeSourcesAsTheyAre()
    {
        string[] odd = [.. Enumerable.Range(0, 40).SelectMany(m => Rows(new string('0', 10 + m) + "1" + new string('0', 39 - m), 30))];
        var (source, count) = Sources([.. Rows("11111" + new string('0', 45), 600), .. Rows("0000011111" + new string('0', 40), 700), .. odd]);
        count.ShouldBe(2);
        (source[0], source[600]).ShouldBe((1, 0));
    }

    [Fact]
    public void Take_SomeRows_KeepsTheirSources()
    {
        var found = new RowSources([0, 1, 1, 0, 1], 2).Take([4, 0]);
        (found.Count, string.Concat(found.Of)).ShouldBe((2, "10"));
    }

    private static IEnumerable<string> Rows(string answered, int rows) => Enumerable.Repeat(answered, rows);

    private static (int[] Source, int Count) Sources(IEnumerable<string> rows)
    {
        string[] all = [.. rows];
        var found = RowSources.Find([.. all.SelectMany(r => r.Select(c => c == '1' ? 1f : float.NaN))], all[0].Length);
        return ([.. found.Of], found.Count);
    }
}
