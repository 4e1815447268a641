using MetaRouter.Core.MetaLearning;

namespace MetaRouter.Core.Tests.MetaLearning;

public class CalibrationSampleTests
{
    /// <summary>Of the first request most of the kin's weight is known, of the second half, of the third less: there the newcomer has no cell.</summary>
    [Fact]
    public void WithKin_ByHand_IsTheMeanOfWhoAnsweredShiftedAndScaled()
    {
        var sample = new CalibrationSample(
            [0, 2, 3, 4], [0, 1, 0, 1],
            [.2f, .8f, .6f, .9f], [0, 1, 1, 1],
            [100, 200, 50, 10], [110, 220, 60, 20], [10, 20, 5, 1]);

        var joined = sample.WithKin(2, [(0, .5), (1, .25), (3, .25)], quality: .3f, tokens: 2);

        joined.Start.ShouldBe([0, 3, 5, 6]);
        joined.Model.ShouldBe(new ushort[] { 0, 1, 2, 0, 2, 1 });
        joined.Quality.ShouldBe([.2f, .8f, (((.5f * .2f) + (.25f * .8f)) / .75f) + .3f, .6f, .9f, .9f], 1e-6);
        joined.Score.ShouldBe([0, 1, (.25f / .75f) + .3f, 1, 1, 1], 1e-6); // at most 1
        joined.ExpectedTokens.ShouldBe([100, 200, 2 * (50 + 50) / .75f, 50, 100, 10], 1e-3);
        joined.OutputTokens.ShouldBe([110, 220, 2 * (55 + 55) / .75f, 60, 120, 20], 1e-3);
        joined.InputTokens.ShouldBe([10, 20, (5 + 5) / .75f, 5, 5, 1], 1e-3);
    }

    [Fact]
    public void Rounded_Numbers_AreHalfPrecisionAndStaySo()
    {
        var random = new Random(1);
        float[] some = [.. Enumerable.Range(0, 100).Select(_ => random.NextSingle())];
        var once = new CalibrationSample([0, 100], new ushort[100], some, some, some, some, some).Rounded();
        once.Quality.Zip(some).ShouldAllBe(p => Math.Abs(p.First - p.Second) <= p.Second / 2048);
        once.Rounded().Quality.ShouldBe(once.Quality);
        once.InputTokens.ShouldBe(some);
    }
}
