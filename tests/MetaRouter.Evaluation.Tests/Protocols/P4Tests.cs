using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Report;

namespace MetaRouter.Evaluation.Tests.Protocols;

public sealed class P4Tests : IDisposable
{
    private static readonly Pool s_pool = new("ladder", "ladder", [new ModelId("weak"), new ModelId("middle"), new ModelId("strong")]);

    private readonly TemporaryFolder _folder = new();

    public P4Tests() => _folder.Write("ladder.jsonl", Ladder.Lines(300, 0));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_DriftedPopulation_StartsItsNewUsersBetterThanOtherPriors()
    {
        var report = P4.Run(_folder.Path, s_pool, 1, null, default);
        var by = report.Rows.ToDictionary(r => r.Prior);

        by["learned"].Regret.ShouldBeLessThan(by["flat"].Regret);
        by["learned"].Regret.ShouldBeLessThan(by["before the drift"].Regret);
        foreach (var row in report.Rows)
        {
            row.ByRequest.Count.ShouldBe(P4.Shown);
            row.Regret.ShouldBe(row.ByRequest.Take(P4.First).Average(), 1e-12);
            row.Saved.ShouldBe(1 - (by["learned"].Regret / row.Regret), 1e-12);
        }

        by["learned"].Saved.ShouldBe(0);
        Targets.Of(report).Select(t => t.Reached).ShouldBe([by["flat"].Saved >= .25, by["before the drift"].Saved >= .25]);
        Figures.Of(report).ShouldHaveSingleItem().Svg(true).ShouldContain("before the drift");
        JsonSerializer.Serialize(P4.Run(_folder.Path, s_pool, 1, null, default)).ShouldBe(JsonSerializer.Serialize(report));
    }
}
