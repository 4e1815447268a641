namespace MetaRouter.Faults.Tests;

/// <summary>The soak's verdict on memory: a leak is seen in each process that lives long enough, whatever kills give back meanwhile.</summary>
public sealed class SoakTests
{
    private static readonly double[] s_flat = [28, 31.1, 31.9, 31.7, 32.4, 32.1, 32.5];

    [Fact]
    public void IsFlat_HeapThatFillsInItsFirstMinute_IsKept() => Soak.IsFlat(Lives(Life(s_flat))).ShouldBeTrue();

    [Theory]
    [InlineData(2)] // a minute
    [InlineData(0.7)]
    public void IsFlat_HeapThatGrows_IsNotKept_ThoughTheOtherGatewayIsFlatAndItselfIsKilled(double megabytes)
    {
        var leaking = Enumerable.Range(0, 5).Select(i => 31 + (i * megabytes)).ToArray();
        Soak.IsFlat(Lives(Life(s_flat), Life(leaking), Life([30, 31, 31]))).ShouldBeFalse();
    }

    [Fact]
    public void IsFlat_ResidentMemoryThatGrowsBesideTheHeap_IsNotKept() => Soak.IsFlat(Lives([.. s_flat.Select((live, i) => (live, 160 + (i * 25.0)))])).ShouldBeFalse();

    [Fact]
    public void IsFlat_NobodyLivedLongEnough_IsNotKept() => Soak.IsFlat(Lives(Life([30, 31, 31]), Life([30, 31, 31]))).ShouldBeFalse();

    private static (double Live, double Resident)[] Life(double[] live) => [.. live.Select(l => (l, 200.0))];

    /// <summary>Of one gateway, one after the other.</summary>
    private static Soak.Sample[] Lives(params (double Live, double Resident)[][] lives)
    {
        var minute = 0;
        return [.. lives.SelectMany((life, i) => life.Select(m => new Soak.Sample(0, i, ++minute, m.Resident, m.Live)))];
    }
}
