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

    /// <summary>Two benchmarks of different models, of which one knows a model of the other and a third is too small for a forest.</summary>
    [Fact]
    public void Run_FilesOfDifferentModels_AreTrainedAsSourcesAndTheReportSaysWhoWasNeverCompared()
    {
        _folder.Write("first.jsonl", Graded("first", 620, "poet", "sage"));
        _folder.Write("second.jsonl", Graded("second", 640, "bard", "abacus", "both"));
        _folder.Write("third.jsonl", Graded("third", 60, "both", "abacus", "guest"));
        var progress = new Collected();

        var (bytes, report) = SnapshotTraining.Run(_folder.Path, [], 1, progress, default);

        report.Sources.Select(s => (s.Rows, string.Join(' ', s.Files), string.Join(' ', s.Models))).ShouldBe([(700, "second third", "abacus bard both guest"), (620, "first", "poet sage")]);
        var snapshot = SnapshotCodec.Read(bytes);
        snapshot.Heads.Select(h => (int)h.KnownTo).ShouldBe([1, 1, 1, 1, 2, 2]);
        report.Notes.ShouldBeEmpty("they are told as sources");
        progress.Values.Select(p => p.Done).ShouldBeInOrder();
        progress.Values.Select(p => p.Label).ShouldContain("growing forest 2 of 2");

        var text = TrainingText.Write(report, "some.mrsnap", new DateOnly(2030, 1, 2), "metarouter train");
        text.ShouldContain("By which models answered them the rows fall into 2");
        text.ShouldContain("Models that share no source were never, or hardly ever, asked the same");
        text.ShouldContain("  source 1: 700 rows (second, third), 4 models: abacus, bard, both, guest\n");
        text.ShouldContain("  source 2: 620 rows (first), 2 models: poet, sage\n");
        text.ShouldNotContain("no source:");
    }

    [Fact]
    public void Run_ModelThatAnsweredAFewRequestsOfASource_IsToldToBeOfNone()
    {
        _folder.Write("first.jsonl", [.. Graded("first", 580, "poet", "sage"), .. Graded("asked", 20, "poet", "sage", "guest")]);
        _folder.Write("second.jsonl", Graded("second", 600, "bard", "abacus"));
        var report = SnapshotTraining.Run(_folder.Path, [], 1, null, default).Report;

        report.Sources.Count.ShouldBe(2);
        TrainingText.Write(report, "some.mrsnap", new DateOnly(2030, 1, 2), "metarouter train").ShouldContain("  no source: guest: fewer than a twentieth of any source's requests, so the linear model alone judges it\n");
    }

    /// <summary>Too few rows for forests of their own, and nobody was compared all the same.</summary>
    [Fact]
    public void Run_SmallFilesOfDifferentModels_AreNotedToBeApart()
    {
        _folder.Write("first.jsonl", Graded("first", 40, "poet", "sage"));
        _folder.Write("second.jsonl", Graded("second", 40, "bard", "abacus"));
        var report = SnapshotTraining.Run(_folder.Path, [], 1, null, default).Report;

        report.Sources.ShouldHaveSingleItem().Models.ShouldBe(["abacus", "bard", "poet", "sage"]);
        report.Notes.ShouldHaveSingleItem().ShouldStartWith("models that never answered the same request are in different groups here: abacus, bard; poet, sage. How those of different groups compare was never observed");
        TrainingText.Write(report, "some.mrsnap", new DateOnly(2030, 1, 2), "metarouter train").ShouldNotContain("Sources.");

        _folder.Write("third.jsonl", Graded("third", 5, "sage", "abacus"));
        SnapshotTraining.Run(_folder.Path, [], 1, null, default).Report.Notes.ShouldBeEmpty("some requests link them");
    }

    [Fact]
    public void Run_CancelledBetweenForests_Stops()
    {
        _folder.Write("first.jsonl", Graded("first", 600, "poet", "sage"));
        _folder.Write("second.jsonl", Graded("second", 600, "bard", "abacus"));
        using var stop = new CancellationTokenSource();
        var steps = new List<string>();

        Should.Throw<OperationCanceledException>(() => SnapshotTraining.Run(_folder.Path, [], 1, new Told(p =>
        {
            steps.Add(p.Label);
            if (p.Label == "growing forest 2 of 2")
            {
                stop.Cancel();
            }
        }), stop.Token));

        steps[^1].ShouldBe("growing forest 2 of 2");
    }

    /// <summary>Poems and sums by turns: poets and bards are good at poems, sages and abacuses at sums, anybody else at both.</summary>
    private static string[] Graded(string file, int rows, params string[] models) => [.. Enumerable.Range(0, rows).Select(i =>
    {
        var random = new Random((rows * 10_007) + i);
        string[] poem = ["verse", "rhyme", "sonnet", "rose", "moon", "lyric"], sum = ["add", "integral", "prime", "matrix", "root", "digit"];
        var words = i % 2 == 0 ? poem : sum;
        var isPoem = i % 2 == 0;
        bool IsGood(string model) => model is "poet" or "bard" ? isPoem : model is "sage" or "abacus" ? !isPoem : true;
        var told = models.Select(m => $"\"{m}\":{{\"score\":{(random.NextDouble() < (IsGood(m) ? .9 : .1) ? 1 : 0)},\"cost_usd\":0.001}}");
        return $"{{\"id\":\"{file}{i}\",\"dataset\":\"d\",\"query\":\"the {file} book asks {words[random.Next(6)]} {words[random.Next(6)]} {i}\",\"models\":{{{string.Join(',', told)}}}}}";
    })];

    private sealed class Told(Action<ProtocolProgress> report) : IProgress<ProtocolProgress>
    {
        public void Report(ProtocolProgress value) => report(value);
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
