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

        Against(Row("knn", .6), Row("RouteLLM SW", .603, true)).ShouldSatisfyAllConditions(t => t.Wanted.ShouldEndWith("(best: RouteLLM SW, published)"), t => t.Reached.ShouldBeTrue());
        Against(Row("knn", .67), Row("RouteLLM SW", .603, true)).ShouldSatisfyAllConditions(t => t.Wanted.ShouldEndWith("(best: knn)"), t => t.Reached.ShouldBeFalse());
    }

    [Fact]
    public void OfVariant_BehindByMoreThanTheInterval_IsMissed()
    {
        static Target Of(params (double Share, double High)[] shares)
        {
            var share = shares.Select((s, n) => (Key: $"{n}", s)).ToDictionary(p => p.Key, p => p.s.Share);
            var interval = shares.Select((s, n) => (Key: $"{n}", s)).ToDictionary(p => p.Key, p => new Interval(-1, p.s.High));
            return Targets.OfVariant(new ProtocolReport<PreferenceRow>("P3 unsure", "some", 1, [new PreferenceRow("metarouter", share, interval, share, share, share)], null)).Single();
        }

        Of((-.1, .05), (.4, .6)).Reached.ShouldBeTrue();
        Of((-.3, -.05), (.4, .6)).ShouldSatisfyAllConditions(t => t.Reached.ShouldBeFalse(), t => t.Wanted.ShouldContain("after 0"));
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
        Targets.Told([targets[0]]).ShouldBe($"{(reached ? 1 : 0)} of 1 targets reached, {(reached && !clear ? 1 : 0)} of them within noise");
    }
}
