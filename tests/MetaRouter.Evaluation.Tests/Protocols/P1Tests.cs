using System.Globalization;
using MetaRouter.Core.Text;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Tests.Protocols;

public sealed class P1Tests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void RunMmlu_HardTopicForTheWeakModel_IsLearnedFrom1500Labels()
    {
        _folder.Write("routellm-mmlu.jsonl", Lines("routellm-mmlu", 2500, "mixtral-8x7b-instruct"));
        var report = P1.RunMmlu(_folder.Path, LearnedRouters.Factories, 2, null, default);

        foreach (var name in LearnedRouters.Factories.Select(f => f().Name))
        {
            var row = report.Rows.Single(r => r.Router == name);
            row.Apgr.ShouldBeGreaterThan(.7, name);
            row.ApgrCi!.Value.Contains(row.Apgr).ShouldBeTrue();
            row.Cpt50.ShouldBeInRange(0, 40);
        }

        var random = report.Rows.Single(r => r.Router == "random");
        random.Apgr.ShouldBe(.5, .08);
        report.Rows.Single(r => r.Router == "oracle").Apgr.ShouldBe(report.Rows.Where(r => r.Quoted is null).Max(r => r.Apgr));
        report.Rows.Count(r => r.Quoted == true).ShouldBe(5);
        report.Rows.Where(r => r.Lead is null).ShouldAllBe(r => r == report.Rows[0] || r.Quoted == true);
        random.Lead!.Apgr.ShouldBe(report.Rows[0].Apgr - random.Apgr, 1e-9);
        random.Lead.ApgrCi.Low.ShouldBeInRange(.1, random.Lead.Apgr);
        ReportJson.Write(report).ShouldContain("\"quoted\":true,\"apgr\":0.603");
    }

    [Fact]
    public void RunGsm8k_ContaminatedRows_AreLeftOut()
    {
        var lines = Lines("routellm-gsm8k", 200, "mixtral-8x7b-instruct");
        _folder.Write("routellm-gsm8k.jsonl", lines);
        var clean = ReportJson.Write(P1.RunGsm8k(_folder.Path, LearnedRouters.Factories, 1, null, default));
        var bad = Lines("other", 50, "mixtral-8x7b-instruct").Select(l => l.Replace("\"query\"", "\"contaminated\":true,\"query\"", StringComparison.Ordinal).Replace("please", "kindly", StringComparison.Ordinal));
        _folder.Write("routellm-gsm8k.jsonl", [.. lines, .. bad]);
        ReportJson.Write(P1.RunGsm8k(_folder.Path, LearnedRouters.Factories, 1, null, default)).ShouldBe(clean);
    }

    [Fact]
    public void RunTransfer_NeverTrainsOnATestedText()
    {
        _folder.Write("routellm-mmlu.jsonl", Lines("routellm-mmlu", 60, "mixtral-8x7b-instruct"));
        _folder.Write("routellm-gsm8k.jsonl", Lines("routellm-gsm8k", 50, "mixtral-8x7b-instruct", "gsm"));
        _folder.Write("routellm-mtbench.jsonl", Lines("routellm-mtbench", 30, "mixtral-8x7b-instruct", "bench"));
        // The first 60 texts are MMLU's: kept out when MMLU is the test.
        _folder.Write("routerbench-subset.jsonl", Lines("routerbench", 90, "mixtral-8x7b-chat"));
        var spy = new Spy();
        var report = P1.RunTransfer(_folder.Path, [() => spy], 1, null, default);

        spy.Fits.ShouldBe([(50 + 30 + 30, 60), (90 + 30, 50), (90 + 50, 30)], ignoreOrder: true);
        report.Rows.Where(r => r.Quoted is null).Select(r => r.Benchmark).Distinct().ShouldBe(["mmlu", "gsm8k", "mt-bench"]);
    }

    [Fact]
    public void RunTransfer_PartsTakenAway_HaveRowsOfTheirOwn()
    {
        foreach (var (file, word) in new[] { ("routellm-mmlu", "item"), ("routellm-gsm8k", "gsm"), ("routellm-mtbench", "bench") })
        {
            _folder.Write(file + ".jsonl", Lines(file, 60, "mixtral-8x7b-instruct", word));
        }

        _folder.Write("routerbench-subset.jsonl", Lines("routerbench", 90, "mixtral-8x7b-chat", "bank"));

        var report = P1.RunTransfer(_folder.Path, [() => new MetaRouterModel(), () => new MetaRouterModel(NgramFamilies.Words)], 1, null, default);

        var names = report.Rows.Where(r => r.Benchmark == "mmlu" && r.Router.StartsWith("metarouter", StringComparison.Ordinal)).Select(r => r.Router);
        names.ShouldBe(["metarouter", "metarouter, these two models alone", "metarouter, words only", "metarouter, words only, these two models alone"]);
    }

    [Fact]
    public void RunMmlu_TooFewRows_IsRefused()
    {
        _folder.Write("routellm-mmlu.jsonl", Lines("routellm-mmlu", 100, "mixtral-8x7b-instruct"));
        Should.Throw<DataFileException>(() => P1.RunMmlu(_folder.Path, [], 1, null, default)).Message.ShouldContain("1500");
    }

    /// <summary>The weak model fails one topic of two.</summary>
    private static string[] Lines(string dataset, int rows, string weak, string word = "item") => [.. Enumerable.Range(0, rows).Select(i =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{dataset}}/{{i}}","dataset":"{{dataset}}","query":"please {{Word(i)}} of {{word}} {{i}}","models":{"{{weak}}":{"score":{{(i % 2 == 0 ? 1 : 0)}},"cost_usd":0.001},"gpt-4-1106-preview":{"score":1,"cost_usd":0.01} } }"""))];

    /// <summary>Several a topic: a word in over a quarter of the texts is none to the baselines.</summary>
    private static string Word(int i) => (i % 2 == 0 ? (string[])["rhyme", "sonnet", "lyric", "verse"] : ["integral", "matrix", "root", "digit"])[i / 2 % 4];

    private sealed class Spy : IOutcomeModel
    {
        public List<(int Train, int Test)> Fits { get; } = [];

        public string Name => "spy";

        public OutcomePredictions FitPredict(MetaRouter.Core.Prediction.OutcomeTable train, MetaRouter.Core.Prediction.OutcomeTable test, int seed, CancellationToken cancellationToken)
        {
            train.Queries.Intersect(test.Queries).ShouldBeEmpty();
            lock (Fits)
            {
                Fits.Add((train.Rows, test.Rows));
            }

            return new BestSingle().FitPredict(train, test, seed, cancellationToken);
        }
    }
}
