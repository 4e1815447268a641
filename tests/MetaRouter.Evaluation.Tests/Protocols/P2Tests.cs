using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Tests.Protocols;

public sealed class P2Tests : IDisposable
{
    private static readonly Pool s_pool = new("topics", "topics", [.. Topics.Models.Select(m => new ModelId(m))]);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_TwoTopics_LearnedRoutersGainAndTheOracleIsTheCeiling()
    {
        _folder.Write("topics.jsonl.gz", Topics.Lines(600, 0));
        var report = P2.Run(_folder.Path, s_pool, LearnedRouters.Factories, 2, null, default);

        var rows = report.Rows.ToDictionary(r => r.Router);
        rows.Keys.ShouldBe([.. LearnedRouters.Factories.Select(f => f().Name), "best-single", "always cheapest", "always strongest", "random-mix", "random", "oracle"]);
        foreach (var learned in LearnedRouters.Factories.Select(f => rows[f().Name]))
        {
            // At lambda .5 the dear model costs .5 for .9, a cheap one .05 for .5, the right cheap one .05 for .9: a gain of .4.
            learned.Gain["0.5"].ShouldBe(.4, .08);
            learned.GainCi["0.5"].Low.ShouldBeGreaterThan(.2);
            learned.Hv.ShouldBeGreaterThan(rows["random-mix"].Hv);
            learned.Igd.ShouldBeLessThan(rows["random"].Igd);
        }

        rows["best-single"].Gain.Values.ShouldAllBe(g => g == 0);
        foreach (var row in report.Rows)
        {
            row.Gain.Keys.ShouldAllBe(l => row.Gain[l] <= rows["oracle"].Gain[l] + 1e-9);
            row.GainMeanCi.Low.ShouldBeLessThanOrEqualTo(row.GainMean + 1e-9);
            row.GainMeanCi.High.ShouldBeGreaterThanOrEqualTo(row.GainMean - 1e-9);
            row.Hv.ShouldBeLessThanOrEqualTo(rows["oracle"].Hv + 1e-9);
        }

        rows["oracle"].Igd.ShouldBe(0);
        rows["random"].Quality["0"].ShouldBe((.5 + .5 + .9) / 3, .05);
        rows["random"].Cost["0"].ShouldBe(.4, 1e-5);
    }

    [Fact]
    public void Run_Twice_GivesTheSameBytesInTheDocumentedForm()
    {
        _folder.Write("topics.jsonl", Topics.Lines(120, 0));
        var json = ReportJson.Write(P2.Run(_folder.Path, s_pool, LearnedRouters.Factories, 2, null, default));

        json.ShouldBe(ReportJson.Write(P2.Run(_folder.Path, s_pool, LearnedRouters.Factories, 2, null, default)));
        json.ShouldStartWith("""{"protocol":"P2","pool":"topics","seeds":2,"rows":[{"router":""");
        json.ShouldNotContain("\n");
        foreach (var name in (string[])["gain", "gain_ci", "gain_mean", "gain_mean_ci", "hv", "hv_ci", "igd", "igd_ci", "aiq", "aiq_ci", "cost", "quality", "0.02"])
        {
            json.ShouldContain($"\"{name}\":");
        }
    }

    [Fact]
    public void Run_Progress_EndsAtOne()
    {
        _folder.Write("topics.jsonl", Topics.Lines(80, 0));
        var seen = new List<double>();
        P2.Run(_folder.Path, s_pool, [], 2, new Recorder(seen), default);
        seen.ShouldBeInOrder();
        seen[^1].ShouldBe(1);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(41)]
    [InlineData(79)]
    public void Run_TooFewRows_IsRefused(int rows)
    {
        _folder.Write("topics.jsonl", Topics.Lines(rows, 0));
        Should.Throw<DataFileException>(() => P2.Run(_folder.Path, s_pool, [() => new MetaRouterModel()], 3, null, default)).Message.ShouldContain($"{rows} rows");
        Should.Throw<DataFileException>(() => P4.Run(_folder.Path, s_pool, 1, null, default)).Message.ShouldContain($"{rows} rows");
        Should.Throw<DataFileException>(() => CascadeTrial.Run(_folder.Path, s_pool, 3, null, default)).Message.ShouldContain($"{rows} rows");
    }

    private sealed class Recorder(List<double> seen) : IProgress<ProtocolProgress>
    {
        public void Report(ProtocolProgress value) => seen.Add(value.Done);
    }
}
