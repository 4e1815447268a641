using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Training;

namespace MetaRouter.Evaluation.Tests.Training;

public sealed class TrainingDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_WholeFolder_JoinsOutcomeFilesAndSaysWhatItSkipped()
    {
        _folder.Write("a.jsonl", Topics.Lines(30, 0));
        _folder.Write("b.jsonl.gz", [Row("1", "a new request", ("poet", 1, .002), ("newcomer", 0, .003))]);
        _folder.Write("text.jsonl", """{"source":"s","text":"only text"}""");
        _folder.Write("noise.jsonl", "not", "json");
        _folder.Write("surrogate.jsonl", """{"model_a\ud800":1,"\udc00":2}""", """{"\ud800models":1}""");
        _folder.Write("notes.md", "# nothing");
        _folder.Write("secret.bin", "MR");
        _folder.Write("unpriced.jsonl", """{"id":"1","dataset":"d","query":"q","models":{"free":{"score":1,"cost_usd":null}}}""");

        var data = TrainingData.Read(_folder.Path, [], default);

        data.Files.Select(f => (f.Name, f.Rows, f.Models, f.Cells)).ShouldBe([("a", 30, 3, 90), ("b", 1, 2, 2)]);
        data.Skipped.Select(s => s.Name).ShouldBe(["noise.jsonl", "notes.md", "secret.bin", "surrogate.jsonl", "text.jsonl", "unpriced"]);
        data.Table.Models.Select(m => m.Value).ShouldBe(["both", "newcomer", "poet", "sage"]);
        data.Table.Rows.ShouldBe(31);
        data.Table.Name.ShouldBe("a + b");
        Cell(data.Table, 30, "newcomer").ShouldBe(0);
        float.IsNaN(Cell(data.Table, 30, "sage")).ShouldBeTrue();
        float.IsNaN(Cell(data.Table, 0, "newcomer")).ShouldBeTrue();
    }

    [Fact]
    public void Read_PreferencesOfGradedModels_JoinCorrected()
    {
        // Poet answers poems, sage answers sums; a judge who always likes the poet best judges 200 requests that nobody graded.
        _folder.Write("a.jsonl", Topics.Lines(200, 0));
        var judged = Topics.Table(400, 7).Queries.Skip(200).ToArray();
        _folder.Write("votes.jsonl", [.. judged.Select((q, i) => $$"""{"id":"{{i}}","query":"{{q}}","model_a":"{{(i % 3 == 0 ? "sage" : "poet")}}","model_b":"{{(i % 3 == 0 ? "poet" : "sage")}}","votes":{"{{(i % 3 == 0 ? "b" : "a")}}":1} }"""), """{"query":"lone","model_a":"poet","model_b":"stranger","votes":{"a":1}}"""]);

        var data = TrainingData.Read(_folder.Path, [], default);

        var preferences = data.Preferences.ShouldHaveSingleItem();
        (preferences.File, preferences.First, preferences.Second, preferences.Judged, preferences.Graded).ShouldBe(("votes", "poet", "sage", 200, 200));
        preferences.Shift.ShouldBeInRange(-1.2f, -.8f);
        data.Graded.Rows.ShouldBe(200);
        data.Table.Rows.ShouldBe(400);
        data.Table.Name.ShouldBe("a + votes");
        data.Skipped.ShouldHaveSingleItem().ToString().ShouldContain("1 preference labels of models without");
        var (sums, poems) = (Enumerable.Range(200, 200).Where(i => i % 2 == 1), Enumerable.Range(200, 200).Where(i => i % 2 == 0));
        poems.Average(i => Cell(data.Table, i, "poet") - Cell(data.Table, i, "sage")).ShouldBeGreaterThan(.5f);
        sums.Average(i => Cell(data.Table, i, "poet") - Cell(data.Table, i, "sage")).ShouldBeLessThan(-.3f);
        Enumerable.Range(200, 200).ShouldAllBe(i => float.IsNaN(Cell(data.Table, i, "both")) && double.IsNaN(data.Table.CostUsd[i * 3]));
    }

    [Fact]
    public void Read_EqualTextsInTwoFiles_BecomeOneRowAndTheFirstOutcomeStands()
    {
        var lines = Topics.Lines(20, 0);
        _folder.Write("a.jsonl", lines);
        var text = Topics.Table(20, 0).Queries[5];
        _folder.Write("b.jsonl", Row("x", text, ("poet", .25, .5), ("newcomer", .5, .003)));

        var data = TrainingData.Read(_folder.Path, [], default);

        data.Merged.ShouldBe(1);
        data.Table.Rows.ShouldBe(20);
        Cell(data.Table, 5, "newcomer").ShouldBe(.5f);
        Cell(data.Table, 5, "poet").ShouldBe(Topics.Table(20, 0).Score[15]);
        data.Table.Ids[5].ShouldBe("a/t/5");
    }

    [Fact]
    public void Read_Pools_HoldTheirModelsAndCompleteRowsOnly()
    {
        _folder.Write("topics.jsonl", [.. Topics.Lines(30, 0), Row("x", "only the poet answered", ("poet", 1, .001))]);
        var data = TrainingData.Read(_folder.Path, [Pools.Parse("topics:poet,sage", "")], default);
        data.Table.Models.Select(m => m.Value).ShouldBe(["poet", "sage"]);
        data.Table.Rows.ShouldBe(30);
    }

    [Fact]
    public void Read_ModelWithoutAnyPrice_IsLeftOut()
    {
        _folder.Write("a.jsonl", [.. Topics.Lines(30, 0), """{"id":"x","dataset":"d","query":"q","models":{"poet":{"score":1,"cost_usd":0.001},"o1":{"score":1}}}"""]);
        TrainingData.Read(_folder.Path, [], default).Table.Models.ShouldNotContain(new ModelId("o1"));
    }

    [Theory]
    [InlineData("no file of outcomes")]
    [InlineData("19 different requests", 19)]
    public void Read_TooLittle_IsRefused(string message, int rows = 0)
    {
        if (rows > 0)
        {
            _folder.Write("a.jsonl", Topics.Lines(rows, 0));
        }

        Should.Throw<DataFileException>(() => TrainingData.Read(_folder.Path, [], default)).Message.ShouldContain(message);
    }

    [Fact]
    public void Read_NoFolder_IsRefused() =>
        Should.Throw<DataFileException>(() => TrainingData.Read(Path.Combine(_folder.Path, "none"), [], default)).Message.ShouldContain("no such folder");

    [Fact]
    public void Read_DamagedFile_IsRefusedRatherThanSkipped()
    {
        File.WriteAllText(Path.Combine(_folder.Path, "a.jsonl.gz"), "not gzip");
        Should.Throw<DataFileException>(() => TrainingData.Read(_folder.Path, [], default)).Message.ShouldContain("not a gzip file");
    }

    private static float Cell(OutcomeTable table, int row, string model) => table.Score[(row * table.ModelCount) + table.Models.Index().Single(m => m.Item.Value == model).Index];

    private static string Row(string id, string query, params (string Model, double Score, double Cost)[] models) =>
        $$"""{"id":"{{id}}","dataset":"d","query":"{{query}}","models":{ {{string.Join(',', models.Select(m => string.Create(System.Globalization.CultureInfo.InvariantCulture, $$"""{{'"'}}{{m.Model}}":{"score":{{m.Score}},"cost_usd":{{m.Cost}} }""")))}} } }""";
}
