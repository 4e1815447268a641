using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Report;
using MetaRouter.Evaluation.Robustness;

namespace MetaRouter.Evaluation.Tests.Protocols;

public sealed class P6Tests
{
    [Fact]
    public void Run_PoolOfOnesOwn_TellsEveryFigureTheSameTwice()
    {
        using var folder = new TemporaryFolder();
        folder.Write("ladder.jsonl", Ladder.Lines(400, seed: 1));
        var pool = new Pool("ladder", "ladder", [new ModelId("weak"), new ModelId("middle"), new ModelId("strong")]);

        var report = Run();

        report.Rows.Select(r => r.Router).ShouldBe(["trained here", "always strongest"]);
        var (ours, fixedOne) = (report.Rows[0], report.Rows[1]);
        ours.Categories.Select(c => c.Category).ShouldBe(["all", .. PromptSet.Graded]);
        ours.Attacks.Select(a => (a.Attack, a.Prompts)).ShouldBe([("typos", 200), ("paraphrase", 60), ("other language", 50), ("500 words after", 200), ("500 words before", 200), ("500 words after, at the old price", 200), ("suffix found", 200)]);
        ours.Poison!.Select(p => p.Share).ShouldBe([.01, .1, .3]);
        ours.Poison![2].Newcomers.ShouldBeInRange(0, 1);
        ours.Attacks.ShouldAllBe(a => a.FlipsCi.Contains(a.Flips));
        // Whoever always does the same is moved by nothing, and tells nothing apart.
        fixedOne.Attacks.ShouldAllBe(a => a.Flips == 0 && a.CostIncrease == 0 && a.DialFlips == 0);
        (fixedOne.DearShare, fixedOne.Categories[0].Excess, fixedOne.Poison).ShouldBe((1, 0, null));
        Targets.Of(report).Select(t => t.Name).Count(n => n.StartsWith("P6 ladder", StringComparison.Ordinal)).ShouldBe(11);
        ReportJson.Write(Run()).ShouldBe(ReportJson.Write(report));

        ProtocolReport<RobustnessRow> Run() => P6.Run(folder.Path, pool, [() => new AlwaysOne(strongest: true)], 1, null, default, searches: 1);
    }

    [Fact]
    public void Targets_AreHeldAgainstTheWorstCategoryAndEveryChange()
    {
        CategoryFigures Category(string name, double excess, double low) => new(name, .2, .5, excess, default, .7, new Interval(low, .9), .6);
        AttackFigures Attack(string name, double flips, double cost) => new(name, 10, flips, default, flips, cost, default, cost);
        var row = new RobustnessRow("shipped", .2, 0, 0, [Category("all", .01, .6), Category("facts", .06, .45)], [Attack("typos", .05, 0), Attack("paraphrase", .06, 0), Attack("other language", .5, 0), Attack("suffix found", .5, .09)], [new(.1, .01, default, .2, default), new(.3, .5, default, .5, default)]);

        Targets.Of(new ProtocolReport<RobustnessRow>("P6", "p", 1, [row], null)).Select(t => t.Reached).ShouldBe([false, false, true, false, false, true, true, true]);
        Targets.Of(new ProtocolReport<RobustnessRow>("P6", "p", 1, [row with { DearShare = 0 }], null))[0].Verdict.ShouldBe("no dear model served");
    }
}
