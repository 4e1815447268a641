using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Report;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Tests.Protocols;

public sealed class P3VariantTests : IDisposable
{
    private static readonly Pool s_pool = new("ladder", "ladder", [new ModelId("weak"), new ModelId("middle"), new ModelId("strong")]);

    private readonly TemporaryFolder _folder = new();

    public P3VariantTests() => _folder.Write("ladder.jsonl", Ladder.Lines(400, 0));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void RunVariants_EveryVariant_IsToldRepeatablyAgainstItsOwnYardsticks()
    {
        var reports = P3.RunVariants(_folder.Path, s_pool, 1, null, default);

        reports.Select(r => r.Protocol).ShouldBe(["P3 log cost", "P3 by topic", "P3 extreme", "P3 unsure", "P3 taught", "P3 log cost taught", "P3 by topic taught", "P3 extreme taught", "P3 thumbs"]);
        foreach (var report in reports)
        {
            var rows = report.Rows.ToDictionary(r => r.Router);
            rows["static"].Share.Values.ShouldAllBe(v => v == 0);
            rows["known"].Share.Values.ShouldAllBe(v => Math.Abs(v - 1) < 1e-9);
            var last = rows["oracle"].Share.Keys.Last();
            rows["oracle"].Utility[last].ShouldBeGreaterThan(rows["known"].Utility[last], report.Protocol);
            rows["metarouter"].Share[last].ShouldBeGreaterThan(rows["metarouter"].Share["0"] - .02, report.Protocol);
            Figures.Of(report).ShouldHaveSingleItem().Id.ShouldContain(report.Protocol[3..].Replace(' ', '-'));
            Targets.OfVariant(report).ShouldNotBeEmpty();
        }

        reports.Where(r => r.Rows[0].Covered is not null).Select(r => r.Protocol).ShouldBe(["P3 extreme", "P3 unsure", "P3 taught", "P3 extreme taught"]);
        var taught = reports.Single(r => r.Protocol == "P3 taught");
        taught.Rows.Where(r => r.Covered is not null).Select(r => r.Router).ShouldBe(["metarouter", "outcomes-seen"]);
        taught.Rows[0].Covered!["20"].ShouldBeInRange(.7, 1);
        taught.Rows[0].Utility["0"].ShouldNotBe(P3.Run(_folder.Path, s_pool, 1, null, default).Rows[0].Utility["0"]);
        double Share(string protocol) => reports.Single(r => r.Protocol == protocol).Rows[0].Share["3"];
        Share("P3 extreme taught").ShouldBeGreaterThan(Share("P3 extreme"), "others of their kind taught that there are two kinds of users, and no third");
        reports[^1].Rows[0].Share.Keys.ShouldBe(["0", "6", "12", "20", "40"]);
        JsonSerializer.Serialize(P3.RunVariants(_folder.Path, s_pool, 1, null, default)).ShouldBe(JsonSerializer.Serialize(reports));
    }

    [Fact]
    public void Run_SecondAnswers_TheNoteHoldsTheirCostAgainstWhatTheyTaught()
    {
        var split = PreferenceSplit.Of(s_pool.Read(_folder.Path).Table, 0, default);
        PreferenceRun[] runs = [.. Enumerable.Range(0, 2).Select(half => PreferenceRun.Of(split, PreferenceVariant.Plain, half, 0, default))];
        var earned = runs.Select(r => r.Resample(null).Total(PreferenceRun.MetaRouter, P3.Reported.Count - 1)).Aggregate((a, b) => a + b);
        var (lost, gained) = (runs.Sum(r => r.Taught.Lost) / (2 * P3.Users), earned.Gained / earned.Weight);
        var net = (gained - (lost / 1000)) / (earned.Gap / earned.Weight);

        runs.ShouldAllBe(r => r.Taught.Requests == P3.Users * P3.Comparisons);
        lost.ShouldBeGreaterThan(0);
        net.ShouldBeInRange(0, earned.Share);
        P3.Run(_folder.Path, s_pool, 1, null, default).Note.ShouldNotBeNull().ShouldContain(string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"cost a user {lost:0.000} of utility against serving the best of the belief, which shares leave out; what was learned is worth {gained:0.0000} on each later request: paid back after {lost / gained:0} of them; net of it, over 1,000, the last share is {net:0.00}."));
    }

    [Theory]
    [InlineData(0, .0005)]
    [InlineData(.5, .01)]
    public void Run_NothingToGainByKnowingAUser_HasNoShares(double score, double cost)
    {
        _folder.Write("alike.jsonl", [.. Enumerable.Range(0, 120).Select(i => string.Create(System.Globalization.CultureInfo.InvariantCulture, $$"""{"id":"{{i}}","dataset":"d","query":"what is {{i}} times {{i}}","models":{"a":{"score":{{score}},"cost_usd":{{cost}}},"b":{"score":{{score}},"cost_usd":0.01} } }"""))]);
        Pool pool = new("alike", "alike", [new ModelId("a"), new ModelId("b")]);

        foreach (var row in P3.Run(_folder.Path, pool, 1, null, default).Rows)
        {
            row.Share.Values.ShouldAllBe(v => double.IsNaN(v), row.Router);
            row.ShareCi.Values.ShouldAllBe(i => double.IsNaN(i.Low) && double.IsNaN(i.High), row.Router);
        }
    }

    [Fact]
    public void Price_ByHand_FollowsTheVariant()
    {
        var split = PreferenceSplit.Of(s_pool.Read(_folder.Path).Table, 0, default);
        var row = split.Half(0)[0];
        var (cheap, dear) = (new Outcome(1, .0005f, 0), new Outcome(1, .01f, 0));

        var plain = new UserWorld(split, PreferenceVariant.Plain);
        plain.Price(row, dear).ShouldBe(.01 / split.Pool.CostScaleUsd, 1e-6);

        // Two answers, both right: one is used, both are paid for.
        plain.WorthOfBoth(row, dear, cheap, lambda: 3).ShouldBe((1 - (3 * (.01 + .0005) / split.Pool.CostScaleUsd)) / 4, 1e-5);

        // Mean costs run from .0005 to .01: log(1 + 20) is the whole, log 2 what the cheapest costs.
        var log = new UserWorld(split, PreferenceVariant.All.First(v => v.LogCost));
        log.Price(row, dear).ShouldBe(1, 1e-5);
        log.Price(row, cheap).ShouldBe(Math.Log(2) / Math.Log(21), 1e-5);
        log.Worth(row, cheap, lambda: 3).ShouldBe((1 - (3 * Math.Log(2) / Math.Log(21))) / 4, 1e-5);

        var byTopic = new UserWorld(split, PreferenceVariant.All.First(v => v.ByTopic));
        double[] factors = [.. Enumerable.Range(0, split.Test.Rows).Select(r => byTopic.Price(r, dear) * split.Pool.CostScaleUsd / .01).Distinct().Order()];
        factors.ShouldAllBe(f => Math.Abs(f - .25) < 1e-4 || Math.Abs(f - 1) < 1e-4 || Math.Abs(f - 4) < 1e-4);
    }

    [Fact]
    public void Praises_AboveTheMedian_MoreOftenThanBelow()
    {
        var split = PreferenceSplit.Of(s_pool.Read(_folder.Path).Table, 0, default);
        var world = new UserWorld(split, PreferenceVariant.Plain);
        var (quality, thrift) = (new SimulatedUser(.01), new SimulatedUser(10));
        var rows = split.Half(0).ToArray();
        double Share(SimulatedUser user, int model) => Enumerable.Range(0, 2000).Average(i => world.Praises(rows[i % rows.Length], model, user, new Random(i)) ? 1.0 : 0);

        Share(thrift, 0).ShouldBeGreaterThan(.8);
        Share(thrift, 2).ShouldBeLessThan(.2);
        Share(quality, 2).ShouldBeGreaterThan(.4);
        Share(quality, 0).ShouldBeLessThan(Share(thrift, 0));
    }
}
