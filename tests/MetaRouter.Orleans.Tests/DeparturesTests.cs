using MetaRouter.Orleans.Learning;

namespace MetaRouter.Orleans.Tests;

public sealed class DeparturesTests
{
    private static readonly TimeSpan Week = TimeSpan.FromDays(7);
    private static readonly long s_week = (long)Week.TotalMilliseconds;

    [Fact]
    public void Covers_WordBeforeTheDeparture_AndNoneAfterIt()
    {
        var gone = new Departures(Week, 10);
        gone.Add(1, new ReportTime(1_000, 1_000)).ShouldBeTrue();

        gone.Covers(1, new ReportTime(0, 5_000)).ShouldBeTrue(); // it knows of no erasure, whatever its clock says
        gone.Covers(1, new ReportTime(1_000, 999)).ShouldBeTrue();
        gone.Covers(1, new ReportTime(1_000, 1_001)).ShouldBeFalse();
        gone.Covers(1, default).ShouldBeTrue();
        gone.Covers(2, default).ShouldBeFalse();
    }

    [Fact]
    public void Add_OlderDeparture_LeavesTheLaterOne()
    {
        var gone = new Departures(Week, 10);
        gone.Add(1, new ReportTime(0, 2_000)).ShouldBeTrue();

        gone.Add(1, new ReportTime(0, 1_000)).ShouldBeFalse();
        gone.Add(1, default).ShouldBeFalse();
        gone.Covers(1, new ReportTime(0, 1_500)).ShouldBeTrue();
    }

    [Fact]
    public void Add_MoreThanItKeeps_ForgetsTheOldest()
    {
        var gone = new Departures(Week, 100);
        for (var i = 1; i <= 1_000; i++)
        {
            gone.Add((ulong)i, new ReportTime(0, i));
            gone.Count.ShouldBeLessThanOrEqualTo(125);
        }

        gone.Covers(1_000, new ReportTime(0, 1)).ShouldBeTrue();
        gone.Covers(1, new ReportTime(0, 0)).ShouldBeFalse();
    }

    /// <summary>What is forgotten is not needed: no word is taken that is as old.</summary>
    [Fact]
    public void ToBytes_OlderThanTheLifetime_IsForgotten()
    {
        var (gone, again) = (new Departures(Week, 10), new Departures(Week, 10));
        gone.Add(1, new ReportTime(0, 1_000));
        gone.Add(2, new ReportTime(5_000, 0));

        again.Join(gone.ToBytes(s_week + 2_000)).ShouldBe([2UL]);

        again.Covers(2, new ReportTime(0, 9_000)).ShouldBeTrue();
        again.IsTooOld(new ReportTime(0, 999), s_week + 2_000).ShouldBeTrue();
        again.IsTooOld(new ReportTime(0, 3_000), s_week + 2_000).ShouldBeFalse();
        again.IsTooOld(default, s_week + 2_000).ShouldBeFalse(); // of a silo that does not tell
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 1 })]
    public void ProblemOf_Nothing_IsNone(byte[] record) => Departures.ProblemOf(record).ShouldBeNull();

    [Theory]
    [InlineData(new byte[] { 2 })]
    [InlineData(new byte[] { 1, 0, 0 })]
    public void ProblemOf_LaterOrTornRecord_NamesWhatItFound(byte[] record) => Departures.ProblemOf(record)!.ShouldContain($"begins with {record[0]} and has {record.Length} bytes");
}
