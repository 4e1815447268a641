using System.Globalization;
using System.Text.Json;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Cli.Tests;

/// <summary>The command in this process, on a made-up file: "small" answers half of the requests, "large" most, at ten times the price; "rare" answered few.</summary>
public sealed class ReplayCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Replay_GoodFile_TellsTheStoryAndOneLastLineOfJson()
    {
        var (code, output, error) = await Run("--data", Write("good.jsonl", Lines(80)), "--user-lambda", "0.5", "--requests", "12", "--json");

        code.ShouldBe(0, error);
        error.ShouldContain("training: 100 %");
        output.ShouldContain("A user meets 2 models: large, small.");
        output.ShouldContain("  1  ");
        output.ShouldContain(" 12  ");
        output.ShouldContain("always the strongest model (large)");
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        var root = json.RootElement;
        var steps = root.GetProperty("steps").EnumerateArray().ToArray();
        steps.Length.ShouldBe(12);
        steps.Select(s => s.GetProperty("id").GetString()).Distinct().Count().ShouldBe(12);
        var summary = root.GetProperty("summary");
        summary.GetProperty("true_lambda").GetDouble().ShouldBe(0.5);
        var spent = steps.Sum(s => s.GetProperty("chosen").GetProperty("cost_usd").GetDouble()) + summary.GetProperty("second_answers_usd").GetDouble();
        summary.GetProperty("router").GetProperty("cost_usd").GetDouble().ShouldBe(spent, 1e-6);
        summary.GetProperty("router").GetProperty("quality").GetDouble().ShouldBe(steps.Average(s => s.GetProperty("chosen").GetProperty("score").GetDouble()), 1e-6);
        summary.GetProperty("comparisons").GetInt32().ShouldBe(steps.Count(s => s.TryGetProperty("offered", out _)));
        var (belief, last) = (summary.GetProperty("belief").GetProperty("lambda").GetDouble(), steps[^1].GetProperty("after").GetProperty("lambda").GetDouble());
        belief.ShouldBe(last);
    }

    [Fact]
    public async Task Replay_SameSeed_IsTheSameOutputAndAnotherSeedAnother()
    {
        var path = Write("good.jsonl", Lines(80));
        string[] args = ["--data", path, "--user-lambda", "1", "--requests", "10", "--json", "--seed"];

        var first = await Run([.. args, "7"]);

        (await Run([.. args, "7"])).Output.ShouldBe(first.Output);
        (await Run([.. args, "8"])).Output.ShouldNotBe(first.Output);
    }

    [Fact]
    public async Task Replay_EveryBeliefFollowsFromTheOneBefore()
    {
        var (_, output, _) = await Run("--data", Write("good.jsonl", Lines(80)), "--user-lambda", "5", "--requests", "30", "--json");
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        var steps = json.RootElement.GetProperty("steps").EnumerateArray().ToArray();

        foreach (var (before, after) in steps.Zip(steps.Skip(1)))
        {
            after.GetProperty("before").GetRawText().ShouldBe(before.GetProperty("after").GetRawText());
        }

        foreach (var step in steps)
        {
            var silent = step.GetProperty("said").GetString() == "nothing";
            step.TryGetProperty("learned", out var learned).ShouldBe(!silent);
            (silent || learned.GetString() == "counted").ShouldBeTrue();
        }

        var asked = steps.Where(s => s.TryGetProperty("offered", out _)).Select(s => s.GetProperty("number").GetInt32()).ToArray();
        asked.ShouldNotBeEmpty();
        asked.Zip(asked.Skip(1)).ShouldAllBe(pair => pair.Second - pair.First >= 3);
    }

    [Fact]
    public async Task Replay_Snapshot_NeedsNoTraining()
    {
        var path = Write("good.jsonl", Lines(80));
        var table = OutcomeReader.Read(path, new OutcomeReadOptions { Models = [new("small"), new("large")], CompleteRowsOnly = true }).Table;
        var snapshot = _folder.File("snapshot");
        await File.WriteAllBytesAsync(snapshot, SnapshotCodec.Write(SnapshotTrainer.Train(table, new TrainingOptions { Trees = 5, CalibrationFolds = 2 })));

        var (code, output, error) = await Run("--data", path, "--user-lambda", "1", "--requests", "5", "--snapshot", snapshot, "--models", "small,large");

        code.ShouldBe(0, error);
        error.ShouldBeEmpty();
        output.ShouldContain("small, large");
    }

    [Fact]
    public async Task Replay_SnapshotThatCountsTokens_RefusesAFileWithoutThem()
    {
        var snapshot = _folder.File("snapshot");
        var table = OutcomeReader.Read(Write("good.jsonl", Lines(80)), new OutcomeReadOptions { Models = [new("small"), new("large")], CompleteRowsOnly = true }).Table;
        await File.WriteAllBytesAsync(snapshot, SnapshotCodec.Write(SnapshotTrainer.Train(table, new TrainingOptions { Trees = 5, CalibrationFolds = 0 })));
        var bare = Write("bare.jsonl", [.. Lines(80).Select(l => l.Replace(",\"in\":20", "", StringComparison.Ordinal))]);

        var (code, output, error) = await Run("--data", bare, "--user-lambda", "1", "--snapshot", snapshot);

        code.ShouldBe(2);
        output.ShouldBeEmpty();
        error.ShouldContain("disagree on what ");
    }

    [Fact]
    public async Task Replay_HostileText_StaysOnItsLineAsText()
    {
        string[] lines = [.. Lines(80).Select(l => l.Replace("question", "\\u001b[2J\\n[red]\\u202e\\u0007 question", StringComparison.Ordinal))];

        var (code, output, error) = await Run("--data", Write("hostile.jsonl", lines), "--user-lambda", "1", "--requests", "3", "--plain");

        code.ShouldBe(0, error);
        output.ShouldContain("\\u001b[2J [red]\\u202e\\u0007 question");
        output.Where(c => c != '\n' && (c < ' ' || c > '~')).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("no such file", "--data", "none.jsonl")]
    [InlineData("--user-lambda 0: give a finite number above 0", "--user-lambda", "0")]
    [InlineData("--user-lambda -1", "--user-lambda", "-1")]
    [InlineData("--user-lambda NaN", "--user-lambda", "NaN")]
    [InlineData("--user-lambda Infinity", "--user-lambda", "Infinity")]
    [InlineData("Cannot parse argument 'much'", "--user-lambda", "much")]
    [InlineData("no such model: other. The file has: large, rare, small", "--models", "small,other")]
    [InlineData("at least two models", "--models", "small")]
    [InlineData("names one twice", "--models", "small,small")]
    [InlineData("not visible ASCII", "--models", "small,la rge")]
    [InlineData("--requests 0", "--requests", "0")]
    [InlineData("give at most that", "--requests", "79")]
    [InlineData("snap", "--snapshot", "no-such-snap")]
    [InlineData("a story needs at least 80", "--data", "short.jsonl")]
    [InlineData("no usable line", "--data", "bad.jsonl")]
    [InlineData("no two models have a score and a price on the same half", "--data", "apart.jsonl")]
    public async Task Replay_BadInput_SaysWhyAndExitsWith2(string message, string option, string value)
    {
        Write("short.jsonl", Lines(20));
        Write("bad.jsonl", ["nonsense"]);
        Write("apart.jsonl", [.. Lines(80).Select((l, i) => i % 3 == 0 ? l.Replace("\"small\"", "\"a\"", StringComparison.Ordinal) : l.Replace("\"large\"", $"\"b{i % 3}\"", StringComparison.Ordinal).Replace("\"small\"", $"\"c{i % 3}\"", StringComparison.Ordinal))]);
        var given = new Dictionary<string, string> { ["--data"] = "good.jsonl", ["--user-lambda"] = "1" };
        Write("good.jsonl", Lines(80));
        given[option] = value;
        given["--data"] = _folder.File(given["--data"]);

        var (code, output, error) = await Run([.. given.SelectMany(pair => new[] { $"{pair.Key}={pair.Value}" })]);

        code.ShouldBe(2);
        error.ShouldContain(message);
        error.ShouldNotContain("   at ");
        error.ShouldNotContain("Internal error");
        output.ShouldBeEmpty();
    }

    [Fact]
    public async Task Replay_SnapshotThatIsNone_ExitsWith2()
    {
        var (code, _, error) = await Run("--data", Write("good.jsonl", Lines(80)), "--user-lambda", "1", "--snapshot", Write("noise", ["this is no snapshot"]));

        code.ShouldBe(2);
        error.ShouldContain("noise: ");
    }

    [Theory]
    [InlineData("short", "short")]
    [InlineData("  a \r\n\t b  ", "a b")]
    [InlineData("0123456789abc", "0123456...")]
    [InlineData("\u001b[31m", "\\u001b[31m")]
    [InlineData("e\u0301e\u0301", "e\u0301e\u0301")]
    [InlineData("", "")]
    public void OneLine_Of_FoldsEscapesAndCuts(string text, string expected) => OneLine.Of(text, 10, "...").ShouldBe(expected);

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => CommandRun.Run(["replay", .. args]);

    private string Write(string name, string[] lines)
    {
        var path = _folder.File(name);
        File.WriteAllLines(path, lines);
        return path;
    }

    private static string[] Lines(int rows) => [.. Enumerable.Range(0, rows).Select(i =>
    {
        var tokens = 100 + (i % 9 * 10);
        string Cell(string model, bool right, int price) => string.Create(CultureInfo.InvariantCulture, $$"""
            "{{model}}":{"score":{{(right ? 1 : 0)}},"cost_usd":{{(20 + tokens) * price * 1e-6m}},"in":20,"out":{{tokens}}}
            """);
        var rare = i % 5 == 0 ? "," + Cell("rare", true, 3) : "";
        return string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{i}}","dataset":"d","query":"question {{i % 7}} of {{i}}","models":{ {{Cell("small", i % 7 < 3, 1)}},{{Cell("large", i % 11 < 9, 10)}}{{rare}} } }""");
    })];
}
