using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Tests.Preferences;

public class PreferenceGridTests
{
    [Fact]
    public void Lambda_Grid_IsEvenInLogFromEndToEnd()
    {
        PreferenceGrid.Lambda.Length.ShouldBe(PreferenceGrid.Length);
        ((double)PreferenceGrid.Lambda[0]).ShouldBe(PreferenceGrid.LowestLambda, 1e-8);
        ((double)PreferenceGrid.Lambda[^1]).ShouldBe(PreferenceGrid.HighestLambda, 1e-4);
        for (var i = 1; i < PreferenceGrid.Length; i++)
        {
            (PreferenceGrid.LogLambda[i] - PreferenceGrid.LogLambda[i - 1]).ShouldBe(Math.Log(10_000) / 47, 1e-12);
        }
    }

    [Fact]
    public void CostShare_EveryPosition_IsLambdaOverOnePlusLambda()
    {
        for (var i = 0; i < PreferenceGrid.Length; i++)
        {
            PreferenceGrid.CostShare[i].ShouldBe(PreferenceGrid.Lambda[i] / (1 + PreferenceGrid.Lambda[i]), 1e-6f);
        }
    }

    [Fact]
    public void Nearest_EveryPosition_FindsItself()
    {
        for (var i = 0; i < PreferenceGrid.Length; i++)
        {
            PreferenceGrid.Nearest(PreferenceGrid.Lambda[i]).ShouldBe(i);
            PreferenceGrid.Nearest(PreferenceGrid.Lambda[i] * 1.09).ShouldBe(i, "half a step is a factor of 1.103");
            PreferenceGrid.Nearest(PreferenceGrid.Lambda[i] * 1.11).ShouldBe(Math.Min(i + 1, PreferenceGrid.Length - 1));
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 0)]
    [InlineData(1e-300, 0)]
    [InlineData(1e9, 47)]
    [InlineData(double.PositiveInfinity, 47)]
    public void Nearest_BeyondTheGrid_IsItsEnd(double lambda, int position) => PreferenceGrid.Nearest(lambda).ShouldBe(position);
}
