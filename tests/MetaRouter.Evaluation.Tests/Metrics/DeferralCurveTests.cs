using FsCheck;
using FsCheck.Fluent;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Tests.Metrics;

public sealed class DeferralCurveTests
{
    /// <summary>Ten requests; the strong model is right on all, the weak one wrong on the two with the greatest scores.</summary>
    [Fact]
    public void Of_PerfectOrder_RecoversTheGapWithTheFirstTwentyPercent()
    {
        float[] score = [.1f, .2f, .3f, .4f, .5f, .6f, .7f, .8f, .9f, 1f];
        float[] weak = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0];
        float[] strong = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1];

        var curve = DeferralCurve.Of(score, weak, strong);

        curve.Points.Select(p => p.Cost).ShouldBe([0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1], 1e-12);
        curve.Points.Select(p => p.Quality).ShouldBe([.8, .9, 1, 1, 1, 1, 1, 1, 1, 1, 1], 1e-12);
        // The area misses 1 by the triangle .2 x .2 / 2 = .02: (.98 - .8) / .2.
        curve.Apgr().ShouldBe(.9, 1e-6);
        curve.Cpt(.5).ShouldBe(.1, 1e-6);
        curve.Cpt(.8).ShouldBe(.16, 1e-6);
        curve.Cpt(1).ShouldBe(.2, 1e-6);
    }

    [Fact]
    public void Of_ConstantScore_IsChance()
    {
        var curve = DeferralCurve.Of([1, 1, 1, 1], [0, 0, 1, 0], [1, 1, 1, 1]);
        curve.Apgr().ShouldBe(.5, 1e-12);
        curve.Cpt(.5).ShouldBe(.5, 1e-12);
    }

    [Fact]
    public void Apgr_OfCounts_IsThatOfTheRowsRepeated()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var n = 5 + random.Next(60);
            float[] score = [.. Enumerable.Range(0, n).Select(_ => random.NextSingle())], weak = [.. Enumerable.Range(0, n).Select(_ => (float)random.Next(2))], strong = [.. Enumerable.Range(0, n).Select(_ => 1 + random.NextSingle())];
            float[] counts = [.. Enumerable.Range(0, n).Select(_ => (float)random.Next(4))];
            counts[0]++;
            int[] repeated = [.. Enumerable.Range(0, n).SelectMany(i => Enumerable.Repeat(i, (int)counts[i]))];
            var expected = DeferralCurve.Of([.. repeated.Select(i => score[i])], [.. repeated.Select(i => weak[i])], [.. repeated.Select(i => strong[i])]).Apgr();

            int[] order = [.. Enumerable.Range(0, n).OrderBy(i => score[i])];
            float[] gain = [.. strong.Zip(weak, (s, w) => s - w)];
            DeferralCurve.Apgr(order, gain, counts).ShouldBe(expected, 1e-6, $"seed {seed}");
        }
    }

    [Fact]
    public void Apgr_EqualModels_HasNoMeaning() => DeferralCurve.Of([1, 2], [1, 1], [1, 1]).Apgr().ShouldBe(double.NaN);

    [Fact]
    public void Apgr_RandomScores_IsHalfInTheLarge()
    {
        var random = new Random(1);
        const int n = 200_000;
        var (score, weak, strong) = (new float[n], new float[n], new float[n]);
        for (var i = 0; i < n; i++)
        {
            (score[i], weak[i], strong[i]) = (random.NextSingle(), random.NextSingle() < .5 ? 1 : 0, random.NextSingle() < .8 ? 1 : 0);
        }

        DeferralCurve.Of(score, weak, strong).Apgr().ShouldBe(.5, .01);
    }

    [Fact]
    public void Apgr_TrueGainAsScore_NoOtherScoreBeatsIt() =>
        Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new Random(seed);
            var n = random.Next(20, 300);
            var (score, weak, strong) = (new float[n], new float[n], new float[n]);
            for (var i = 0; i < n; i++)
            {
                (score[i], weak[i], strong[i]) = (random.NextSingle(), random.Next(2), random.Next(2));
            }

            var oracle = DeferralCurve.Of([.. strong.Zip(weak, (s, w) => s - w)], weak, strong);
            return !(oracle.Strong > oracle.Weak) || oracle.Apgr() >= DeferralCurve.Of(score, weak, strong).Apgr() - 1e-9;
        }));

    [Fact]
    public void Apgr_ScoreUnderAnyRisingMap_IsTheSame()
    {
        float[] score = [.3f, .1f, .7f, .5f, .9f, .2f, .8f, .4f, .6f, .05f, .95f];
        float[] weak = [1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0];
        float[] strong = [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1];
        DeferralCurve.Of([.. score.Select(s => MathF.Exp(5 * s))], weak, strong).Apgr().ShouldBe(DeferralCurve.Of(score, weak, strong).Apgr(), 1e-9);
    }
}
