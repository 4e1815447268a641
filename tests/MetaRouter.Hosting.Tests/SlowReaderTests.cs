using System.Diagnostics;
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

    [Fact]
    public async Task StoreIsBack_WhoWasToAskItLeaves_TheNextAsksAtOnce()
    {
        _fixture.Store.AfterLoad = () => throw new StoreException("The load was made to fail.");
        await _router.RouteAsync("t", "first", new RouteRequest("?"));
        using var leaves = new CancellationTokenSource();
        var waits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _fixture.Store.AfterLoad = () =>
        {
            waits.TrySetResult();
            return Task.Delay(Timeout.Infinite, leaves.Token);
        };
        var leaver = Task.CompletedTask;
        for (var watch = Stopwatch.StartNew(); !waits.Task.IsCompleted && watch.Elapsed < TimeSpan.FromSeconds(20); await Task.WhenAny(waits.Task, leaver))
        {
            await Task.Delay(10);
            leaver = Task.Run(async () => await _router.RouteAsync("t", "second", new RouteRequest("?"), leaves.Token)); // answered at once, until the store may be asked again
        }

        await leaves.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(leaver);
        var asked = 0;
        _fixture.Store.AfterLoad = () =>
        {
            asked++;
            return Task.CompletedTask;
        };

        await _router.RouteAsync("t", "u", new RouteRequest("?"));
        asked.ShouldBe(1);
        await _router.RouteAsync("t", "third", new RouteRequest("?"));
        asked.ShouldBe(2, "once it has answered one, it is asked for all");
    }

    [Fact]
    public async Task StaleAndUnchanged_IsFreshAgain()
    {
        await _router.RouteAsync("t", "u", new RouteRequest("?"));
        _fixture.Store.Freshness = TimeSpan.FromSeconds(1);
        await Task.Delay(1_050);
        var asked = 0;
        _fixture.Store.AfterLoad = () =>
        {
            asked++;
            return Task.CompletedTask;
        };
        var watch = Stopwatch.StartNew();

        for (var i = 0; i < 5; i++)
        {
            await _router.RouteAsync("t", "u", new RouteRequest("?"));
        }

        asked.ShouldBeInRange(1, 1 + (int)watch.Elapsed.TotalSeconds); // a machine that takes a second for that has to ask again
    }

    /// <summary>Whoever wrote it, here or at another router: what is remembered is not shown for the store's.</summary>
    [Fact]
    public async Task Stale_AndChangedByAnotherRouter_IsReadAnew()
    {
        var other = await _fixture.StartAsync();
        (await _router.GetUserAsync("t", "u")).State.Signals.Length.ShouldBe(1);
        _fixture.Store.Freshness = TimeSpan.Zero;
        await LearnAsync(await _router.RouteAsync("t", "u", new RouteRequest("second")), other);

        (await _router.GetUserAsync("t", "u")).State.Signals.Length.ShouldBe(2);
        await LearnAsync(await _router.RouteAsync("t", "u", new RouteRequest("third")), other);
        (await _router.RouteAsync("t", "u", new RouteRequest("?"))).LambdaCost.ShouldBe((await other.RouteAsync("t", "u", new RouteRequest("?"))).LambdaCost);
    }

    [Fact]
    public async Task AnswerLostAfterTheSave_IsShownAsTheStoreHasIt()
    {
        var decision = await _router.RouteAsync("t", "u", new RouteRequest("second"));
        _fixture.Store.LoseNextAnswer();
        await Should.ThrowAsync<StoreException>(() => LearnAsync(decision));

        (await _router.GetUserAsync("t", "u")).State.Signals.Length.ShouldBe(2);
    }

    [Fact]
    public async Task Repeat_ChangesNothing_AndIsNotWritten()
    {
        var word = new Feedback((await _router.RouteAsync("t", "u", new RouteRequest("second"))).Token, FeedbackKind.Thumb, 1);
        await _router.LearnAsync("t", "u", word);
        var etag = (await _fixture.Store.LoadAsync(HostingFixture.KeyOf("t", "u"))).Etag;

        (await _router.LearnAsync("t", "u", word)).Outcome.ShouldBe(AddOutcome.Repeat);

        (await _fixture.Store.LoadAsync(HostingFixture.KeyOf("t", "u"))).Etag.ShouldBe(etag);
    }

    private static HostingFixture OverMemory() => new(_ => new MemoryUserStore(), s => Task.FromResult(((MemoryUserStore)s).Quarantine.Count), new ManualTime());

    private async Task LearnAsync(RouteDecision decision, IRouter? router = null) =>
        (await (router ?? _router).LearnAsync("t", "u", new Feedback(decision.Token, FeedbackKind.Thumb, 1))).Counted.ShouldBeTrue();

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
