using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Tests.Protocols;

public sealed class CascadeTrialTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_HardAndEasyRequests_KeepsWhatItPromisesAndSaves()
    {
        _folder.Write("ladder.jsonl", Ladder.Lines(600, 0));
        var report = CascadeTrial.Run(_folder.Path, new Pool("ladder", "ladder", [new ModelId("weak"), new ModelId("middle"), new ModelId("strong")]), 3, null, default);

        report.Rows.Select(r => r.Delta).ShouldBe(CascadeTrial.Deltas);
        report.Note.ShouldNotBeNull().ShouldContain("does not look at the cheap answer");
        foreach (var row in report.Rows)
        {
            row.Bad.ShouldBeLessThan(row.Delta + .03);
            row.Bad.ShouldBeLessThanOrEqualTo(row.CheapShare);
        }

        // Whoever allows more bad answers is served more cheap ones; a tenth is nearly what the easy half gets wrong.
        report.Rows.Select(r => r.CheapShare).ShouldBeInOrder();
        report.Rows[0].CheapShare.ShouldBeLessThan(.2);
        report.Rows[^1].CheapShare.ShouldBeGreaterThan(.4);
        report.Rows[^1].CostBefore.ShouldBeLessThan(report.Rows[^1].Cost);
    }

    [Fact]
    public void Run_RowsThatThePromiseIsTestedOn_HaveNoSayInWhoIsInThePair()
    {
        string[] ids = [.. Enumerable.Range(0, 400).Select(i => $"r{i}")];
        string[] train = [.. Split.Halves(ids, 0).Train.Select(i => ids[i])];
        var tested = ValidationFifth.Of(train, 0).Validate.Select(i => train[i]).ToHashSet();
        _folder.Write("pair.jsonl", [.. ids.Select((id, i) =>
        {
            // The first is the better on all other rows, on these the second.
            var (first, second) = tested.Contains(id) ? (0, 1) : (i % 10 < 8 ? 1 : 0, i % 10 < 7 ? 1 : 0);
            return $$$"""{"id":"{{{id}}}","dataset":"d","query":"item {{{i}}}","models":{"cheap":{"score":{{{i % 2}}},"cost_usd":0.001},"first":{"score":{{{first}}},"cost_usd":0.01},"second":{"score":{{{second}}},"cost_usd":0.01} } }""";
        })]);
        CascadeTrial.Run(_folder.Path, new Pool("pair", "pair", [new ModelId("cheap"), new ModelId("first"), new ModelId("second")]), 1, null, default).Note.ShouldNotBeNull().ShouldStartWith("cheap, then first");
    }
}
