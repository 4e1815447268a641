using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests;

/// <summary>A reader has the record in its hand while somebody else changes it.</summary>
public sealed class SlowReaderTests : IAsyncLifetime
{
    private readonly HostingFixture _fixture = OverMemory();
    private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IRouter _router = null!;

    public async Task InitializeAsync()
    {
        _router = await _fixture.StartAsync();
        await LearnAsync(await _router.RouteAsync("t", "u", new RouteRequest("?")));
        await _fixture.StopAsync();
        _router = await _fixture.StartAsync();
    }

    public async Task DisposeAsync() => await _fixture.DisposeAsync();

    [Fact]
    public async Task Erase_WhileARecordIsOnItsWayFromTheStore_IsNotUndoneInMemory()
    {
        var slow = await StartSlowReaderAsync();
        await _router.EraseAsync("t", "u");
        _goOn.SetResult();
        await slow;

        (await _router.GetUserAsync("t", "u")).State.Signals.ShouldBeEmpty();
    }

    [Fact]
    public async Task Feedback_SavedWhileAnUnreadableRecordIsOnItsWay_IsNotOverwritten()
    {
        await _fixture.CorruptAsync("t", "u");
        var slow = await StartSlowReaderAsync();
        await LearnAsync(await _router.RouteAsync("t", "u", new RouteRequest("first"))); // finds it unreadable, sets it aside, starts anew
        _goOn.SetResult();
        await slow;
        await LearnAsync(await _router.RouteAsync("t", "u", new RouteRequest("second")));

        (await _router.GetUserAsync("t", "u")).State.Signals.Length.ShouldBe(2);
    }

    private static HostingFixture OverMemory() => new(_ => new MemoryUserStore(), s => Task.FromResult(((MemoryUserStore)s).Quarantine.Count), new ManualTime());

    private async Task LearnAsync(RouteDecision decision) =>
        (await _router.LearnAsync("t", "u", new Feedback(decision.Token, FeedbackKind.Thumb, 1))).Counted.ShouldBeTrue();

    private async Task<Task> StartSlowReaderAsync()
    {
        var isFirst = 1;
        _fixture.Store.AfterLoad = async () =>
        {
            if (Interlocked.Exchange(ref isFirst, 0) == 1)
            {
                _loaded.SetResult();
                await _goOn.Task;
            }
        };
        var slow = Task.Run(async () => await _router.GetUserAsync("t", "u"));
        await _loaded.Task.WaitAsync(TimeSpan.FromSeconds(20));
        return slow;
    }
}
