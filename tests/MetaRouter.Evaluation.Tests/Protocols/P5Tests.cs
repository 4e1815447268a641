using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Report;

namespace MetaRouter.Evaluation.Tests.Protocols;

public sealed class P5Tests
{
    [Fact]
    public void Rows_JudgeWhoLeansOnLongPrompts_IsCorrected()
    {
        var rows = P5.Rows(Table(4400), 2, null, default);
        var by = rows.ToDictionary(r => r.Router);

        rows.Length.ShouldBe(8);
        by["all gold"].Apgr.ShouldBeGreaterThan(.7);
        by["pooled"].Apgr.ShouldBeLessThan(.6);
        by["DR-corrected"].OverPooled.ShouldBeGreaterThan(.02);
        by["R-corrected"].OverPooled.ShouldBeGreaterThan(.02);
        foreach (var row in rows)
        {
            row.OverPooled.ShouldBe(row.Apgr - by["pooled"].Apgr, 1e-12);
            row.OverGold.ShouldBe(row.Apgr - by["gold only"].Apgr, 1e-12);
            row.BelowAllGold.ShouldBe(by["all gold"].Apgr - row.Apgr, 1e-12);
            row.ApgrCi.Contains(row.Apgr).ShouldBeTrue(row.Router);
        }

        JsonSerializer.Serialize(P5.Rows(Table(4400), 2, null, default)).ShouldBe(JsonSerializer.Serialize(rows));
        Figures.Of(new ProtocolReport<LabelRow>("P5", null, 2, rows, null)).ShouldHaveSingleItem().Svg(true).ShouldContain("DR-corrected");
        Targets.Of(new ProtocolReport<LabelRow>("P5", null, 2, rows, null)).Count.ShouldBe(4);
    }

    [Fact]
    public void Rows_TooFewToLabel_AreRefused() => Should.Throw<DataFileException>(() => P5.Rows(Table(300), 1, null, default)).Message.ShouldContain("P5 draws 2000");

    [Fact]
    public void Targets_AreHeldAgainstEitherYardstick()
    {
        static LabelRow Row(string router, double below, double over, double gold) => new(router, .6, new(.5, .7), over, default, gold, default, below, default);
        var targets = Targets.Of(new ProtocolReport<LabelRow>("P5", null, 1, [Row("pooled", 0, 0, 1), Row("DR-corrected", .005, -.01, .001), Row("R-corrected", .02, .02, -.001)], null));
        targets.Select(t => t.Reached).ShouldBe([true, true, false, false]);
    }

    /// <summary>The strong model wins on sums, which are the short prompts, and ties on poems, which are long: a judge who leans on length leans against the truth.</summary>
    private static OutcomeTable Table(int rows)
    {
        string[] poem = ["verse", "rhyme", "sonnet", "rose", "moon", "lyric"], sum = ["add", "integral", "prime", "matrix", "root", "digit"];
        var (queries, score) = (new string[rows], new float[rows * 2]);
        for (var i = 0; i < rows; i++)
        {
            var random = new Random(i);
            var isSum = i % 2 == 0;
            var words = isSum ? sum : poem;
            queries[i] = string.Join(' ', Enumerable.Range(0, isSum ? 4 : 12).Select(_ => words[random.Next(6)])) + " " + i;
            var right = random.NextDouble();
            (score[2 * i], score[(2 * i) + 1]) = isSum ? (right < .55 ? 1 : 0, right < .75 ? 1 : 0) : (right < .8 ? 1 : 0, right < .8 ? 1 : 0);
        }

        float[] unknown = [.. Enumerable.Repeat(float.NaN, rows * 2)];
        return new OutcomeTable("simulated", [new ModelId("weak"), new ModelId("strong")], [.. queries.Select((_, i) => $"r{i}")], queries, [.. queries.Select(_ => "all")], score, [.. Enumerable.Repeat(.001, rows * 2)], unknown, unknown, unknown);
    }
}
