using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Baselines.Personal;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Tests.Protocols;

public sealed class LearnerContestTests(EveryLearner every) : IClassFixture<EveryLearner>
{
    private readonly Dictionary<string, LearnerRow> _rows = every.Reports[0].Rows.ToDictionary(r => r.Router);

    [Fact]
    public void Run_WhatShips_EarnsExactlyWhatP3SaysItEarns()
    {
        var contest = LearnerContest.Run(every.Folder, [EveryLearner.Ladder], 1, [() => new BeliefLearner(false)], null, default).Single().Rows.Single();
        var row = P3.Run(every.Folder, EveryLearner.Ladder, 1, null, default).Rows.Single(r => r.Router == "metarouter");

        foreach (var n in row.Share.Keys)
        {
            // Sums in another order.
            contest.Share[n].ShouldBe(row.Share[n], 1e-4);
            contest.ShareCi[n].Low.ShouldBe(row.ShareCi[n].Low, 1e-3);
            contest.Quality![n].ShouldBe(row.Quality[n], 1e-5);
            contest.Cost![n].ShouldBe(row.Cost[n], 1e-5);
        }

        contest.Behind.Values.ShouldAllBe(b => b == 0);
        contest.BehindRandom.ShouldBeNull();
        contest.Covered!["20"].ShouldBeInRange(.75, 1);
    }

    [Fact]
    public void Run_Bandits_LearnFromComparisonsAndPooledOnesDoNotKnowTheUser()
    {
        foreach (var name in (string[])["linucb, per user", "linear thompson, per user", "fgts.cdb, per user"])
        {
            _rows[name].Share["20"].ShouldBeGreaterThan(_rows[name].Share["0"]);
            _rows[name].Share["20"].ShouldBeGreaterThan(_rows["fgts.cdb, pooled"].Share["20"]);
            _rows[name].Behind["20"].ShouldBe(_rows["metarouter"].Share["20"] - _rows[name].Share["20"], 1e-9);
            _rows[name].BehindCi["20"].Low.ShouldBeLessThanOrEqualTo(_rows[name].Behind["20"]);
            _rows[name].BehindRandom!["20"].ShouldBe(_rows["metarouter, random questions"].Share["20"] - _rows[name].Share["20"], 1e-9);
            _rows[name].BehindRandomCi!["20"].Low.ShouldBeLessThanOrEqualTo(_rows[name].BehindRandom!["20"]);
            _rows[name].BehindRandomCi!["20"].High.ShouldBeGreaterThanOrEqualTo(_rows[name].BehindRandom!["20"]);
            _rows[name].Covered.ShouldBeNull();
        }
    }

    [Fact]
    public void Run_AmortisedEncoder_IsTrainedUntilItComesNearTheBeliefThatIsToldTheSame()
    {
        // Both are told answers about random pairs, or both what the belief would ask: a network that falls far behind has not learned yet.
        _rows["amortised encoder"].Share["6"].ShouldBeGreaterThan(_rows["metarouter, random questions"].Share["6"] - .05);
        _rows["amortised encoder, our questions"].Share["6"].ShouldBeGreaterThan(_rows["metarouter"].Share["6"] - .05);
    }

    [Fact]
    public void Run_CellsOfEverybody_LearnLessThanCellsOfOneUser()
    {
        // Both begin with what the graded answers say.
        _rows["beta cells, per user"].Share["0"].ShouldBe(_rows["beta cells, pooled"].Share["0"], 1e-9);
        _rows["beta cells, per user"].Share["20"].ShouldBeGreaterThan(_rows["beta cells, pooled"].Share["20"]);
        _rows["metarouter"].Share["20"].ShouldBeGreaterThan(_rows["beta cells, per user"].Share["20"]);
    }

    [Fact]
    public void Run_NearestExamples_StandStillUntilThereAreEnough()
    {
        var (waiting, eager) = (_rows[new NearestExamples(true).Name], _rows[new NearestExamples(false).Name]);

        waiting.Share["12"].ShouldBe(waiting.Share["0"]);
        waiting.Share["20"].ShouldNotBe(waiting.Share["0"]);
        eager.Share["3"].ShouldBe(eager.Share["0"]);
        eager.Share["6"].ShouldNotBe(eager.Share["0"]);
        eager.Share["20"].ShouldBe(waiting.Share["20"], 1e-9);
        eager.Share["20"].ShouldBeGreaterThan(eager.Share["6"]);
    }

    [Fact]
    public void Run_EveryLearnerOnTwoPools_IsRepeatableAndHasAMean()
    {
        var reports = every.Reports;

        reports.Select(r => r.Pool).ShouldBe(["ladder", "others", "mean of 2 pools"]);
        reports[2].Rows.Select(r => r.Router).ShouldBe(PreferenceLearners.Factories.Select(f => f().Name));
        foreach (var (row, i) in reports[2].Rows.Select((r, i) => (r, i)))
        {
            row.Share["6"].ShouldBe((reports[0].Rows[i].Share["6"] + reports[1].Rows[i].Share["6"]) / 2, 1e-9);
        }

        // Nor does it matter what else is measured.
        JsonSerializer.Serialize(LearnerContest.Run(every.Folder, [EveryLearner.Others], 1, null, default).Single()).ShouldBe(JsonSerializer.Serialize(reports[1]));
    }
}

/// <summary>The contest of every learner on two pools, which takes a while, once for all tests.</summary>
public sealed class EveryLearner : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public EveryLearner()
    {
        _folder.Write("ladder.jsonl", Protocols.Ladder.Lines(400, 0));
        _folder.Write("others.jsonl", Protocols.Ladder.Lines(160, 1));
        Reports = LearnerContest.Run(Folder, [Ladder, Others], 1, null, default);
    }

    public static Pool Ladder { get; } = new("ladder", "ladder", [new ModelId("weak"), new ModelId("middle"), new ModelId("strong")]);

    public static Pool Others { get; } = new("others", "others", Ladder.Models);

    public string Folder => _folder.Path;

    /// <summary>Of the ladder, of the others, and of their mean.</summary>
    public IReadOnlyList<ProtocolReport<LearnerRow>> Reports { get; }

    public void Dispose() => _folder.Dispose();
}
