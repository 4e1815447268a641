using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Baselines.Personal;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Tests.Protocols;

public sealed class LearnerContestTests : IDisposable
{
    private static readonly Pool s_pool = new("ladder", "ladder", [new ModelId("weak"), new ModelId("middle"), new ModelId("strong")]);

    private static readonly Func<IPreferenceLearner>[] s_bandits = [() => new BeliefLearner(false), () => new LinUcb(false), () => new LinearThompson(false), () => new DuelingThompson(false), () => new DuelingThompson(true)];

    private readonly TemporaryFolder _folder = new();

    public LearnerContestTests() => _folder.Write("ladder.jsonl", Ladder.Lines(400, 0));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_WhatShips_EarnsExactlyWhatP3SaysItEarns()
    {
        var contest = LearnerContest.Run(_folder.Path, [s_pool], 1, [() => new BeliefLearner(false)], null, default).Single().Rows.Single();
        var row = P3.Run(_folder.Path, s_pool, 1, null, default).Rows.Single(r => r.Router == "metarouter");

        foreach (var n in row.Share.Keys)
        {
            // Sums in another order.
            contest.Share[n].ShouldBe(row.Share[n], 1e-4);
            contest.ShareCi[n].Low.ShouldBe(row.ShareCi[n].Low, 1e-3);
            contest.Quality![n].ShouldBe(row.Quality[n], 1e-5);
            contest.Cost![n].ShouldBe(row.Cost[n], 1e-5);
        }

        contest.Behind.Values.ShouldAllBe(b => b == 0);
        contest.Covered!["20"].ShouldBeInRange(.75, 1);
    }

    [Fact]
    public void Run_Bandits_LearnFromComparisonsAndPooledOnesDoNotKnowTheUser()
    {
        var rows = LearnerContest.Run(_folder.Path, [s_pool], 1, s_bandits, null, default).Single().Rows.ToDictionary(r => r.Router);

        foreach (var name in (string[])["linucb, per user", "linear thompson, per user", "fgts.cdb, per user"])
        {
            rows[name].Share["20"].ShouldBeGreaterThan(rows[name].Share["0"]);
            rows[name].Share["20"].ShouldBeGreaterThan(rows["fgts.cdb, pooled"].Share["20"]);
            rows[name].Behind["20"].ShouldBe(rows["metarouter"].Share["20"] - rows[name].Share["20"], 1e-9);
            rows[name].BehindCi["20"].Low.ShouldBeLessThanOrEqualTo(rows[name].Behind["20"]);
            rows[name].Covered.ShouldBeNull();
        }
    }

    [Fact]
    public void Run_AmortisedEncoder_IsTrainedUntilItComesNearTheBeliefThatIsToldTheSame()
    {
        var rows = LearnerContest.Run(_folder.Path, [s_pool], 1, [() => new BeliefLearner(false), () => new BeliefLearner(true), () => new AmortisedEncoder(false), () => new AmortisedEncoder(true)], null, default).Single().Rows.ToDictionary(r => r.Router);

        // Both are told answers about random pairs, or both what the belief would ask: a network that falls far behind has not learned yet.
        rows["amortised encoder"].Share["6"].ShouldBeGreaterThan(rows["metarouter, random questions"].Share["6"] - .05);
        rows["amortised encoder, our questions"].Share["6"].ShouldBeGreaterThan(rows["metarouter"].Share["6"] - .05);
    }

    [Fact]
    public void Run_CellsOfEverybody_LearnLessThanCellsOfOneUser()
    {
        var rows = LearnerContest.Run(_folder.Path, [s_pool], 1, [() => new BeliefLearner(false), () => new BetaCells(false), () => new BetaCells(true)], null, default).Single().Rows.ToDictionary(r => r.Router);

        // Both begin with what the graded answers say.
        rows["beta cells, per user"].Share["0"].ShouldBe(rows["beta cells, pooled"].Share["0"], 1e-9);
        rows["beta cells, per user"].Share["20"].ShouldBeGreaterThan(rows["beta cells, pooled"].Share["20"]);
        rows["metarouter"].Share["20"].ShouldBeGreaterThan(rows["beta cells, per user"].Share["20"]);
    }

    [Fact]
    public void Run_NearestExamples_StandStillUntilThereAreEnough()
    {
        var rows = LearnerContest.Run(_folder.Path, [s_pool], 1, [() => new BeliefLearner(false), () => new NearestExamples(true), () => new NearestExamples(false)], null, default).Single().Rows;

        rows[1].Share["12"].ShouldBe(rows[1].Share["0"]);
        rows[1].Share["20"].ShouldNotBe(rows[1].Share["0"]);
        rows[2].Share["3"].ShouldBe(rows[2].Share["0"]);
        rows[2].Share["6"].ShouldNotBe(rows[2].Share["0"]);
        rows[2].Share["20"].ShouldBe(rows[1].Share["20"], 1e-9);
        rows[2].Share["20"].ShouldBeGreaterThan(rows[2].Share["6"]);
    }

    [Fact]
    public void Run_EveryLearnerOnTwoPools_IsRepeatableAndHasAMean()
    {
        _folder.Write("others.jsonl", Ladder.Lines(160, 1));
        Pool[] pools = [s_pool, new("others", "others", s_pool.Models)];
        var reports = LearnerContest.Run(_folder.Path, pools, 1, null, default);

        reports.Select(r => r.Pool).ShouldBe(["ladder", "others", "mean of 2 pools"]);
        reports[2].Rows.Select(r => r.Router).ShouldBe(PreferenceLearners.Factories.Select(f => f().Name));
        foreach (var (row, i) in reports[2].Rows.Select((r, i) => (r, i)))
        {
            row.Share["6"].ShouldBe((reports[0].Rows[i].Share["6"] + reports[1].Rows[i].Share["6"]) / 2, 1e-9);
        }

        JsonSerializer.Serialize(LearnerContest.Run(_folder.Path, pools, 1, null, default)).ShouldBe(JsonSerializer.Serialize(reports));
    }
}
