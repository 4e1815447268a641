using MetaRouter.Core.MetaLearning;

namespace MetaRouter.Core.Tests.MetaLearning;

public class CalibrationSampleTests
{
    [Fact]
    public void Rounded_Numbers_AreHalfPrecisionAndStaySo()
    {
        var random = new Random(1);
        float[] some = [.. Enumerable.Range(0, 100).Select(_ => random.NextSingle())];
        var once = new CalibrationSample([0, 100], new ushort[100], some, some, some, some, some).Rounded();
        once.Quality.Zip(some).ShouldAllBe(p => Math.Abs(p.First - p.Second) <= p.Second / 2048);
        once.Rounded().Quality.ShouldBe(once.Quality);
        once.InputTokens.ShouldBe(once.Quality);
    }

    [Theory]
    [InlineData(65_000)]
    [InlineData(1e9)]
    [InlineData(double.PositiveInfinity)]
    public void Rounded_MoreTokensThanHalfPrecisionHolds_StopsAtTheGreatest(double tokens)
    {
        var rounded = new CalibrationSample([0, 1], [0], [0], [0], [(float)tokens], [(float)tokens], [12_345]).Rounded();
        rounded.ExpectedTokens[0].ShouldBe(64_992);
        rounded.OutputTokens[0].ShouldBe(64_992);
        rounded.InputTokens[0].ShouldBe(12_344);
    }
}
