using System.Globalization;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;

namespace MetaRouter.Cli.Tests;

public sealed class CalibrateCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

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

    [Theory]
    [InlineData("0.5")]
    [InlineData("1")]
    public async Task Calibrate_RequestsAllAlike_TheNamedThresholdSendsTheShareThatIsTold(string wanted)
    {
        var pool = RoutingPool.OfSnapshot(Snapshot.Default);
        var (outcomes, tokens, scratch) = (new Outcome[pool.Catalog.Count], new float[pool.Catalog.Count], new RequestEncoding());
        for (var i = 0; i < 6; i++)
        {
            var text = $"what is {i} times {i * 17}";
            Write("traffic.txt", [.. Enumerable.Repeat(text, 10)]);
            var (_, output, _) = await Run("calibrate", "--strong-share", wanted, "--data", File("traffic.txt"), "--json");
            using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
            var name = json.RootElement.GetProperty("alias").GetString()!;

            Snapshot.Default.Encoder.Encode(text, scratch);
            pool.Predict(scratch, float.NaN, outcomes, tokens, new float[pool.Projected]);
            var score = Deferral.Score(Of("strong"), Of("weak"));
            var share = score >= double.Parse(name[(name.LastIndexOf('-') + 1)..], CultureInfo.InvariantCulture) ? 1 : 0;
            json.RootElement.GetProperty("share").GetDouble().ShouldBe(share, name);
            output.ShouldContain($"{100 * share:0.0} % of 10 requests");

            Outcome Of(string which) => outcomes[pool.Catalog.TryFind(new ModelId(json.RootElement.GetProperty(which).GetString()!), out var at) ? at : -1];
        }
    }

    [Fact]
    public async Task Calibrate_SnapshotOfOneModel_SaysThatAThresholdIsBetweenTwo()
    {
        Directory.CreateDirectory(File("data"));
        Write("data/one.jsonl", [.. Enumerable.Range(0, 30).Select(i => $$"""{"id":"{{i}}","dataset":"d","query":"what is {{i}}","models":{"only":{"score":{{i % 2}},"cost_usd":0.01} } }""")]);
        (await Run("train", "--data", File("data"), "--out", File("one.mrsnap"))).Code.ShouldBe(0);
        Write("traffic.txt", ["one request"]);
        var (code, _, error) = await Run("calibrate", "--strong-share", "0.5", "--data", File("traffic.txt"), "--snapshot", File("one.mrsnap"));

        code.ShouldBe(2);
        error.ShouldContain("one model, only");
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

        // No gateway goes by its score: a name to ask for would be refused, or mean another share.
        output.ShouldNotContain("router-");
        output.ShouldContain("For comparison only: a gateway goes by metarouter's score");
        json.RootElement.TryGetProperty("alias", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Calibrate_StrongModelIsFree_SaysSo()
    {
        Write("outcomes.jsonl", [.. Enumerable.Range(0, 200).Select(i => string.Create(CultureInfo.InvariantCulture,
            $$"""{"id":"{{i}}","dataset":"d","query":"{{(i % 2 == 0 ? "theorem proof lemma" : "hello greeting name")}} {{i}}","models":{"weak":{"score":{{(i % 2 == 0 ? 0 : 1)}},"cost_usd":0.001},"strong":{"score":1,"cost_usd":0} } }"""))]);
        var (code, output, _) = await Run("calibrate", "--strong-share", "0.5", "--data", File("outcomes.jsonl"), "--router", "routellm-mf", "--strong", "strong", "--weak", "weak");

        code.ShouldBe(0);
        output.ShouldContain("strong alone costs nothing");
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

    private string File(string name) => _folder.File(name);

    private void Write(string name, string[] lines) => System.IO.File.WriteAllLines(File(name), lines);

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => CommandRun.Run(args);
}
