using System.Globalization;
using System.Text.Json;

namespace MetaRouter.Cli.Tests;

public sealed class CalibrateCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("metarouter-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Calibrate_PlainText_NamesTheThresholdAndTheAlias()
    {
        Write("traffic.txt", [.. Enumerable.Range(0, 60).Select(i => $"what is {i} times {i * i} plus the {(i % 3 == 0 ? "integral of a rational function" : "sum")}")]);
        var (code, output, _) = await Run("calibrate", "--strong-share", "0.5", "--data", File("traffic.txt"), "--json");

        code.ShouldBe(0);
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        json.RootElement.GetProperty("share").GetDouble().ShouldBe(.5, .05);
        json.RootElement.GetProperty("value").GetDouble().ShouldBeInRange(.2, .9);
        json.RootElement.GetProperty("cost_of_strong").GetDouble().ShouldBeInRange(.3, .9);
        output.ShouldContain("Model name for clients: router-metarouter-0.");
        output.ShouldContain("Settings of their gateway: --Gateway:StrongModel ");
    }

    [Fact]
    public async Task Calibrate_MoreStrongCalls_LowerTheThreshold()
    {
        Write("traffic.jsonl", [.. Enumerable.Range(0, 60).Select(i => $$"""{"prompt":"explain step {{i}} of proof {{i * 7 % 11}}"}"""), "{}"]);
        var thresholds = new List<double>();
        foreach (var share in (string[])["0.2", "0.5", "0.8"])
        {
            var (_, output, error) = await Run("calibrate", "--strong-share", share, "--data", File("traffic.jsonl"), "--json");
            error.ShouldContain("skipped 1 bad line: line 61");
            using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
            thresholds.Add(json.RootElement.GetProperty("value").GetDouble());
        }

        thresholds.ShouldBe(thresholds.OrderDescending());
    }

    [Fact]
    public async Task Calibrate_RouterThatLearns_IsMeasuredOnHeldOutRows()
    {
        Write("outcomes.jsonl", [.. Enumerable.Range(0, 200).Select(i => string.Create(CultureInfo.InvariantCulture,
            $$"""{"id":"{{i}}","dataset":"d","query":"{{(i % 2 == 0 ? "theorem proof lemma" : "hello greeting name")}} {{i}}","models":{"weak":{"score":{{(i % 2 == 0 ? 0 : 1)}},"cost_usd":0.001},"strong":{"score":1,"cost_usd":0.01} } }"""))]);
        var (code, output, _) = await Run("calibrate", "--strong-share", "0.5", "--data", File("outcomes.jsonl"), "--router", "routellm-mf", "--strong", "strong", "--weak", "weak", "--json");

        code.ShouldBe(0);
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        json.RootElement.GetProperty("quality").GetDouble().ShouldBeGreaterThan(.95);
        json.RootElement.GetProperty("share").GetDouble().ShouldBe(.5, .02);
        json.RootElement.GetProperty("cost_of_strong").GetDouble().ShouldBe(.55, .02);
    }

    [Theory]
    [InlineData("--strong-share 1.5", "--strong-share", "1.5")]
    [InlineData("no such file", "--data", "none.txt")]
    [InlineData("does not know the model 'nobody'", "--strong", "nobody")]
    [InlineData("Unknown router 'magic'", "--router", "magic")]
    [InlineData("name two models", "--router", "knn")]
    public async Task Calibrate_BadInput_SaysWhyAndExitsWith2(string message, string option, string value)
    {
        Write("traffic.txt", ["one request", "another request"]);
        var given = new Dictionary<string, string> { ["--strong-share"] = "0.5", ["--data"] = File("traffic.txt"), [option] = value };
        var (code, output, error) = await Run(["calibrate", .. given.SelectMany(g => new[] { g.Key, g.Value })]);

        code.ShouldBe(2);
        error.ShouldContain(message);
        output.ShouldBeEmpty();
    }

    private string File(string name) => Path.Combine(_folder, name);

    private void Write(string name, string[] lines) => System.IO.File.WriteAllLines(File(name), lines);

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => CommandRun.Run(args);
}
