using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;

namespace MetaRouter.Cli.Tests;

public sealed class EvaluateAllTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task EvaluateAll_WritesAPageMarkdownJsonAndPictures()
    {
        var (code, output, error) = await Evaluate("report");

        code.ShouldBe(0);
        output.ShouldStartWith("Wrote ");
        error.ShouldContain("P2: ");
        var (html, markdown) = (Read("report/index.html"), Read("report/report.md"));
        using var json = JsonDocument.Parse(Read("report/report.json"));
        json.RootElement.GetProperty("p2").GetProperty("rows").GetArrayLength().ShouldBeGreaterThan(10);
        json.RootElement.GetProperty("cascade").GetProperty("rows").GetArrayLength().ShouldBe(5);
        json.RootElement.GetProperty("targets").GetArrayLength().ShouldBe(0); // they were set of the named pools

        var pictures = Directory.GetFiles(Path.Combine(_folder.Path, "report", "img"));
        pictures.Length.ShouldBe(4);
        foreach (var picture in pictures)
        {
            XDocument.Load(picture).Root!.Name.LocalName.ShouldBe("svg");
            markdown.ShouldContain($"(img/{Path.GetFileName(picture)})");
            html.ShouldContain($"id=\"{Path.GetFileNameWithoutExtension(picture)}\"");
        }

        // The page stands alone: nothing is fetched, nothing runs.
        html.ShouldNotContain("<script");
        html.ShouldNotContain("<link");
        html.ShouldNotContain("src=");
        foreach (var router in (string[])["metarouter", "routellm-mf", "uniroute", "barp, true weights", "cross-attention", "oracle"])
        {
            html.ShouldContain($"<td>{router}</td>");
            markdown.ShouldContain($"| {router} |");
        }
    }

    [Fact]
    public async Task EvaluateAll_Twice_WritesTheSameBytes()
    {
        await Evaluate("one");
        await Evaluate("two");
        foreach (var name in (string[])["index.html", "report.md", "report.json"])
        {
            Read("two/" + name).ShouldBe(Read("one/" + name));
        }
    }

    [Fact]
    public async Task EvaluateAll_UnknownProtocol_SaysWhichThereAre()
    {
        var (code, _, error) = await Run("evaluate", "all", "--data", _folder.Path, "--out", _folder.File("x"), "--only", "P9");
        code.ShouldBe(2);
        error.ShouldContain("Protocols: P1a, ");
        Directory.Exists(_folder.File("x")).ShouldBeFalse();
    }

    /// <summary>What fails before it has anything to write leaves nothing.</summary>
    [Fact]
    public async Task EvaluateAll_ThatFailsAtOnce_LeavesNoFolder()
    {
        Directory.CreateDirectory(_folder.File("mine"));
        foreach (var target in (string[])["new", "mine"])
        {
            (await Run("evaluate", "all", "--data", _folder.File("nowhere"), "--out", _folder.File(target))).Code.ShouldBe(2);
        }

        Directory.Exists(_folder.File("new")).ShouldBeFalse();
        Directory.EnumerateFileSystemEntries(_folder.File("mine")).ShouldBeEmpty();
    }

    private async Task<(int Code, string Output, string Error)> Evaluate(string target)
    {
        File.WriteAllLines(_folder.File("some.jsonl"), Enumerable.Range(0, 160).Select(i => string.Create(CultureInfo.InvariantCulture,
            $$"""{"id":"{{i}}","dataset":"d","query":"{{(i % 2 == 0 ? "theorem proof" : "hello name")}} {{i % 9}} of {{i}}","models":{"weak":{"score":{{(i % 2 == 0 && i % 3 > 0 ? 0 : 1)}},"cost_usd":0.001},"strong":{"score":{{(i % 11 < 10 ? 1 : 0)}},"cost_usd":0.01} } }""")));
        return await Run("evaluate", "all", "--data", _folder.Path, "--pool", "some:weak,strong", "--seeds", "1", "--only", "P2", "--only", "cascade", "--out", _folder.File(target));
    }

    private string Read(string name) => File.ReadAllText(_folder.File(name));

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => CommandRun.Run(args);
}
