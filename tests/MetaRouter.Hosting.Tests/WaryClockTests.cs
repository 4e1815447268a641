namespace MetaRouter.Hosting.Tests;

public sealed class WaryClockTests
{
    private readonly PassingTime _time = new();

    [Fact]
    public void GetUtcNow_TimePasses_IsTheClocks()
    {
        var clock = new WaryClock(_time);
        for (var day = 1; day <= 10; day++)
        {
            _time.Passed += TimeSpan.FromDays(1);
            clock.GetUtcNow().ShouldBe(_time.GetUtcNow());
        }
    }

    [Fact]
    public void GetUtcNow_ClockLeapsAheadAndBack_DoesNotFollow()
    {
        var clock = new WaryClock(_time);
        var right = _time.GetUtcNow();
        _time.Set += TimeSpan.FromDays(30);

        clock.GetUtcNow().ShouldBe(right);
        _time.Passed += TimeSpan.FromHours(1);
        clock.GetUtcNow().ShouldBe(right.AddHours(2));
        _time.Set -= TimeSpan.FromDays(30);
        clock.GetUtcNow().ShouldBe(right.AddHours(1));
        clock.GetUtcNow().ShouldBe(right.AddHours(1));
    }

    [Fact]
    public void GetUtcNow_ClockWasADayBehind_IsCaughtUpWithInADay()
    {
        _time.Set = -TimeSpan.FromDays(1);
        var clock = new WaryClock(_time);
        _time.Set = TimeSpan.Zero;

        _time.Passed += TimeSpan.FromHours(23);
        clock.GetUtcNow().ShouldBe(_time.GetUtcNow().AddHours(-1));
        _time.Passed += TimeSpan.FromHours(1);
        clock.GetUtcNow().ShouldBe(_time.GetUtcNow());
    }
}
