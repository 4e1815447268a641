using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Tests.Data;

public sealed class PoolsTests
{
    [Fact]
    public void Parse_Name_FindsThePool() => Pools.Parse("zeroeval-11", "").Models.Count.ShouldBe(11);

    [Fact]
    public void Parse_FileAndModels_IsAPoolOfItsOwn()
    {
        var pool = Pools.Parse("mmlu-pro:yi-6b-chat, command-r", "");
        pool.File.ShouldBe("mmlu-pro");
        pool.Models.Select(m => m.Value).ShouldBe(["yi-6b-chat", "command-r"]);
    }

    [Theory]
    [InlineData("d:a,b", "d")]
    [InlineData("d:llama3:8b,b", "d")]
    [InlineData("C:\\data\\d:a,b", "C:\\data\\d")]
    [InlineData("C:/data/d:a,b", "C:/data/d")]
    public void Parse_ShortNameOrDrive_EndsTheFileAtItsColon(string text, string file) => Pools.Parse(text, "").File.ShouldBe(file);

    /// <summary>The pool is well named, and it is the folder that is wrong: a table in its place, or none there.</summary>
    [Fact]
    public void Parse_FileAlone_SaysWhatIsWrongWithItsFolder()
    {
        using var folder = new TemporaryFolder();
        var table = folder.Write("own.csv", "query,model,score,cost_usd");

        Should.Throw<DataFileException>(() => Pools.Parse("own", table)).Message.ShouldContain("own.csv: is a file; give the folder it is in with --data");
        Should.Throw<DataFileException>(() => Pools.Parse("own", table + "s")).Message.ShouldContain("own.csvs: no such folder");
        Should.Throw<DataFileException>(() => Pools.Parse("owm", folder.Path)).Message.ShouldContain("with a file of the data folder, which has own.csv.");
    }

    [Theory]
    [InlineData("nope", "mmlu-pro-8, routerbench-8, zeroeval-11")]
    [InlineData("mmlu-pro:one", "at least two")]
    [InlineData("mmlu-pro:a b,c", "visible ASCII")]
    public void Parse_NeitherNameNorFile_SaysWhatIsThere(string text, string message)
    {
        using var folder = new TemporaryFolder();
        Should.Throw<DataFileException>(() => Pools.Parse(text, folder.Path)).Message.ShouldContain(message);
    }

    [Fact]
    public void Parse_FileAlone_TakesTheModelsThatAnsweredMostOfItTogether()
    {
        using var folder = new TemporaryFolder();
        folder.Write("own.jsonl", [.. Enumerable.Range(0, 4).Select(i => $$"""{"id":"{{i}}","dataset":"d","query":"q{{i}}","models":{"b":{"score":1,"cost_usd":1},"{{(i == 0 ? "seldom" : $"seldom{i}")}}":{"score":1,"cost_usd":1},"a":{"score":0,"cost_usd":1} } }""")]);
        folder.Write("one.jsonl", """{"id":"1","dataset":"d","query":"q","models":{"a":{"score":0,"cost_usd":1}}}""");

        var pool = Pools.Parse("own.jsonl", folder.Path);

        pool.Name.ShouldBe("own.jsonl");
        pool.Models.Select(m => m.Value).ShouldBe(["a", "b"]);
        Pools.Parse("own", folder.Path).Models.ShouldBe(pool.Models);
        Should.Throw<DataFileException>(() => Pools.Parse("one.jsonl", folder.Path)).Message.ShouldContain("one.jsonl:MODEL,MODEL");
    }

    [Theory]
    [InlineData("x.jsonl")]
    [InlineData("x.jsonl.gz")]
    public void Find_ShortName_FindsTheFile(string name)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write(name, "{}");
        DataFolder.Find(folder.Path, "x").ShouldBe(path);
        DataFolder.Find(folder.Path, name).ShouldBe(path);
        Should.Throw<DataFileException>(() => DataFolder.Find(folder.Path, "y")).Message.ShouldContain(name);
    }
}
