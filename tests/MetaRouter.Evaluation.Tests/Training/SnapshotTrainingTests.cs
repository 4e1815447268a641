using System.Globalization;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Training;

namespace MetaRouter.Evaluation.Tests.Training;

public sealed class SnapshotTrainingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_Twice_GivesTheSameBytesAndAnotherSeedOthers()
    {
        _folder.Write("topics.jsonl", Topics.Lines(60, 0));
        var (first, report) = SnapshotTraining.Run(_folder.Path, [], 1, null, default);
        SnapshotTraining.Run(_folder.Path, [], 1, null, default).Snapshot.ShouldBe(first);
        SnapshotTraining.Run(_folder.Path, [], 2, null, default).Snapshot.ShouldNotBe(first);
        report.Bytes.ShouldBe(first.Length);
        report.Version.ShouldBe(SnapshotCodec.Read(first).Version.ToString("x16", CultureInfo.InvariantCulture));
        report.HeldOut.ShouldBeEmpty();
    }

    [Fact]
    public void Run_Pool_IsMeasuredOnTheHalfItWasNotTrainedOn()
    {
        _folder.Write("topics.jsonl", Topics.Lines(400, 0));
        var progress = new Collected();
        var (_, report) = SnapshotTraining.Run(_folder.Path, [Pools.Parse("topics:poet,sage,both", "")], 1, progress, default);

        var figures = report.HeldOut.ShouldHaveSingleItem();
        figures.Rows.ShouldBeInRange(160, 240);
        figures.Gain.ShouldBeGreaterThan(.02);
        figures.GainCi.Contains(figures.Gain).ShouldBeTrue();
        figures.Brier.ShouldBeLessThan(.15);
        figures.ConstantBrier.ShouldBe((.25 + .25 + .09) / 3, .03);
        progress.Values.Select(p => p.Done).ShouldBeInOrder();
        progress.Values[^1].Done.ShouldBe(1, 1e-9);

        var text = TrainingText.Write(report, "some.mrsnap", new DateOnly(2030, 1, 2), "metarouter train --seed 1");
        text.ShouldContain($"version  {report.Version}");
        text.ShouldContain("2030-01-02");
        text.ShouldContain("metarouter train --seed 1");
        text.ShouldContain("trained on all rows");
        text.ShouldContain("topics:poet,sage,both (3 models");
        text.ShouldContain("both: 0 / 1, 400 outcomes (costs without tokens");
    }

    [Fact]
    public void Run_ModelAtOtherPricesInAnotherFile_IsFittedFromAllAndNoted()
    {
        _folder.Write("a.jsonl", Calls("a", 1));
        _folder.Write("b.jsonl", Calls("b", 3));
        _folder.Write("c.jsonl", [.. Calls("c", 1).Select(l => l.Replace("\"in\"", "\"unused\"", StringComparison.Ordinal))]);
        var models = SnapshotTraining.Run(_folder.Path, [], 1, null, default).Report.Models;

        var changed = models.Single(m => m.Id == "changed");
        changed.InputUsd.ShouldBeInRange(1.01, 2.99);
        changed.Note.ShouldBe("1 / 2 in a; 3 / 6 in b; costs without tokens in c, taken as tokens at these prices");
        models.Single(m => m.Id == "steady").ShouldBe(new TrainedModel("steady", 1, 2, 120, 0, "costs without tokens in c, taken as tokens at these prices"));
    }

    private static string[] Calls(string file, int price) => [.. Enumerable.Range(0, 40).Select(i =>
    {
        var (input, output) = (100 + i, 50 + (i * i % 40));
        string Model(string name, int times) => string.Create(CultureInfo.InvariantCulture, $$"""{{'"'}}{{name}}":{"score":{{i % 2}},"cost_usd":{{(input + (2 * output)) * times * 1e-6:R}},"in":{{input}},"out":{{output}} }""");
        return $$"""{"id":"{{i}}","dataset":"d","query":"{{file}} asks {{i}}","models":{ {{Model("changed", price)}},{{Model("steady", 1)}} } }""";
    })];

    private sealed class Collected : IProgress<ProtocolProgress>
    {
        public List<ProtocolProgress> Values { get; } = [];

        public void Report(ProtocolProgress value) => Values.Add(value);
    }
}
