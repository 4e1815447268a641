using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Cli.Tests;

/// <summary>grade against real servers: models that this test makes up, and the gateway's own program before them.</summary>
public sealed class GradeCommandTests : IAsyncLifetime, IDisposable
{
    private const int Prompts = 30;

    private readonly TemporaryFolder _folder = new();
    private ModelServer _models = null!;

    private string Prompted => _folder.File("prompts.jsonl");

    private string Outcomes => _folder.File("own.jsonl");

    public async Task InitializeAsync()
    {
        _models = await ModelServer.StartAsync();
        _folder.Write("prompts.jsonl", [.. Enumerable.Range(0, Prompts).Select(i => $$"""{"id":"p{{i}}","dataset":"sums","query":"What is {{i}} plus 2?","answer":{{i + 2}}}""")]);
    }

    public Task DisposeAsync() => _models.DisposeAsync().AsTask();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Judged_EveryAnswer_IsALineThatReadersOfOutcomesTake()
    {
        var (code, output, error) = await Grade("--models", "small,large", "--judge", "judge", "--price", "small=1,2", "--price", "large=10,20", "--price", "judge=5,5", "--json");

        code.ShouldBe(0, error);
        error.ShouldNotContain("Warning");
        var file = OutcomeReader.Read(Outcomes, new OutcomeReadOptions { Models = [new("small"), new("large")], CompleteRowsOnly = true });
        file.Warning.ShouldBeNull();
        file.Table.Rows.ShouldBe(Prompts);
        file.Table.Score.Where((_, i) => i % 2 == 1).ShouldAllBe(s => s == 1);
        file.Table.Score.Where((_, i) => i % 2 == 0).Count(s => s == .1f).ShouldBe(Prompts - 1); // the only sum that is 3 is right
        file.Table.CostUsd[1].ShouldBe(((10 * 10) + (20 * 20)) * 1e-6, 1e-12);
        (file.Table.InputTokens[0], file.Table.OutputTokens[0]).ShouldBe((10f, 20f));
        file.Table.LatencySeconds.ShouldAllBe(s => s >= 0);
        GradedAnswerReader.Read(Outcomes, new ModelId("large")).Answers.Count.ShouldBe(Prompts);
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        json.RootElement.GetProperty("spent_usd").GetDouble().ShouldBe(Prompts * (50 + 500 + (2 * 150)) * 1e-6, 1e-6);
        output.ShouldContain("30 prompts in");
        output.ShouldContain("models add large --input-price 10 --output-price 20 --answers");
    }

    [Fact]
    public async Task Judge_IsShownRightAnswers_AndNotWhoWrote()
    {
        (await Grade("--models", "small,large", "--judge", "judge")).Code.ShouldBe(0);

        var judged = _models.Asked.Where(b => (string?)b["model"] == "judge").Select(b => (string)b["messages"]![1]!["content"]!).ToArray();
        judged.Length.ShouldBe(2 * Prompts);
        judged.ShouldAllBe(m => m.Contains("<reference>", StringComparison.Ordinal) && !m.Contains("small", StringComparison.Ordinal) && !m.Contains("large", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Judge_OfItself_IsWarnedOf()
    {
        var (_, _, error) = await Grade("--models", "large", "--judge", "large", "--check", "number");

        error.ShouldContain("Warning: 'large' judges its own answers");
        _models.Asked.Count.ShouldBe(Prompts); // with --check it is not needed here
    }

    /// <summary>The outcome file is the prompts too, as where a newcomer is to answer what others did.</summary>
    [Fact]
    public async Task OutcomeFile_IsAskedAnotherModel_AndAnotherJudgeIsWarnedOf()
    {
        (await Grade("--models", "small", "--judge", "judge")).Code.ShouldBe(0);

        var (code, output, error) = await CommandRun.Run(["grade", "--prompts", Outcomes, "--out", Outcomes, "--url", _models.Url, "--models", "small,large", "--judge", "judge"]);

        code.ShouldBe(0, error);
        output.ShouldMatch(@"large +30 +1\.000 ");
        Lines().Length.ShouldBe(2 * Prompts);
        OutcomeReader.Read(Outcomes, new OutcomeReadOptions { Models = [new("small")] }).BadLines.Count.ShouldBe(0);
        error.ShouldNotContain("two judges");
        (await Grade("--models", "small,large", "--judge", "large")).Error.ShouldContain("has grades by 'judge', and 'large' is to grade now: two judges' grades do not compare.");
    }

    [Fact]
    public async Task RightAnswers_NeedNoJudge()
    {
        var (code, output, error) = await Grade("--models", "small,large", "--keep-answers");

        code.ShouldBe(0, error);
        output.ShouldMatch(@"large +30 +1\.000 \[1\.000, 1\.000\]");
        output.ShouldMatch(@"small +30 +0\.033 ");
        error.ShouldContain("Warning: what answers of small, large cost is not known");
        (await File.ReadAllTextAsync(Outcomes)).ShouldContain("\"answer\":\"It is 3.\"");
        _models.CallsOf("judge").ShouldBe(0);
    }

    /// <summary>The process is killed, and what it was writing is lost in the middle of a line.</summary>
    [Theory]
    [InlineData("-KILL")]
    [InlineData("-TERM")]
    public async Task Killed_GoesOnAndAsksNothingTwice(string signal)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // which knows no signals
        }

        _models.Script = async (_, _) =>
        {
            await Task.Delay(20);
            return false;
        };
        using (var program = Process.Start(Programs.Of("metarouter", [.. Arguments("--models", "small,large", "--judge", "judge")]))!)
        {
            (await Until(() => _models.CallsOf("judge") > 10)).ShouldBeTrue();
            using var kill = Process.Start("kill", [signal, $"{program.Id}"]);
            await program.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
            if (signal == "-TERM")
            {
                program.ExitCode.ShouldBe(ExitCodes.Cancelled);
                (await program.StandardError.ReadToEndAsync()).ShouldContain($"{Lines().Length} graded answers of this run are in {Outcomes}; the same command goes on from there.");
            }
        }

        var kept = Lines();
        kept.Length.ShouldBeLessThan(2 * Prompts);
        await File.AppendAllTextAsync(Outcomes, "{\"id\":\"p2");
        _models.Asked.Clear();

        var (code, _, error) = await Grade("--models", "small,large", "--judge", "judge");

        code.ShouldBe(0, error);
        Lines()[..kept.Length].ShouldBe(kept);
        Lines().Length.ShouldBe(2 * Prompts);
        _models.Asked.Count.ShouldBe(2 * ((2 * Prompts) - kept.Length));
        OutcomeReader.Read(Outcomes).BadLines.Count.ShouldBe(0);
        (await Grade("--models", "small,large", "--judge", "judge")).Error.ShouldContain("has all of these answers already");
    }

    [Fact]
    public async Task NoRoomNow_IsAskedAgainWhenTheServerSaid()
    {
        var (refused, begun) = (0, Stopwatch.StartNew());
        _models.Script = (context, _) => Interlocked.Increment(ref refused) == 1 ? ModelServer.FailAsync(context, 429, "slow down", "2") : Task.FromResult(false);

        var (code, _, error) = await Grade("--models", "large");

        code.ShouldBe(0, error);
        begun.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(2));
        Lines().Length.ShouldBe(Prompts);
        _models.Asked.Count.ShouldBe(Prompts + 1);
    }

    [Fact]
    public async Task NoRoomForAnHour_EndsAtOnceAndKeepsWhatIsDone()
    {
        _models.Script = (context, _) => _models.Asked.Count > 5 ? ModelServer.FailAsync(context, 429, "The quota of today is used up.", "3600") : Task.FromResult(false);

        var (code, _, error) = await Grade("--models", "large", "--parallel", "1");

        code.ShouldBe(ExitCodes.Unavailable);
        error.ShouldContain("The quota of today is used up.");
        error.ShouldContain("5 graded answers of this run are in");
        _models.Asked.Count.ShouldBe(6);
    }

    [Fact]
    public async Task JudgeWithoutAGrade_IsAskedOnceMore_ThenTheAnswerIsLeftOutAndCounted()
    {
        _models.Script = (context, body) =>
        {
            var messages = body["messages"]!.ToJsonString();
            return (string?)body["model"] != "judge" ? Task.FromResult(false)
                : messages.Contains("What is 7 plus 2?", StringComparison.Ordinal) ? ModelServer.SayAsync(context, "I would give it\nGrade: 11")
                : body["messages"]!.AsArray().Count == 2 ? ModelServer.SayAsync(context, "I would rather not say.")
                : ModelServer.SayAsync(context, "Grade: 8");
        };

        var (code, output, error) = await Grade("--models", "large", "--judge", "judge");

        code.ShouldBe(0, error);
        error.ShouldContain("Warning: 1 answer of 30 left out; the same command asks for them again. 'large' to the prompt of line 8: the judge's reply has no grade, twice ('I would give it Grade: 11').");
        output.ShouldMatch(@"large +29 +0\.800 ");
        Lines().ShouldNotContain(l => l.Contains("\"p7\"", StringComparison.Ordinal));
        _models.CallsOf("judge").ShouldBe(2 * Prompts);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task MaxCost_IsNeverPassed(int parallel)
    {
        // Ten answers and their grades cost 8,500 millionths of a dollar; of each call 100 tokens more are feared than come.
        string[] prices = ["--price", "large=10,20", "--price", "judge=5,5", "--max-tokens", "100"];

        var (code, output, error) = await Grade([.. prices, "--models", "large", "--judge", "judge", "--parallel", $"{parallel}", "--max-cost-usd", "0.02", "--json"]);

        code.ShouldBe(0, error);
        error.ShouldContain("Warning: --max-cost-usd 0.02: the next call could cost more than is left");
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        var spent = json.RootElement.GetProperty("spent_usd").GetDouble();
        spent.ShouldBe(((_models.CallsOf("large") * 500) + (_models.CallsOf("judge") * 150)) * 1e-6, 1e-6);
        spent.ShouldBeInRange(.005, .02);
        Lines().Length.ShouldBeInRange(5, Prompts - 1);
    }

    [Fact]
    public async Task MaxCost_OfAModelWithoutAPrice_IsRefused()
    {
        var (code, _, error) = await Grade("--models", "large,gpt-4o-2024-05-13", "--max-cost-usd", "1");

        code.ShouldBe(ExitCodes.BadInput);
        error.ShouldContain("no price is known of large, so nothing could be held to it. Give US dollars per million tokens: --price large=IN,OUT.");
        _models.Asked.ShouldBeEmpty();
        File.Exists(Outcomes).ShouldBeFalse();
    }

    [Fact]
    public async Task MaxTokens_OfAModelThatReasons_IsSentByItsOtherName()
    {
        _models.Script = (context, body) => body.ContainsKey("max_tokens") ? ModelServer.FailAsync(context, 400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.") : ModelServer.SayAsync(context, "It is", "length");

        var (code, _, error) = await Grade("--models", "large", "--max-tokens", "50", "--parallel", "1");

        code.ShouldBe(0, error);
        _models.Asked.Count.ShouldBe(Prompts + 1);
        ((int?)_models.Asked.Last()["max_completion_tokens"]).ShouldBe(50);
        error.ShouldContain("Warning: 30 answers reached the limit of tokens");
    }

    [Fact]
    public async Task ServerThatFailsOn_EndsTheRun()
    {
        _models.Script = (context, _) => ModelServer.FailAsync(context, 400, "No such luck.");

        var (code, _, error) = await Grade("--models", "large");

        code.ShouldBe(ExitCodes.BadInput);
        error.ShouldContain("10 answers in a row could not be had or graded");
        error.ShouldContain("'large' answers with status 400: No such luck.");
        _models.Asked.Count.ShouldBeLessThan(Prompts);
    }

    [Theory]
    [InlineData(401, "Incorrect API key.", "refused the key: Incorrect API key. Name the environment variable that has the right one with --api-key-env.")]
    [InlineData(404, "The model 'large' does not exist.", "Model 'large': The model 'large' does not exist.")]
    [InlineData(402, "Insufficient credits.", "wants to be paid first: Insufficient credits.")]
    public async Task WhatNoCallCanMend_EndsTheRunAtOnce(int status, string said, string told)
    {
        _models.Script = (context, _) => ModelServer.FailAsync(context, status, said);

        var (code, _, error) = await Grade("--models", "large", "--parallel", "1");

        code.ShouldBe(ExitCodes.BadInput);
        error.ShouldContain(told);
        _models.Asked.Count.ShouldBe(1);
        File.Exists(Outcomes).ShouldBeFalse();
    }

    [Fact]
    public async Task NobodyThere_IsToldAtOnce()
    {
        var url = $"http://127.0.0.1:{Loopback.FreePort()}/v1";

        var (code, _, error) = await CommandRun.Run(["grade", "--prompts", Prompted, "--models", "large", "--out", Outcomes, "--url", url]);

        code.ShouldBe(ExitCodes.Unavailable);
        error.ShouldContain($"Nobody answers at {url} (Connection refused).");
    }

    [Theory]
    [InlineData("--out", "own.csv", "give a name that ends in .jsonl")]
    [InlineData("--check", "roughly", "give one of auto, exact, contains, number")]
    [InlineData("--parallel", "0", "--parallel 0: give a number from 1 to 64.")]
    [InlineData("--max-tokens", "0", "--max-tokens 0: give a whole number of tokens, 1 or more.")]
    [InlineData("--max-cost-usd", "-1", "--max-cost-usd -1: give US dollars, more than 0.")]
    [InlineData("--price", "large=1", "--price 'large=1': give a model with its US dollars")]
    [InlineData("--api-key-env", "NO_SUCH_VARIABLE_HERE", "that variable is not set, or is empty")]
    [InlineData("--models", "a b", "--models 'a b'")]
    [InlineData("--url", "127.0.0.1", "--url '127.0.0.1': give an http or https address, such as http://127.0.0.1:8080/v1.")]
    public async Task BadOption_IsNamed(string option, string value, string told)
    {
        Dictionary<string, string> options = new() { ["--prompts"] = Prompted, ["--models"] = "large", ["--out"] = Outcomes, ["--url"] = _models.Url };
        options[option] = value;

        var (code, _, error) = await CommandRun.Run(["grade", .. options.SelectMany(o => (string[])[o.Key, o.Value])]);

        code.ShouldBe(ExitCodes.BadInput);
        error.ShouldContain(told);
    }

    [Fact]
    public async Task PromptsWithoutAnswers_NeedAJudge()
    {
        _folder.Write("prompts.jsonl", """{"query":"a","answer":"b"}""", """{"query":"c"}""");

        var (code, _, error) = await Grade("--models", "large");

        code.ShouldBe(ExitCodes.BadInput);
        error.ShouldContain("1 prompt of 2 has no 'answer' to compare with, the first on line 2: name the model that grades with --judge.");
    }

    [Fact]
    public async Task PromptThatChanged_IsToldBeforeAnythingIsAsked()
    {
        (await Grade("--models", "large")).Code.ShouldBe(0);
        _folder.Write("prompts.jsonl", """{"id":"p4","query":"What is 5 plus 2?","answer":7}""", """{"id":"p5","query":"What is 77 plus 2?","answer":79}""");
        _models.Asked.Clear();

        var (code, _, error) = await Grade("--models", "large");

        code.ShouldBe(ExitCodes.BadInput);
        error.ShouldContain("'p4', had another text when it was graded there. Give it another id, or another --out.");
        _models.Asked.ShouldBeEmpty();
    }

    /// <summary>Through the gateway, which knows its prices; then the newcomer joins a snapshot, and a gateway that serves by it knows it by its answers.</summary>
    [Fact]
    public async Task Newcomer_IsGraded_Added_AndRouted()
    {
        using (var gateway = Gateway())
        {
            var url = await Programs.AddressOfAsync(gateway);
            try
            {
                var (code, output, error) = await CommandRun.Run(["grade", "--prompts", Prompted, "--models", "small,large", "--judge", "judge", "--out", Outcomes, "--url", $"{url}v1", "--max-cost-usd", "1"]);

                code.ShouldBe(0, error);
                var cost = OutcomeReader.Read(Outcomes).Table.CostUsd;
                cost.ShouldAllBe(c => c == 250e-6 || c == 50e-6); // large and small, 10 and 20 tokens at the gateway's prices
                output.ShouldContain($"models add large --input-price 5 --output-price 10 --answers {Outcomes} --out more.mrsnap");
            }
            finally
            {
                gateway.Kill();
            }
        }

        var (added, said, problem) = await CommandRun.Run(["models", "add", "large", "--input-price", "5", "--output-price", "10", "--answers", Outcomes, "--out", _folder.File("more.mrsnap")]);
        added.ShouldBe(0, problem);
        said.ShouldContain("30 graded answers: score 1.000");

        using (var gateway = Gateway("--MetaRouter:Snapshot", _folder.File("more.mrsnap")))
        {
            try
            {
                using var http = new HttpClient { BaseAddress = await Programs.AddressOfAsync(gateway) };
                using var response = await http.PostAsJsonAsync("v1/router/route", new { input = "What is 40 plus 2?", lambda_cost = 0 });
                var routed = (await response.Content.ReadFromJsonAsync<JsonObject>())!;
                ((string?)routed["model"]).ShouldBe("large", routed.ToJsonString());
                var ranking = routed["ranking"]!.AsArray().ToDictionary(r => (string)r!["model"]!);
                ranking["large"]!["judged_by"].ShouldBeNull();
                ((string?)ranking["small"]!["judged_by"]).ShouldBe("price");
            }
            finally
            {
                gateway.Kill();
            }
        }
    }

    private Process Gateway(params string[] more)
    {
        (string Name, int Input, int Output)[] models = [("large", 5, 10), ("small", 1, 2), ("judge", 1, 1)];
        string[] arguments = [.. models.SelectMany((m, i) => (string[])[
            $"--MetaRouter:Models:{i}:Id", m.Name, $"--MetaRouter:Models:{i}:InputPrice", m.Input.ToString(CultureInfo.InvariantCulture), $"--MetaRouter:Models:{i}:OutputPrice", m.Output.ToString(CultureInfo.InvariantCulture),
            $"--Upstreams:{i}:Model", m.Name, $"--Upstreams:{i}:BaseUrl", _models.Url])];
        return Process.Start(Programs.In(_folder.Path, "MetaRouter.Gateway", [.. arguments, "--MetaRouter:Store", "memory", "--urls", "http://127.0.0.1:0", .. more]))!;
    }

    private string[] Lines() => File.ReadAllText(Outcomes) is var text ? text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries) : [];

    private static async Task<bool> Until(Func<bool> holds)
    {
        var begun = Stopwatch.StartNew();
        while (!holds() && begun.Elapsed < TimeSpan.FromSeconds(30))
        {
            await Task.Delay(10);
        }

        return holds();
    }

    private string[] Arguments(params string[] more) => ["grade", "--prompts", Prompted, "--out", Outcomes, "--url", _models.Url, .. more];

    private Task<(int Code, string Output, string Error)> Grade(params string[] more) => CommandRun.Run(Arguments(more));
}
