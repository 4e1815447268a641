using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Tests.Prediction;

public class FamiliarityTests
{
    private static readonly RoutingPool Pool = RoutingPool.OfSnapshot(Snapshot.Default);

    [Theory]
    [InlineData(0f, 0, 0f)]
    [InlineData(0f, 2, 0f)]
    [InlineData(.425f, 2, .5f)]
    [InlineData(.425f, 1, 1f)]
    [InlineData(2f, 2, 1f)]
    public void Of_IsTheShareOfAProjectionThatCountsInFull(float length, int families, float expected) => Familiarity.Of(length, families).ShouldBe(expected, 1e-6);

    [Theory]
    [InlineData(1f, .3f, .9f)]
    [InlineData(.5f, .4f, .8f)]
    [InlineData(0f, .5f, .7f)]
    public void Temper_KeepsHowHardARequestIs_AndDrawsTheModelsToTheirUsualDistance(float familiarity, float first, float second)
    {
        // On an average request the second is ahead by .2; on this one by .6, and the two together are as good as always.
        float[] quality = [.3f, .9f];
        Familiarity.Temper(familiarity, [.5f, .7f], [.5f, .7f], 1, quality);
        quality[0].ShouldBe(first, 1e-6);
        quality[1].ShouldBe(second, 1e-6);
    }

    [Theory]
    [InlineData(1f, 1f, .6f)]
    [InlineData(1f, 0f, .4f)]
    [InlineData(1f, .5f, .5f)]
    [InlineData(.5f, 0f, .3f)]
    [InlineData(.5f, .5f, .35f)]
    [InlineData(0f, .5f, .2f)]
    public void Temper_OnATopic_WhatWordsSayBeyondItCountsLess(float familiarity, float detail, float lead)
    {
        // The second is usually ahead by .2, on the topic by .4, and by what the words say by .6; it is an easy topic.
        float[] quality = [.3f, .9f];
        Familiarity.Temper(familiarity, [.5f, .7f], [.55f, .95f], detail, quality);
        (quality[1] - quality[0]).ShouldBe(lead, 1e-6);
        ((quality[0] + quality[1]) / 2).ShouldBe(.6f, 1e-6);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    public void Temper_OneModel_StaysAsPredicted(float familiarity)
    {
        float[] quality = [.3f];
        Familiarity.Temper(familiarity, [.9f], [.2f], .6f, quality);
        quality[0].ShouldBe(.3f, 1e-6);
    }

    [Fact]
    public void Temper_AnyNumbers_StaysWithinZeroAndOne()
    {
        var random = new Random(1);
        for (var i = 0; i < 1000; i++)
        {
            float[] Draw() => [.. Enumerable.Range(0, 5).Select(_ => random.NextSingle())];
            var quality = Draw();
            Familiarity.Temper(random.NextSingle(), Draw(), Draw(), random.NextSingle(), quality);
            quality.ShouldAllBe(q => q >= 0 && q <= 1);
        }
    }

    [Fact]
    public void Temper_TextOfNothingKnown_TellsModelsApartByTheirMeansAlone()
    {
        var (quality, familiarity) = Counted("");
        familiarity.ShouldBe(0);
        double[] usual = [.. Snapshot.Default.Forest.Usual(Snapshot.Default.Heads).Select(u => (double)u)];
        var shift = quality.Average() - usual.Average();
        quality.Zip(usual).Where(p => p.Second + shift is > 0 and < 1).ShouldAllBe(p => Math.Abs(p.First - p.Second - shift) < .02);
    }

    [Fact]
    public void Encode_QuestionLikeThoseTrainedOn_IsMoreFamiliarThanTheSameMistyped()
    {
        const string question = "What is the derivative of x squared? (A) 2x (B) x (C) x squared (D) 2";
        Counted(question).Familiarity.ShouldBeGreaterThan(Counted("Waht si teh deirvatvie fo x sqaured? (A) 2x (B) x (C) x sqaured (D) 2").Familiarity);
        Counted(question).Familiarity.ShouldBeInRange(.2f, 1);
    }

    [Fact]
    public void Encode_EncoderOfNoNgrams_CannotTellAndCountsInFull()
    {
        var encoder = PromptEncoder.Learn([.. Enumerable.Range(0, 30).Select(i => $"text {i}")], seed: 1, NgramFamilies.None);
        var scratch = new RequestEncoding();
        encoder.Encode("anything", scratch);
        scratch.Familiarity.ShouldBe(1);
    }

    private static (double[] Quality, float Familiarity) Counted(string text)
    {
        var (scratch, outcomes) = (new RequestEncoding(), new Outcome[Pool.Catalog.Count]);
        Pool.Snapshot.Encoder.Encode(text, scratch);
        Pool.Predict(scratch, float.NaN, outcomes, new float[outcomes.Length], new float[Pool.Projected]);
        Pool.Temper(scratch, outcomes, outcomes);
        return ([.. outcomes.Select(o => (double)o.Quality)], scratch.Familiarity);
    }
}
