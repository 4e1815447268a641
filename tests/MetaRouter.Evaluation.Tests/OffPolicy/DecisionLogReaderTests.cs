using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.OffPolicy;

namespace MetaRouter.Evaluation.Tests.OffPolicy;

public sealed class DecisionLogReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_FeedbackLines_JoinTheirDecisions()
    {
        var (decisions, leftOut, bad) = Read(
            Decision(1), Said(1, "Thumb", 1),
            Decision(2), Said(2, "Accept", 1), Said(2, "Rating", 2),
            Decision(3), Said(3, "Thumb", 1), Said(3, "Thumb", 0),
            Decision(4), Said(4, "Thumb", 1, withdrawn: true),
            Decision(5), Said(5, "Regenerate", 0),
            Decision(6), Said(6, "SwitchModel", 1),
            Decision(7));

        bad.ShouldBeEmpty();
        leftOut.ShouldBe(0);
        decisions.Select(d => d.Reward).ShouldBe([1, .25, 0, null, 0, null, null]);
        decisions[0].Candidates[decisions[0].Chosen].ShouldBe(new LoggedCandidate("small", .6, .001, .5, .9));
    }

    [Fact]
    public void Read_OwnReward_OutranksFeedback() => Read(Decision(1, ",\"reward\":0.75"), Said(1, "Thumb", 0)).Decisions.Single().Reward.ShouldBe(.75);

    [Fact]
    public void Read_WhatTheChosenModelDidNotAnswerAlone_IsLeftOut()
    {
        var (decisions, leftOut, bad) = Read(
            Decision(1, ",\"mode\":\"apply\",\"served\":\"small\",\"fail_over\":false"),
            Decision(2).Replace("\"offered\":null", "\"offered\":\"large\"", StringComparison.Ordinal),
            Decision(3, ",\"mode\":\"apply\",\"served\":\"large\",\"fail_over\":true"),
            Decision(4, ",\"mode\":\"observe\",\"served\":\"small\",\"fail_over\":false"),
            Said(4, "Thumb", 1),
            Decision(5, ",\"mode\":\"decision\",\"served\":null,\"fail_over\":null"));
        (decisions.Count, leftOut, bad.Count).ShouldBe((2, 3, 0));
        decisions.ShouldAllBe(d => d.Reward == null);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{\"time\":\"t\"}")]
    [InlineData("[1]")]
    [InlineData("{\"time\":\"t\",\"nonce\":1,\"feedback\":\"Applause\",\"value\":1}")]
    [InlineData("{\"time\":\"t\",\"nonce\":1,\"feedback\":\"Thumb\",\"value\":99}")] // these three: found by fuzzing
    [InlineData("{\"time\":\"t\",\"nonce\":1,\"feedback\":\"Rating\",\"value\":-2147483648}")]
    [InlineData("{\"time\":\"t\",\"nonce\":1,\"feedback\":\"255\",\"value\":1}")]
    public void Read_BadLine_IsReportedAndSkipped(string line)
    {
        var (decisions, _, bad) = Read(Decision(1), line);
        decisions.Count.ShouldBe(1);
        bad.Single().Line.ShouldBe(2);
    }

    [Fact]
    public void Read_PropensitiesThatAreNone_AreReported()
    {
        var (_, _, bad) = Read(Decision(1), Decision(2).Replace("0.9", "0.7", StringComparison.Ordinal), Decision(3, ",\"reward\":7"), Decision(4).Replace("\"chosen\":\"small\"", "\"chosen\":\"other\"", StringComparison.Ordinal));
        bad.Count.ShouldBe(3);
        bad[0].ToString().ShouldContain("sum to 0.8");
        bad[1].ToString().ShouldContain("between 0 and 1");
        bad[2].ToString().ShouldContain("not among the candidates");
    }

    [Fact]
    public void Read_CandidateWithoutName_IsReported() // found by fuzzing
    {
        var (decisions, _, bad) = Read(Decision(1), Decision(2).Replace("\"model\":\"large\"", "\"model\":null", StringComparison.Ordinal));
        decisions.Count.ShouldBe(1);
        bad.Single().ToString().ShouldContain("'model' is null");
    }

    [Fact]
    public void Read_RotatedLog_JoinsWordsToEarlierFilesAndCountsThoseAstray()
    {
        _folder.Write("log.1", [Decision(1), Decision(2), Said(2, "Thumb", 0), Decision(3).Replace("\"offered\":null", "\"offered\":\"large\"", StringComparison.Ordinal), "torn"]);
        _folder.Write("log", [Said(1, "Thumb", 1), Said(2, "Thumb", 1), Said(3, "Comparison", 1), Decision(4)]);
        string[] paths = [Path.Combine(_folder.Path, "log.1"), Path.Combine(_folder.Path, "log")];

        var (decisions, leftOut, _, _, astray, bad) = DecisionLogReader.Read(paths);
        decisions.Select(d => d.Reward).ShouldBe([1, 1, null]);
        (leftOut, astray).ShouldBe((1, 0));
        bad.Single().Path.ShouldBe(paths[0]);

        (decisions, _, _, _, astray, _) = DecisionLogReader.Read(paths[1..]);
        decisions.Count.ShouldBe(1);
        astray.ShouldBe(3);
    }

    [Fact]
    public void Read_FileAndItsLaterCopy_CountsEachDecisionOnce()
    {
        var offered = Decision(3).Replace("\"offered\":null", "\"offered\":\"large\"", StringComparison.Ordinal);
        _folder.Write("monday", [Decision(1), Said(1, "Thumb", 0), offered, Decision(2)[..40]]);
        _folder.Write("tuesday", [Decision(1), Said(1, "Thumb", 0), offered, Decision(2), Said(2, "Thumb", 1)]);

        var (decisions, leftOut, _, repeated, astray, _) = DecisionLogReader.Read([Path.Combine(_folder.Path, "monday"), Path.Combine(_folder.Path, "tuesday")]);
        decisions.Select(d => d.Reward).ShouldBe([0, 1]);
        (leftOut, repeated, astray).ShouldBe((1, 2, 0));
    }

    /// <summary>On a cluster the silo logs what was decided and said, the gateway what became of it; two silos may have drawn one decision.</summary>
    [Theory]
    [InlineData("pending")]
    [InlineData("decision")]
    public void Read_SilosAndGatewaysFiles_JoinInAnyOrder(string silos)
    {
        string Drawn(int nonce) => Decision(nonce, $",\"mode\":\"{silos}\",\"served\":null,\"fail_over\":null");
        _folder.Write("silo", [Drawn(1), Drawn(2), Drawn(3), Decision(4, ",\"mode\":\"decision\",\"served\":null"), Said(1, "Thumb", 1), Said(2, "Thumb", 0), Said(3, "Thumb", 0), Said(4, "Thumb", 1)]);
        _folder.Write("gateway",
        [
            Decision(1, ",\"mode\":\"apply\",\"served\":\"small\",\"fail_over\":false"),
            Decision(2, ",\"mode\":\"observe\",\"served\":\"large\",\"fail_over\":false"),
            Decision(3, ",\"mode\":\"apply\",\"served\":\"large\",\"fail_over\":true"),
        ]);
        string[] paths = [Path.Combine(_folder.Path, "silo"), Path.Combine(_folder.Path, "gateway")];
        foreach (var order in new[] { paths, [.. paths.Reverse()] })
        {
            var log = DecisionLogReader.Read(order);
            log.Decisions.Select(d => d.Reward).ShouldBe([1, 1]);
            (log.LeftOut, log.Pending, log.Repeated, log.Astray).ShouldBe((2, 0, 0, 0));
        }
    }

    [Fact]
    public void Read_WhatBecameOfADecisionIsInNoFile_IsLeftOutAndCounted()
    {
        var pending = Decision(1, ",\"mode\":\"pending\",\"served\":null,\"fail_over\":null");
        _folder.Write("silo", [pending, Said(1, "Thumb", 1), Decision(2), pending]);
        var log = DecisionLogReader.Read([Path.Combine(_folder.Path, "silo")]);
        log.Decisions.ShouldHaveSingleItem().Reward.ShouldBeNull();
        (log.LeftOut, log.Pending, log.Repeated, log.Astray).ShouldBe((0, 1, 1, 0));

        _folder.Write("silo", [pending]);
        Should.Throw<DataFileException>(() => DecisionLogReader.Read([Path.Combine(_folder.Path, "silo")])).Message.ShouldContain("gateways");
    }

    [Fact]
    public void Read_RewardOnEitherLine_Counts()
    {
        var (drawn, answered) = (Decision(1, ",\"mode\":\"pending\",\"reward\":0.5"), Decision(1, ",\"mode\":\"apply\",\"served\":\"small\""));
        Read(drawn, answered).Decisions.Single().Reward.ShouldBe(.5);
        Read(answered, drawn).Decisions.Single().Reward.ShouldBe(.5);
    }

    [Fact]
    public void Read_NoDecision_IsRefused()
    {
        _folder.Write("log", ["{}"]);
        Should.Throw<DataFileException>(() => DecisionLogReader.Read([Path.Combine(_folder.Path, "log")])).Message.ShouldContain("no usable decision");
    }

    private (IReadOnlyList<LoggedDecision> Decisions, int LeftOut, IReadOnlyList<BadLine> Bad) Read(params string[] lines)
    {
        _folder.Write("log", lines);
        var (decisions, leftOut, _, _, astray, bad) = DecisionLogReader.Read([Path.Combine(_folder.Path, "log")]);
        astray.ShouldBe(0);
        return (decisions, leftOut, [.. bad.SelectMany(b => b.Lines.First)]);
    }

    private static string Decision(int nonce, string more = "") =>
        $$"""{"time":"2026-01-01T00:00:00.0000000+00:00","nonce":{{nonce}},"snapshot":"00","chosen":"small","offered":null,"reason":"BestForUser","lambda":1,"propensity":0.9,"candidates":[{"model":"small","quality":0.6,"cost_usd":0.001,"utility":0.5,"propensity":0.9},{"model":"large","quality":0.8,"cost_usd":0.01,"utility":0.4,"propensity":0.1}]{{more}}}""";

    private static string Said(int nonce, string kind, int value, bool withdrawn = false) =>
        $$"""{"time":"2026-01-01T00:00:00.0000000+00:00","nonce":{{nonce}},"feedback":"{{kind}}","value":{{value}},"withdrawn":{{(withdrawn ? "true" : "false")}}}""";
}
