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
        once.InputTokens.ShouldBe(some);
    }
}
