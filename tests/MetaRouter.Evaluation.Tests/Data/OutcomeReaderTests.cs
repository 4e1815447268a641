using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Tests.Data;

public sealed class OutcomeReaderTests : IDisposable
{
    private const string Both = """{"id":"1","dataset":"d","category":"c","query":"one","contaminated":true,"in_routellm":"mmlu","models":{"b":{"score":0.5,"cost_usd":0.25,"in":3,"out":4,"lat_s":1.5},"a":{"score":1,"cost_usd":0}}}""";
    private const string Unpriced = """{"id":"2","dataset":"d","query":"two","models":{"a":{"score":0,"cost_usd":null,"in":3},"b":{"score":1,"cost_usd":0.5}}}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("x.jsonl")]
    [InlineData("x.jsonl.gz")]
    public void Read_EveryModel_InOrdinalOrderWithNaNWhereUnknown(string name)
    {
        var rows = new List<OutcomeRowInfo>();
        var file = OutcomeReader.Read(_folder.Write(name, Both, "", Unpriced), new OutcomeReadOptions { RowFilter = r => { rows.Add(r); return true; } });

        var table = file.Table;
        table.Name.ShouldBe("x");
        table.Models.ShouldBe([new ModelId("a"), new ModelId("b")]);
        table.Ids.ShouldBe(["1", "2"]);
        table.Groups.ShouldBe(["c", "d"]);
        table.Score.ShouldBe([1f, .5f, float.NaN, 1f]);
        table.CostUsd.ShouldBe([0, .25, double.NaN, .5]);
        table.InputTokens.ShouldBe([float.NaN, 3, float.NaN, float.NaN]);
        table.OutputTokens[1].ShouldBe(4);
        table.LatencySeconds[1].ShouldBe(1.5f);
        rows[0].ShouldBe(new OutcomeRowInfo("1", "d", "c", "one", true, true, false));
        rows[1].Contaminated.ShouldBeFalse();
        file.BadLines.First.ShouldBeEmpty();
    }

    [Fact]
    public void Read_CompleteRowsOnly_LeavesOutRowsWithAnUnknownPrice()
    {
        var file = OutcomeReader.Read(_folder.Write("x.jsonl", Both, Unpriced), new OutcomeReadOptions { Models = [new("b"), new("a")], CompleteRowsOnly = true });

        file.Table.Ids.ShouldBe(["1"]);
        file.Table.Score.ShouldBe([.5f, 1f]);
    }

    [Fact]
    public void Read_SameText_KeepsTheFirstAndCountsTheRest()
    {
        var file = OutcomeReader.Read(_folder.Write("x.jsonl", Both, Both.Replace("\"1\"", "\"9\"", StringComparison.Ordinal), Unpriced));

        file.Table.Ids.ShouldBe(["1", "2"]);
        file.Duplicates.ShouldBe(1);
    }

    [Fact]
    public void Read_ALineForEachModelsAnswer_IsOneRowOfAll()
    {
        static string Line(string id, string model, int score) => $"{{\"id\":\"{id}\",\"dataset\":\"d\",\"query\":\"one\",\"models\":{{\"{model}\":{{\"score\":{score},\"cost_usd\":1}}}}}}";
        var file = OutcomeReader.Read(_folder.Write("x.jsonl", Line("1", "a", 1), Line("2", "b", 0), Line("3", "a", 0)), new OutcomeReadOptions { Models = [new("a"), new("b")], CompleteRowsOnly = true });

        file.Table.Ids.ShouldBe(["1"]);
        file.Table.Score.ShouldBe([1, 0]);
        file.Duplicates.ShouldBe(2);
    }

    /// <summary>The id is the request's, so that lines of other models' answers to it have it too; of one model it is a line that came twice.</summary>
    [Fact]
    public void Read_ALineForEachModelsAnswerUnderOneId_IsOneRowOfAll()
    {
        static string Line(string query, string model, int score) => $"{{\"id\":\"7\",\"dataset\":\"d\",\"query\":\"{query}\",\"models\":{{\"{model}\":{{\"score\":{score},\"cost_usd\":1}}}}}}";
        var file = OutcomeReader.Read(_folder.Write("x.jsonl", Line("one", "a", 1), Line("one", "b", 0), Line("one", "c", 1), Line("one", "b", 1), Line("two", "d", 1)));

        file.Table.Ids.ShouldBe(["7"]);
        file.Table.Models.Select(m => m.Value).ShouldBe(["a", "b", "c"]);
        file.Table.Score.ShouldBe([1, 0, 1]);
        file.BadLines.First.Select(b => b.ToString()).ShouldBe(["line 4: id '7' has an answer of 'b' on an earlier line", "line 5: id '7' has another query on an earlier line"]);
    }

    [Fact]
    public void Read_NoTokensOfACallThatCost_WereNotCounted()
    {
        var table = OutcomeReader.Read(_folder.Write("x.jsonl",
            """{"id":"1","dataset":"d","query":"one","models":{"a":{"score":1,"cost_usd":1,"in":0,"out":0},"b":{"score":1,"cost_usd":0,"in":0,"out":0},"c":{"score":1,"cost_usd":1,"in":3,"out":0}}}""")).Table;

        table.InputTokens.ShouldBe([float.NaN, 0, 3]);
        table.OutputTokens.ShouldBe([float.NaN, 0, 0]);
    }

    [Fact]
    public void Read_RowFilter_KeepsWhatItSays() =>
        OutcomeReader.Read(_folder.Write("x.jsonl", Both, Unpriced), new OutcomeReadOptions { RowFilter = r => !r.Contaminated }).Table.Ids.ShouldBe(["2"]);

    [Theory]
    [InlineData("{", "JSON")]
    [InlineData("[]", "object")]
    [InlineData("""{"dataset":"d","query":"q","models":{}}""", "'id'")]
    [InlineData("""{"id":"x","dataset":"d","query":"","models":{}}""", "'query'")]
    [InlineData("""{"id":"x","dataset":"d","query":"q"}""", "'models'")]
    [InlineData("""{"id":"1","dataset":"d","query":"q","models":{}}""", "id '1' has another query on an earlier line")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","contaminated":1,"models":{}}""", "'contaminated'")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"cost_usd":1}}}""", "no score")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"score":1.5,"cost_usd":1}}}""", "score 1.5")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"score":-0.1,"cost_usd":1}}}""", "score -0.1")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"score":NaN,"cost_usd":1}}}""", "JSON")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"score":1,"cost_usd":-1}}}""", "cost_usd -1")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"score":1,"cost_usd":1e999}}}""", "cost_usd 1e999")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"score":1,"cost_usd":1,"out":-3}}}""", "out -3")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"score":1,"cost_usd":1e300}}}""", "cost_usd 1e300; it must be a number from 0 to 1000000")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"score":1,"cost_usd":1,"in":1e39}}}""", "in 1e39")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"score":1,"cost_usd":1,"lat_s":1e300}}}""", "lat_s 1e300")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"score":"1","cost_usd":1}}}""", "score")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a":{"score":1},"a":{"score":1}}}""", "twice")]
    [InlineData("""{"id":"x","dataset":"d","query":"q","models":{"a b":{"score":1}}}""", "model name")]
    [InlineData("""{"id":"x","dataset":"d","query":"\ud800","models":{}}""", "JSON")]
    public void Read_BadLine_IsSkippedAndReportedWithItsNumber(string line, string problem)
    {
        var file = OutcomeReader.Read(_folder.Write("x.jsonl", Both, "", line, Unpriced));

        file.Table.Ids.ShouldBe(["1", "2"]);
        var bad = file.BadLines.First.ShouldHaveSingleItem();
        bad.Line.ShouldBe(3);
        bad.Problem.ShouldContain(problem);
    }

    [Fact]
    public void Read_LineOfBadUtf8_IsThatLinesProblem()
    {
        var path = _folder.Write("x.jsonl", Both);
        using (var stream = File.Open(path, FileMode.Append))
        {
            stream.Write([(byte)'"', 0xff, 0xfe, (byte)'"', (byte)'\n']);
        }

        OutcomeReader.Read(path).BadLines.First.ShouldHaveSingleItem().Line.ShouldBe(2);
    }

    [Fact]
    public void Read_UnusableFile_SaysWhichAndWhy()
    {
        Message(Path.Combine(_folder.Path, "none.jsonl")).ShouldContain("no such file");
        Message(Path.Combine(_folder.Path, "none", "none.jsonl")).ShouldContain("no such file");
        Message(_folder.Path).ShouldContain("cannot be read");
        Message(_folder.Write("empty.jsonl")).ShouldContain("empty");
        Message(_folder.Write("bad.jsonl", "{}")).ShouldContain("line 1: 'id'");
        File.Copy(_folder.Write("plain.jsonl", Both), Path.Combine(_folder.Path, "plain.jsonl.gz"));
        Message(Path.Combine(_folder.Path, "plain.jsonl.gz")).ShouldContain("not a gzip file");

        static string Message(string path) => Should.Throw<DataFileException>(() => OutcomeReader.Read(path)).Message;
    }

    [Fact]
    public void Read_TruncatedGzip_IsRefused()
    {
        var path = _folder.Write("x.jsonl.gz", [.. Enumerable.Range(0, 2000).Select(i => Both.Replace("\"1\"", $"\"{i}\"", StringComparison.Ordinal))]);
        var bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]);

        Should.Throw<DataFileException>(() => OutcomeReader.Read(path)).Message.ShouldContain("cut short");
    }

    [Fact]
    public void Read_UnknownModel_ListsTheModelsThatAreThere() =>
        Should.Throw<DataFileException>(() => OutcomeReader.Read(_folder.Write("x.jsonl", Both), new OutcomeReadOptions { Models = [new("a"), new("z")] }))
            .Message.ShouldSatisfyAllConditions(m => m.ShouldContain("no such model: z"), m => m.ShouldContain("a, b"));

    [Fact]
    public void Read_NoCompleteRow_SaysHowManyRowsEachModelHas() =>
        Should.Throw<DataFileException>(() => OutcomeReader.Read(_folder.Write("x.jsonl", Unpriced), new OutcomeReadOptions { Models = [new("a"), new("b")], CompleteRowsOnly = true }))
            .Message.ShouldContain("a in 0, b in 1");

    [Fact]
    public void Read_LineLongerThanTheBuffer_IsWhole()
    {
        var query = new string('x', 1_000_000);
        OutcomeReader.Read(_folder.Write("x.jsonl", Both, Unpriced.Replace("two", query, StringComparison.Ordinal))).Table.Queries[1].ShouldBe(query);
    }

    [DataFact]
    public void Read_EveryDataFile_HasNoBadLine()
    {
        foreach (var (name, rows, models) in new[] { ("zeroeval", 2268, 50), ("routellm-gsm8k", 1319, 2), ("routerbench-subset", 2506, 11) })
        {
            var file = OutcomeReader.Read(DataFolder.Find(DataFactAttribute.Folder!, name));
            file.BadLines.First.ShouldBeEmpty();
            file.Table.Rows.ShouldBe(rows);
            file.Table.ModelCount.ShouldBe(models);
        }
    }

    [DataFact]
    public void Pools_AreComplete()
    {
        foreach (var pool in Pools.All)
        {
            var table = pool.Read(DataFactAttribute.Folder!).Table;
            table.Rows.ShouldBeGreaterThan(2000);
            table.Score.ShouldAllBe(s => s >= 0 && s <= 1);
            table.CostUsd.ShouldAllBe(c => c >= 0);
        }
    }
}
