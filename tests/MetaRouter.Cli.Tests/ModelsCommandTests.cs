using System.Globalization;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;

namespace MetaRouter.Cli.Tests;

/// <summary>The command in this process, on the snapshot that ships.</summary>
public sealed class ModelsCommandTests : IDisposable
{
    private static readonly string[] s_newcomer = ["models", "add", "newcomer-1", "--input-price", "2.5", "--output-price", "10", "--sibling", "gpt-4o-2024-05-13"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Add_GradedAnswers_WritesASnapshotThatKnowsTheModel()
    {
        // Wrong wherever it was asked, at half a thousand tokens.
        await File.WriteAllLinesAsync(PathOf("answers.jsonl"), [.. Enumerable.Range(0, 20).Select(i => string.Create(CultureInfo.InvariantCulture, $$"""{"query":"What is {{i}} times {{i + 1}}?","score":0,"out":500}""")), "no line"]);
        var (code, output, error) = await Run([.. s_newcomer, "--answers", PathOf("answers.jsonl"), "--out", PathOf("more.mrsnap"), "--json"]);

        code.ShouldBe(0, error);
        error.ShouldContain("skipped 1 bad line: line 21");
        output.ShouldContain("as gpt-4o-2024-05-13's sibling");
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        double Told(string name) => json.RootElement.GetProperty(name).GetDouble();
        Told("answers").ShouldBe(20);
        Told("score").ShouldBe(0);
        Told("after").ShouldBeLessThan(Told("before") - .1);
        Math.Abs(Told("tokens_after") - 500).ShouldBeLessThan(Math.Abs(Told("tokens_before") - 500));

        var written = SnapshotCodec.Read(await File.ReadAllBytesAsync(PathOf("more.mrsnap")));
        written.Models.Count.ShouldBe(Snapshot.Default.Models.Count + 1);
        written.Models[^1].OutputPrice.ShouldBe(new PricePerMillionTokens(10));
        written.Heads.SkipLast(1).SelectMany(h => (float[])[h.Bias, h.TokenFactor, .. h.Ability, .. h.TreeLoading]).ShouldBe(Snapshot.Default.Heads.SelectMany(h => (float[])[h.Bias, h.TokenFactor, .. h.Ability, .. h.TreeLoading]), "the others stay as they were");
        written.Version.ToString("x16", CultureInfo.InvariantCulture).ShouldBe(json.RootElement.GetProperty("snapshot").GetString());
    }

    [Fact]
    public async Task Add_OutcomeFile_TakesTheModelsCellsAndNothingElse()
    {
        await File.WriteAllLinesAsync(PathOf("answers.jsonl"), [
            """{"id":"1","dataset":"d","query":"a","models":{"newcomer-1":{"score":1},"other":{"score":0}}}""",
            """{"id":"2","dataset":"d","query":"b","models":{"other":{"score":0}}}"""]);
        var (code, output, error) = await Run([.. s_newcomer, "--answers", PathOf("answers.jsonl"), "--out", PathOf("more.mrsnap")]);

        code.ShouldBe(0, error);
        error.ShouldBeEmpty();
        output.ShouldContain("1 graded answer: score 1.000");
    }

    [Fact]
    public async Task List_TellsEveryModelWithWhatItsAnswersWereLike()
    {
        var (code, output, error) = await Run("models", "list", "--json");

        code.ShouldBe(0, error);
        using var json = JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]);
        var (rows, sample) = (json.RootElement.EnumerateArray().ToArray(), Snapshot.Default.Calibration);
        rows.Select(r => r.GetProperty("model").GetString()).ShouldBe(Snapshot.Default.Models.Select(m => m.Id.Value).Order(StringComparer.Ordinal));
        rows.Sum(r => r.GetProperty("answers").GetInt32()).ShouldBe(sample.Model.Length);
        var (one, number) = (rows.Single(r => r.GetProperty("model").GetString() == "gpt-4o-2024-05-13"), Snapshot.Default.Models.Index().Single(m => m.Item.Id.Value == "gpt-4o-2024-05-13").Index);
        int[] cells = [.. Enumerable.Range(0, sample.Model.Length).Where(c => sample.Model[c] == number)];
        one.GetProperty("score").GetDouble().ShouldBe(cells.Average(c => sample.Score[c]), 1e-5);
        one.GetProperty("cost_usd").GetDouble().ShouldBe(cells.Average(c => (sample.InputTokens[c] * 5e-6) + (sample.OutputTokens[c] * 15e-6)), 1e-5);
        output.ShouldContain("gpt-4o-2024-05-13");
    }

    [Fact]
    public async Task Add_TwiceInARow_GoesOnFromTheFileAndRefusesANameItKnows()
    {
        (await Run([.. s_newcomer, "--out", PathOf("more.mrsnap")])).Output.ShouldContain("No graded answer");
        (await Run("models", "add", "newcomer-2", "--input-price", "1", "--output-price", "1", "--sibling", "newcomer-1", "--snapshot", PathOf("more.mrsnap"), "--out", PathOf("more.mrsnap"))).Code.ShouldBe(0);
        SnapshotCodec.Read(await File.ReadAllBytesAsync(PathOf("more.mrsnap"))).Models.TakeLast(2).Select(m => m.Id.Value).ShouldBe(["newcomer-1", "newcomer-2"]);

        var (code, _, error) = await Run([.. s_newcomer, "--snapshot", PathOf("more.mrsnap"), "--out", PathOf("more.mrsnap")]);
        code.ShouldBe(2);
        error.ShouldContain("knows 'newcomer-1' already");
    }

    [Theory]
    [InlineData("the snapshot does not know it", "--sibling", "nobody")]
    [InlineData("a number from 0 to 1", "--answers", "bad.jsonl")]
    [InlineData("0 to 1000000", "--input-price", "-1")]
    [InlineData("give a number with a decimal point", "--input-price", "2,5")]
    [InlineData("is a folder; give a snapshot", "--snapshot", ".")]
    [InlineData("is a folder; give a file", "--answers", ".")]
    [InlineData("no such file", "--snapshot", "none.mrsnap")]
    public async Task Add_WhatCannotBeUsed_ExitsWith2AndWritesNothing(string named, string option, string value)
    {
        await File.WriteAllTextAsync(PathOf("bad.jsonl"), """{"query":"a","score":2}""");
        string[] plain = ["models", "add", "newcomer-1", .. option == "--input-price" ? (string[])[] : ["--input-price", "1"], "--output-price", "1", "--out", PathOf("more.mrsnap")];
        var (code, _, error) = await Run([.. plain, option, value.Contains('.', StringComparison.Ordinal) ? PathOf(value) : value]);

        code.ShouldBe(2);
        error.ShouldContain(named);
        Directory.GetFiles(_folder.Path).Select(Path.GetFileName).ShouldBe(["bad.jsonl"]);
    }

    [Fact]
    public async Task Add_IntoADevice_ExitsWith2AndLeavesItADevice()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // no devices among its files
        }

        const string Device = "/dev/nothing-of-metarouter"; // not null: root would lose it where this fails
        try
        {
            var (code, _, error) = await Run([.. s_newcomer, "--out", Device]);
            code.ShouldBe(2);
            error.ShouldContain("is a device");
            File.Exists(Device).ShouldBeFalse();
        }
        finally
        {
            File.Delete(Device);
        }
    }

    private string PathOf(string name) => _folder.File(name);

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => CommandRun.Run(args);
}
