using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MetaRouter.Cli.Commands;

namespace MetaRouter.Cli.Tests;

/// <summary>The command in this process, on made-up files.</summary>
public sealed class EvaluateCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Evaluate_GoodFile_PrintsTheTableAndOneLastLineOfJson()
    {
        Write("good.jsonl", Lines(80));
        var (code, output, error) = await Run("evaluate", "P2", "--data", _folder.Path, "--pool", "good:weak,strong", "--seeds", "2", "--json");

        code.ShouldBe(0, error);
        output.ShouldContain("best-single");
        output.ShouldContain("Would it pay on these requests?");
        output.ShouldNotContain("eached: "); // what this project set out to reach on its own benchmark
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        json.RootElement.GetProperty("protocol").GetString().ShouldBe("P2");
        json.RootElement.GetProperty("pool").GetString().ShouldBe("good:weak,strong");
        json.RootElement.GetProperty("rows").EnumerateArray().Select(r => r.GetProperty("router").GetString()).ShouldContain("oracle");
        error.ShouldContain("P2: 100 %");
        error.ShouldNotContain("Warning");
        (await Run("evaluate", "p2", "--data", _folder.Path, "--pool", "good:weak,strong", "--seeds", "2", "--json")).Output.ShouldBe(output);
    }

    [Fact]
    public async Task EvaluateUsers_OfOnesOwnOutcomes_SaysHowSoonTheyWouldBeKnown()
    {
        Write("good.jsonl", Lines(80));
        var (code, output, error) = await Run("evaluate", "P3", "--data", _folder.Path, "--pool", "good:weak,strong", "--seeds", "1");

        code.ShouldBe(0, error);
        output.ShouldMatch(@"How soon would users be known\? After \d+ comparisons? each, \d+ % \[");
    }

    [Fact]
    public async Task Evaluate_SeveralPools_AreOneObject()
    {
        Write("good.jsonl", Lines(80));
        var (code, output, _) = await Run("evaluate", "P2", "--data", _folder.Path, "--pool", "good:weak,strong", "--pool", "good:strong,weak", "--seeds", "1", "--json");

        code.ShouldBe(0);
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        json.RootElement.GetProperty("pools").GetArrayLength().ShouldBe(2);
    }

    [Fact]
    public async Task Evaluate_BadLines_AreSkippedWithAWarning()
    {
        Write("some.jsonl", ["not json", .. Lines(80), """{"id":"x"}"""]);
        var (code, _, error) = await Run("evaluate", "P2", "--data", _folder.Path, "--pool", "some:weak,strong", "--seeds", "1");

        code.ShouldBe(0);
        error.ShouldContain("Warning: some: skipped 2 bad lines: line 1: ");
        error.ShouldNotContain("LineNumber"); // the parser's, which is 0 within any line
    }

    [Theory]
    [InlineData("'simulate' is not a command here; the commands are grade, train, evaluate", "Try: metarouter --help", "simulate")]
    [InlineData("'remove' is not a command here; the commands are list, add", "Try: metarouter models --help", "models", "remove", "x")]
    [InlineData("A command is missing; the commands are list, add.", "Try: metarouter models --help", "models")]
    [InlineData("A command is missing; the commands are grade, train, evaluate", "Try: metarouter --help")]
    [InlineData("'USER' missing", "Try: metarouter user show --help", "user", "show")]
    [InlineData("'x' for option '--count': give a whole number", "Try: metarouter decisions tail --help", "decisions", "tail", "--count", "x")]
    [InlineData("'some' for option '--user-lambda': give a number", "Try: metarouter replay --help", "replay", "--data", "x", "--user-lambda", "some")]
    [InlineData("'2,5' for option '--user-lambda': give a number with a decimal point", "Try: metarouter replay --help", "replay", "--data", "x", "--user-lambda", "2,5")]
    public async Task CommandLine_Mistyped_SaysWhatAndWhereHelpIs(string said, string remedy, params string[] args)
    {
        var (code, _, error) = await CommandRun.Run(args);

        code.ShouldBe(2);
        error.ShouldContain(said);
        error.ShouldContain(remedy);
        error.ShouldNotContain("System.");
    }

    [Theory]
    [InlineData("Unknown protocol 'P9'", "P9")] // before a folder is asked for
    [InlineData("--data DIR", "P2")]
    [InlineData("--data DIR", "all")]
    public async Task Evaluate_WithoutAFolder_SaysWhatIsWrong(string message, string protocol)
    {
        var (code, _, error) = await Run("evaluate", protocol);

        code.ShouldBe(2);
        error.ShouldContain(message);
    }

    [Theory]
    [InlineData("no such file", "P2", "--pool", "none:weak,strong")]
    [InlineData("no such model: other. The file has: strong, weak", "P2", "--pool", "good:weak,other")]
    [InlineData("Pools: mmlu-pro-8, routerbench-8, zeroeval-11", "P2", "--pool", "nope")]
    [InlineData("Protocols: all, P1a, P1b, P1c, P2, arrival, kinds, P3, learners", "P9")]
    [InlineData("no such file", "P1a")]
    [InlineData("name pools of your own: --pool ", "P2")]
    [InlineData("--out belongs to the report of 'evaluate all'", "P2", "--pool", "good:weak,strong", "--out", "report")]
    [InlineData("has no pools", "P1a", "--pool", "mmlu-pro-8")]
    [InlineData("--seeds 0", "P2", "--seeds", "0")]
    [InlineData("Cannot parse argument 'many' for option '--seeds': give a whole number", "P2", "--seeds", "many")]
    public async Task Evaluate_BadInput_SaysWhyAndExitsWith2(string message, params string[] args)
    {
        Write("good.jsonl", Lines(80));
        var (code, output, error) = await Run(["evaluate", .. args, "--data", _folder.Path]);

        code.ShouldBe(2);
        error.ShouldContain(message);
        error.ShouldNotContain("   at ");
        output.ShouldBeEmpty();
    }

    [Fact]
    public async Task Evaluate_FileOfBadLinesOnly_ExitsWith2()
    {
        Write("bad.jsonl", ["nonsense"]);
        var (code, _, error) = await Run("evaluate", "P2", "--data", _folder.Path, "--pool", "bad:weak,strong");
        code.ShouldBe(2);
        error.ShouldContain("line 1");
    }

    [Fact]
    public async Task Evaluate_NoDataFolder_ExitsWith2()
    {
        (await Run("evaluate", "P2")).Code.ShouldBe(2);
        var (code, _, error) = await Run("evaluate", "P2", "--data", _folder.File("none"));
        code.ShouldBe(2);
        error.ShouldContain("no such folder");
    }

    [Fact]
    public async Task Evaluate_Log_TellsWhatPoliciesWouldHaveEarned()
    {
        // The small model is right on every second request, the large one always; each was chosen half of the time.
        Write("decisions.ndjson", [.. Enumerable.Range(0, 200).SelectMany(i => new[] { Decision(i), Thumb(i, i % 2 == 0 || i % 4 == 1) }), "torn"]);
        var log = _folder.File("decisions.ndjson");
        var (code, output, error) = await Run("evaluate", "--log", log, "--json");

        code.ShouldBe(0);
        error.ShouldContain("skipped 1 bad line: line 401");
        output.ShouldContain("200 decisions, 200 of them with a reward");
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        var policies = json.RootElement.GetProperty("policies").EnumerateArray().ToDictionary(p => p.GetProperty("policy").GetString()!);
        policies["always large"].GetProperty("snips").GetDouble().ShouldBe(1, 1e-6);
        policies["always small"].GetProperty("snips").GetDouble().ShouldBe(.5, 1e-6);
        policies["as logged"].GetProperty("ips").GetDouble().ShouldBe(.75, 1e-6);
        policies["always large"].GetProperty("cost_usd").GetDouble().ShouldBe(.01, 1e-6);

        static string Decision(int i) => $$"""{"time":"t{{i}}","nonce":{{i}},"chosen":"{{(i % 2 == 0 ? "large" : "small")}}","offered":null,"candidates":[{"model":"small","quality":0.6,"cost_usd":0.001,"utility":0.5,"propensity":0.5},{"model":"large","quality":0.8,"cost_usd":0.01,"utility":0.4,"propensity":0.5}]}""";
        static string Thumb(int i, bool up) => $$"""{"time":"t{{i}}","nonce":{{i}},"feedback":"Thumb","value":{{(up ? 1 : 0)}},"withdrawn":false}""";
    }

    [Fact]
    public async Task Evaluate_RotatedLog_TellsWordsWhoseDecisionsAreElsewhereAndTakesAllFiles()
    {
        Write("log.1", [.. Enumerable.Range(0, 40).Select(i => Decision(i, i < 30 ? 0 : .5))]);
        Write("log", [.. Enumerable.Range(0, 40).Select(Thumb), Decision(40, .5), Thumb(40), Decision(41, .5), Thumb(41)]);
        var (first, second) = (_folder.File("log.1"), _folder.File("log"));

        var (_, output, error) = await Run("evaluate", "--log", second);
        error.ShouldContain("40 feedback lines are about decisions");
        output.ShouldContain("2 decisions, 2 of them with a reward");

        var (code, all, quiet) = await Run("evaluate", "--log", first, second, "--json");
        code.ShouldBe(0);
        quiet.ShouldBeEmpty();
        all.ShouldContain("42 decisions, 42 of them with a reward");
        all.ReplaceLineEndings(" ").ShouldContain("always large 71 %"); // 30 of 42 were logged when it had no chance
        (await Run("evaluate", "--log", first, "--log", second, "--json")).Output.ShouldBe(all);

        static string Decision(int i, double large) => string.Create(CultureInfo.InvariantCulture, $$"""{"time":"t{{i}}","nonce":{{i}},"chosen":"{{(large > 0 && i % 2 == 0 ? "large" : "small")}}","offered":null,"candidates":[{"model":"small","quality":0.6,"cost_usd":0.001,"utility":0.5,"propensity":{{1 - large}}},{"model":"large","quality":0.8,"cost_usd":0.01,"utility":0.4,"propensity":{{large}}}]}""");
        static string Thumb(int i) => $$"""{"time":"t{{i}}","nonce":{{i}},"feedback":"Thumb","value":1,"withdrawn":false}""";
    }

    [Fact]
    public async Task Evaluate_SilosLogAlone_TellsThatWhoAnsweredIsElsewhere()
    {
        Write("silo", [.. Enumerable.Range(0, 4).SelectMany(i => new[] { Decision(i, "decision"), Thumb(i) }), .. Enumerable.Range(4, 3).SelectMany(i => new[] { Decision(i, "pending"), Thumb(i) })]);
        Write("gateway", [.. Enumerable.Range(4, 3).Select(i => Decision(i, i == 6 ? "observe" : "apply"))]);

        var (code, alone, error) = await Run("evaluate", "--log", _folder.File("silo"), "--json");
        code.ShouldBe(0);
        error.ShouldContain("what became of 3 decisions is in no file");
        alone.ShouldContain("4 decisions, 4 of them with a reward; 0 left out");
        alone.ShouldContain("\"pending\":3");

        var (_, both, quiet) = await Run("evaluate", "--log", _folder.File("silo"), _folder.File("gateway"));
        quiet.ShouldBeEmpty();
        both.ShouldContain("6 decisions, 6 of them with a reward; 1 left out");

        static string Decision(int i, string mode) => $$"""{"time":"t{{i}}","nonce":{{i}},"chosen":"{{(i % 2 == 0 ? "large" : "small")}}","offered":null,"mode":"{{mode}}","served":{{(mode is "apply" or "observe" ? $"\"{(i % 2 == 0 ? "large" : "small")}\"" : "null")}},"candidates":[{"model":"small","quality":0.6,"cost_usd":0.001,"utility":0.5,"propensity":0.5},{"model":"large","quality":0.8,"cost_usd":0.01,"utility":0.4,"propensity":0.5}]}""";
        static string Thumb(int i) => $$"""{"time":"t{{i}}","nonce":{{i}},"feedback":"Thumb","value":{{i % 2}},"withdrawn":false}""";
    }

    /// <summary>Four decisions, of which the large model was tried in the one of ten times that it might: its weight is ten.</summary>
    [Fact]
    public async Task Evaluate_LogWithFewDecisions_TellsWhereAnEstimateCannotBe()
    {
        Write("few", [.. Enumerable.Range(0, 4).Select(i => $$"""{"time":"t{{i}}","nonce":{{i}},"chosen":"{{(i == 0 ? "large" : "small")}}","offered":null,"reward":{{(i == 0 ? 1 : 0)}},"candidates":[{"model":"small","quality":0.6,"cost_usd":0.001,"utility":0.5,"propensity":0.9},{"model":"large","quality":0.8,"cost_usd":0.01,"utility":0.4,"propensity":0.1}]}""")]);

        var (code, output, _) = await Run("evaluate", "--log", _folder.File("few"), "--json");

        code.ShouldBe(0);
        var lines = output.Split('\n');
        lines.Single(l => l.Contains("always large", StringComparison.Ordinal) && l.Contains('[', StringComparison.Ordinal) && !l.StartsWith('{')).ShouldContain("]*");
        var told = output.ReplaceLineEndings(" ");
        told.ShouldContain("leaves 0 to 1, where every reward lies");
        told.ShouldMatch(@"Doubly robust is outside for .*always large 1\.\d{3}");
        using var json = JsonDocument.Parse(lines.Last(l => l.StartsWith('{')));
        var large = json.RootElement.GetProperty("policies").EnumerateArray().Single(p => p.GetProperty("policy").GetString() == "always large");
        large.GetProperty("out_of_range").EnumerateArray().Select(e => e.GetString()).ShouldContain("doubly_robust");
        large.GetProperty("doubly_robust").GetDouble().ShouldBeGreaterThan(1);
    }

    [Theory]
    [InlineData("stands alone", "P2", "--log", "decisions")]
    [InlineData("no such file", "--log", "nowhere.ndjson")]
    [InlineData("Name a protocol", "--seeds", "1")]
    [InlineData("give its folder with --out", "all", "--data", ".")]
    public async Task Evaluate_LogOrAllWronglyUsed_SaysWhyAndExitsWith2(string message, params string[] args)
    {
        var (code, _, error) = await Run(["evaluate", .. args]);
        code.ShouldBe(2);
        error.ShouldContain(message);
    }

    [Fact]
    public async Task Evaluate_LogWithoutRewards_SaysWhereTheyComeFrom()
    {
        Write("silent", ["""{"time":"t","nonce":1,"chosen":"small","offered":null,"candidates":[{"model":"small","quality":0.6,"cost_usd":0.001,"utility":0.5,"propensity":1}]}"""]);
        var (code, _, error) = await Run("evaluate", "--log", _folder.File("silent"));
        code.ShouldBe(2);
        error.ShouldContain("0 of 1 decisions have a reward");
        error.ShouldContain("feedback lines");
    }

    [Fact]
    public async Task Help_ExitsWith0()
    {
        var (code, output, _) = await Run("evaluate", "--help");
        code.ShouldBe(0);
        output.ShouldContain("--pool");
        (await Run("help", "evaluate")).Output.ShouldBe(output);
    }

    /// <summary>Also in a pipe, where the parser's own help has lines without an end.</summary>
    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Help_OfEveryCommand_FitsItsWidthAndIsInSentences(string command)
    {
        var (code, output, _) = await Run([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);

        code.ShouldBe(0);
        output.Split('\n').ShouldAllBe(l => l.Length <= 100);
        output.ShouldNotContain("Show help and usage");
    }

    [Fact]
    public async Task Help_OfEvaluate_HasALineForEachProtocol()
    {
        var lines = (await Run("evaluate", "--help")).Output.Split('\n');

        foreach (var protocol in EvaluationProtocols.All)
        {
            var line = lines.Single(l => l.StartsWith($"  {protocol.Name} ", StringComparison.Ordinal));
            protocol.Description.ShouldStartWith(line[(protocol.Name.Length + 2)..].Trim());
        }

        string.Join(' ', lines.Select(l => l.Trim())).ShouldContain("1 to 1000. Default: 5, but P1c 1, kinds 1, P5 200, P6 3.");
    }

    /// <summary>They are typed as they stand.</summary>
    [Fact]
    public void Help_Examples_AreCommandsThatTheParserTakes()
    {
        var root = CommandLine.Root(new Terminal(TextWriter.Null, TextWriter.Null, RichOut: false, RichError: false));
        var leaves = Leaves(root).ToArray();
        leaves.Length.ShouldBe(14);
        foreach (var command in leaves)
        {
            var examples = command.ShouldBeOfType<DocumentedCommand>().Examples;
            examples.ShouldNotBeEmpty(command.Name);
            foreach (var example in examples)
            {
                var parsed = root.Parse(example);
                parsed.Errors.ShouldBeEmpty(example);
                parsed.CommandResult.Command.ShouldBe(command, example);
            }
        }
    }

    public static TheoryData<string> Commands => [.. Paths(CommandLine.Root(new Terminal(TextWriter.Null, TextWriter.Null, RichOut: false, RichError: false)), "")];

    private static IEnumerable<string> Paths(Command command, string path) => command.Subcommands.SelectMany(c => Paths(c, $"{path} {c.Name}")).Prepend(path);

    private static IEnumerable<Command> Leaves(Command command) => command.Subcommands.Count == 0 ? [command] : command.Subcommands.SelectMany(Leaves);

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => CommandRun.Run(args);

    private void Write(string name, string[] lines) => File.WriteAllLines(_folder.File(name), lines);

    private static string[] Lines(int rows) => [.. Enumerable.Range(0, rows).Select(i =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{i}}","dataset":"d","query":"question {{i % 7}} of {{i}}","models":{"weak":{"score":{{(i % 7 < 3 ? 1 : 0)}},"cost_usd":0.001},"strong":{"score":{{(i % 11 < 9 ? 1 : 0)}},"cost_usd":0.01} } }"""))];
}
