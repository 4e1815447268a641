using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Tests.Protocols;

public class PoolChangeTests
{
    private static readonly OutcomeTable s_table = Table("mini", "acme-small", "acme-large", "other");

    [Fact]
    public void Of_ByHand_TakesTheDearerOfTheFamilyTheSecondBestAndTheDearestLeft()
    {
        var change = PoolChange.Of(s_table);

        // Scores .1 .2 .3 .4, costs 1 2 3 4: of acme's two the large one arrives; without it other is best and small second, mini and other stay.
        change.ShouldBe(new PoolChange(Newcomer: 2, Sibling: 1, Leaver: 1, Repriced: 3));
        change.Before(4).ShouldBe([0, 1, 3]);
        change.After(4).ShouldBe([0, 3, 2]);
    }

    [Fact]
    public void Reprices_ByHand_HalvesOneColumn()
    {
        var cost = PoolChange.Of(s_table).Reprices(s_table).CostUsd;
        cost[..4].ShouldBe([1, 2, 3, 2]);
        s_table.CostUsd[3].ShouldBe(4);
    }

    [Fact]
    public void Columns_ByHand_KeepRowsAndOrder()
    {
        var taken = OutcomeTables.Of(s_table, [3, 0]);
        taken.Models.Select(m => m.Value).ShouldBe(["other", "mini"]);
        taken.Score[..4].ShouldBe([.4f, .1f, .4f, .1f]);
    }

    [Fact]
    public void Profile_BillsWithoutTokens_IsThePriceOfATypicalCall()
    {
        // acme-large's calls cost 3 dollars each.
        var profile = PoolChange.Of(s_table).Profile(s_table);
        profile.Sibling.ShouldBe(new ModelId("acme-small"));
        profile.OutputPrice.CostUsd(ModelProfile.TypicalTokens).ShouldBe(3, 1e-9);
        profile.InputPrice.Usd.ShouldBe(0);
    }

    [Fact]
    public void Of_ThreeModels_IsRefused() => Should.Throw<DataFileException>(() => PoolChange.Of(Table("a", "b", "c"))).Message.ShouldContain("at least four");

    private static OutcomeTable Table(params string[] models)
    {
        const int rows = 3;
        float[] unknown = [.. Enumerable.Repeat(float.NaN, rows * models.Length)];
        string[] ids = [.. Enumerable.Range(0, rows).Select(i => $"{i}")];
        return new OutcomeTable("t", [.. models.Select(m => new ModelId(m))], ids, ids, ids, [.. unknown.Select((_, i) => ((i % models.Length) + 1) / 10f)], [.. unknown.Select((_, i) => (i % models.Length) + 1.0)], unknown, unknown, unknown);
    }
}
