using Microsoft.Extensions.Logging;

namespace MetaRouter.Gateway.Tests;

/// <summary>Complaints alone mislead the learner, so an operator whose users send nothing else is told.</summary>
public sealed class OneSidedThumbsTests
{
    [Theory]
    [InlineData("down", "draws all of them to cheaper models")]
    [InlineData("up", "draws all of them to dearer models")]
    public async Task Thumbs_OfOneSideAlone_AreToldOnceAnHour(string side, string says)
    {
        await using var gateway = await RunningGateway.StartAsync();

        await GiveAsync(gateway, 49, side);
        Warnings(gateway).ShouldBeEmpty();
        await GiveAsync(gateway, 6, side);

        Warnings(gateway).ShouldHaveSingleItem().ShouldSatisfyAllConditions(w => w.ShouldContain($"Users of tenant 'default' give thumbs {side} (50 of late)"), w => w.ShouldContain(says), w => w.ShouldContain("docs/concepts.md"));
        gateway.Time.Ahead += TimeSpan.FromMinutes(61);
        await GiveAsync(gateway, 2, side);
        Warnings(gateway).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Thumbs_WithSomeOfTheOtherSide_AreFine()
    {
        await using var gateway = await RunningGateway.StartAsync();

        await GiveAsync(gateway, 2, "up");
        await GiveAsync(gateway, 60, "down");

        Warnings(gateway).ShouldBeEmpty();
    }

    /// <summary>The same feedback sent again says nothing new.</summary>
    [Fact]
    public async Task Thumbs_SentAgain_CountOnce()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var route = await gateway.RouteAsync("ann");

        for (var i = 0; i < 60; i++)
        {
            (await gateway.FeedbackAsync(route, "ann", "thumb", "down")).Status.ShouldBe(200);
        }

        Warnings(gateway).ShouldBeEmpty();
    }

    private static async Task GiveAsync(RunningGateway gateway, int times, string side)
    {
        for (var i = 0; i < times; i++)
        {
            (await gateway.FeedbackAsync(await gateway.RouteAsync($"user-{i % 7}"), $"user-{i % 7}", "thumb", side)).Status.ShouldBe(200);
        }
    }

    private static List<string> Warnings(RunningGateway gateway) => [.. gateway.Log.Where(l => l.Level == LogLevel.Warning && l.Text.Contains("give thumbs", StringComparison.Ordinal)).Select(l => l.Text)];
}
