using MetaRouter.Core.MetaLearning;
using System.Globalization;
using System.Text.Json;

namespace MetaRouter.Cli.Tests;

/// <summary>The command in this process, on made-up files.</summary>
public sealed class TrainCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TrainCommandTests() => Directory.CreateDirectory(_folder.File("data"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Train_SmallFolder_WritesTheSameSnapshotTwiceAndSaysWhatIsInIt()
    {
        Write("good.jsonl", Lines(80));
        var (code, output, error) = await Run("train", "--data", Data, "--out", Out("a.mrsnap"), "--pool", "good:weak,strong", "--seed", "7", "--json");

        code.ShouldBe(0, error);
        error.ShouldContain("train: 100 %");
        error.ShouldNotContain("Warning");
        var snapshot = SnapshotCodec.Read(File.ReadAllBytes(Out("a.mrsnap")));
        var version = snapshot.Version.ToString("x16", CultureInfo.InvariantCulture);
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        json.RootElement.GetProperty("version").GetString().ShouldBe(version);
        json.RootElement.GetProperty("held_out")[0].GetProperty("pool").GetString().ShouldBe("good:weak,strong");

        var text = await File.ReadAllTextAsync(Out("a.txt"));
        output.ShouldStartWith(text);
        text.ShouldContain(version);
        text.ShouldContain("trained  2031-05-06 (UTC)");
        text.ShouldContain($"command  metarouter train --data {Data} --out {Out("a.mrsnap")} --pool good:weak,strong --seed 7 --json");
        text.ShouldContain("80 different requests, 2 models, 160 priced outcomes");
        text.ShouldContain("Trained on the other half of that pool alone:");

        (await Run("train", "--data", Data, "--out", Out("b.mrsnap"), "--pool", "good:weak,strong", "--seed", "7")).Code.ShouldBe(0);
        File.ReadAllBytes(Out("b.mrsnap")).ShouldBe(File.ReadAllBytes(Out("a.mrsnap")));
        Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order().ShouldBe(["a.mrsnap", "a.txt", "b.mrsnap", "b.txt"]);
    }

    [Fact]
    public async Task Train_BadLines_AreSkippedWithAWarning()
    {
        Write("some.jsonl", ["not json", .. Lines(30)]);
        var (code, output, error) = await Run("train", "--data", Data, "--out", Out("a.mrsnap"));
        code.ShouldBe(0, error);
        error.ShouldContain("Warning: some: skipped 1 bad line: line 1: ");
        error.ShouldNotContain("mmlu-pro", Case.Sensitive, "pools that somebody else's folder has are nobody's loss here");
        output.ShouldContain("note: some: skipped 1 bad line");
        output.ShouldContain("'metarouter evaluate P2 --data DIR --pool FILE' measures on one of yours");
    }

    /// <summary>The untimed model's latency is a guess that nobody would look for in the console's figures.</summary>
    [Theory]
    [InlineData(true, false, "Latency (lat_s) is known of strong (30 outcomes) only; 1 model without any is predicted")]
    [InlineData(true, true, null)]
    [InlineData(false, false, null)]
    public async Task Train_LatencyOfSomeModels_TellsWhichHaveNone(bool strong, bool weak, string? told)
    {
        string Timed(bool isTimed) => isTimed ? ",\"lat_s\":2" : "";
        Write("own.jsonl", [.. Enumerable.Range(0, 30).Select(i => $$"""{"id":"{{i}}","dataset":"d","query":"question {{i}}","models":{"weak":{"score":{{i % 2}},"cost_usd":0.001{{Timed(weak)}}},"strong":{"score":1,"cost_usd":0.01{{Timed(strong)}}} } }""")]);
        var (code, output, error) = await Run("train", "--data", Data, "--out", Out("a.mrsnap"));
        code.ShouldBe(0, error);
        if (told is null)
        {
            output.ShouldNotContain("lat_s");
        }
        else
        {
            output.ShouldContain(told);
        }
    }

    [Fact]
    public async Task Train_TooFewRowsLeft_TellsWhatWasWrongWithTheOthers()
    {
        Write("percent.jsonl", [.. Lines(30).Select(l => l.Replace("\"score\":1", "\"score\":100", StringComparison.Ordinal))]);
        var (code, _, error) = await Run("train", "--data", Data, "--out", Out("a.mrsnap"));
        code.ShouldBe(2);
        error.ShouldContain("training needs at least 20. percent: skipped");
        error.ShouldContain("has score 100; it must be a number from 0 to 1");
    }

    [Fact]
    public async Task Train_OneModel_IsTrainedWithAWarning()
    {
        Write("one.jsonl", [.. Enumerable.Range(0, 30).Select(i => $$"""{"id":"{{i}}","dataset":"d","query":"question {{i}}","models":{"weak":{"score":1,"cost_usd":0.001} } }""")]);
        var (code, output, error) = await Run("train", "--data", Data, "--out", Out("a.mrsnap"));
        code.ShouldBe(0, error);
        error.ShouldContain("Warning: only weak has outcomes, so there is nothing to choose");
        output.ShouldContain("30 different requests, 1 model, ");
    }

    [Theory]
    [InlineData("no file of outcomes", "empty", "a.mrsnap")]
    [InlineData("The folder is empty", "empty", "empty/a.mrsnap")]
    [InlineData("no such folder", "none", "a.mrsnap")]
    [InlineData("is a file; give the folder it is in", "data/good.jsonl", "a.mrsnap")]
    [InlineData("its folder does not exist", "data", "none/a.mrsnap")]
    [InlineData("is a folder", "data", "data")]
    [InlineData("another extension", "data", "a.txt")]
    [InlineData("no such file", "data", "a.mrsnap", "--pool", "other:weak,strong")]
    [InlineData("Unknown pool", "data", "a.mrsnap", "--pool", "nope")]
    [InlineData("Cannot parse argument 'first'", "data", "a.mrsnap", "--seed", "first")]
    public async Task Train_BadInput_SaysWhyExitsWith2AndWritesNothing(string message, string data, string target, params string[] args)
    {
        Write("good.jsonl", Lines(30));
        Directory.CreateDirectory(_folder.File("empty"));
        var (code, output, error) = await Run(["train", "--data", _folder.File(data), "--out", Out(target), .. args]);

        code.ShouldBe(2);
        error.ShouldContain(message);
        error.ShouldNotContain("   at ");
        output.ShouldBeEmpty();
        Directory.GetFiles(_folder.Path).ShouldBeEmpty();
    }

    [Fact]
    public async Task Train_FailureAfterAnEarlierSuccess_LeavesTheOldFileAlone()
    {
        await File.WriteAllTextAsync(Out("a.mrsnap"), "old");
        Write("bad.jsonl", Lines(5));
        (await Run("train", "--data", Data, "--out", Out("a.mrsnap"))).Code.ShouldBe(2);
        (await File.ReadAllTextAsync(Out("a.mrsnap"))).ShouldBe("old");
    }

    [Fact]
    public void DefaultSnapshot_Shipped_Loads() => Snapshot.Default.Models.Count.ShouldBeGreaterThan(1);

    private string Data => _folder.File("data");

    private string Out(string name) => _folder.File(name);

    private void Write(string name, string[] lines) => File.WriteAllLines(Path.Combine(Data, name), lines);

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => CommandRun.Run(args, new FixedClock());

    private static string[] Lines(int rows) => [.. Enumerable.Range(0, rows).Select(i =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{i}}","dataset":"d","query":"question {{i % 7}} of {{i}}","models":{"weak":{"score":{{(i % 7 < 3 ? 1 : 0)}},"cost_usd":0.001},"strong":{"score":{{(i % 11 < 9 ? 1 : 0)}},"cost_usd":0.01} } }"""))];

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2031, 5, 6, 23, 0, 0, TimeSpan.Zero);
    }
}
