using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Report;

namespace MetaRouter.Evaluation.Tests.Report;

public class TargetsTests
{
    [Fact]
    public void Of_BestRowIsQuoted_SaysThatItIsPublished()
    {
        static DeferralRow Row(string router, double apgr, bool? quoted = null) => new(router, "mmlu", quoted, apgr, new Interval(apgr - .01, apgr + .01), 40, null, 70, null);
        Target Against(params DeferralRow[] rows) => Targets.Of(new ProtocolReport<DeferralRow>("P1a", null, 1, [Row("metarouter", .66), Row("random", .5), .. rows], null))[1];

        Against(Row("knn", .6), Row("RouteLLM SW", .603, true)).ShouldSatisfyAllConditions(t => t.Wanted.ShouldEndWith("(best: RouteLLM SW, published; by the figures alone)"), t => t.Verdict.ShouldBe("yes, within noise"));
        Against(Row("knn", .67), Row("RouteLLM SW", .603, true)).ShouldSatisfyAllConditions(t => t.Wanted.ShouldEndWith("(best: knn)"), t => t.Reached.ShouldBeFalse());
    }

    [Theory]
    [InlineData(.002, "yes")]
    [InlineData(-.002, "yes, within noise")]
    public void Of_AnotherWhoseLeadIntervalHoldsZero_IsReachedWithinNoise(double low, string verdict)
    {
        DeferralRow Row(string router, double apgr, double low) => new(router, "mmlu", null, apgr, new Interval(apgr - .01, apgr + .01), 40, null, 70, null, router == "metarouter" ? null : new DeferralLead(.66 - apgr, new Interval(low, .1)));
        // ridge is nearer by the figure, knn by its interval.
        var target = Targets.Of(new ProtocolReport<DeferralRow>("P1a", null, 1, [Row("metarouter", .66, 0), Row("random", .5, .1), Row("ridge", .655, .003), Row("knn", .64, low)], null))[1];
        (target.Verdict, target.Wanted).ShouldBe((verdict, "no other above it (nearest: knn)"));
        target.Measured.ShouldContain("+0.020 [");
    }

    [Theory]
    [InlineData(.002, .001, .003, -.001, "uniroute", "yes, within noise")]
    [InlineData(.002, .001, .003, .0005, "uniroute", "yes")]
    [InlineData(-.001, -.002, .003, -.004, "ridge", "no")]
    public void Of_Dial_IsHeldAgainstTheRivalWhoseLowerBoundIsLowest(double ridge, double ridgeLow, double uniroute, double unirouteLow, string nearest, string verdict)
    {
        static DialRow Row(string router, double lead, double low)
        {
            var (none, some) = (new Dictionary<string, double>(), new Interval(0, 1));
            var ahead = router == "metarouter" ? null : new DialLead(lead, new Interval(low, .01), lead, new Interval(low, .01), lead, new Interval(low, .01));
            return new(router, none, new Dictionary<string, Interval>(), 0, some, 0, some, 0, some, 0, some, none, none, ahead);
        }

        var targets = Targets.Of(new ProtocolReport<DialRow>("P2", "mine", 1, [Row("metarouter", 0, 0), Row("ridge", ridge, ridgeLow), Row("uniroute", uniroute, unirouteLow)], null));
        targets.Count.ShouldBe(3);
        targets.ShouldAllBe(t => t.Verdict == verdict && t.Wanted.EndsWith($"(nearest: {nearest})"));
    }

    [Fact]
    public void Told_WhatWasNeverPutToTheTest_IsInNeitherCount()
    {
        Target untested = new("dear models", "few", "none", true, Untested: "no dear model served");
        untested.Verdict.ShouldBe("no dear model served");
        Targets.Summary([untested, new("a", "b", "c", true), new("a", "b", "c", false)]).ShouldBe("1 of 2 targets reached, 0 of them within noise");
    }

    [Fact]
    public void OfVariant_BehindByMoreThanTheInterval_IsMissed()
    {
        static Target Of(params (double Share, double Low, double High)[] shares)
        {
            var share = shares.Select((s, n) => (Key: $"{n}", s)).ToDictionary(p => p.Key, p => p.s.Share);
            var interval = shares.Select((s, n) => (Key: $"{n}", s)).ToDictionary(p => p.Key, p => new Interval(p.s.Low, p.s.High));
            return Targets.OfVariant(new ProtocolReport<PreferenceRow>("P3 unsure", "some", 1, [new PreferenceRow("metarouter", share, interval, share, share, share)], null)).Single();
        }

        Of((-.02, -.05, .05), (.4, .2, .6)).Verdict.ShouldBe("yes");
        Of((0, 0, 0), (.1, -.2, .6)).ShouldSatisfyAllConditions(t => t.Verdict.ShouldBe("yes, within noise"), t => t.Wanted.ShouldContain("after 1"));
        Of((-.3, -.4, -.05), (.4, -.6, .6)).ShouldSatisfyAllConditions(t => t.Verdict.ShouldBe("no"), t => t.Wanted.ShouldContain("after 0"));
    }

    [Theory]
    [InlineData(.7, .69, true, true)]
    [InlineData(.67, .65, true, false)]
    [InlineData(.65, .64, false, false)]
    public void Of_AFigureWhoseIntervalHoldsLess_IsReachedWithinNoise(double apgr, double low, bool reached, bool clear)
    {
        DeferralRow[] rows = [new("metarouter", "mmlu", null, apgr, new Interval(low, apgr + .02), 40, null, 70, null), new("random", "mmlu", null, .5, new Interval(.49, .51), 50, null, 80, null)];
        var targets = Targets.Of(new ProtocolReport<DeferralRow>("P1a", null, 1, rows, null));
        (targets[0].Reached, targets[0].Clear).ShouldBe((reached, clear));
        targets[0].Verdict.ShouldBe(reached ? clear ? "yes" : "yes, within noise" : "no");
        Targets.Summary([targets[0]]).ShouldBe($"{(reached ? 1 : 0)} of 1 targets reached, {(reached && !clear ? 1 : 0)} of them within noise");
    }
}
