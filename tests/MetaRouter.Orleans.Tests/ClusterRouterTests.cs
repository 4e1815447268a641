using MetaRouter.Hosting.Stores;
using MetaRouter.Orleans.Client;

namespace MetaRouter.Orleans.Tests;

public sealed class ClusterRouterTests
{
    /// <summary>What a silo says of a call whose time was up before it had found a place for the user, as right after another silo died.</summary>
    [Theory]
    [InlineData(typeof(OperationCanceledException))]
    [InlineData(typeof(TimeoutException))]
    public async Task Call_ThatASiloGaveUp_IsMadeAgainAndThenToldInPlainWords(Type said)
    {
        (await AskAsync(failures: 3)).ShouldBe(4);
        var refused = await Should.ThrowAsync<StoreException>(() => AskAsync(failures: 4));
        refused.Message.ShouldContain("does not answer in time");

        async Task<int> AskAsync(int failures)
        {
            var calls = 0;
            return await ClusterRouter.CallAsync(0, (_, _) => ++calls > failures ? ValueTask.FromResult(calls) : throw (Exception)Activator.CreateInstance(said)!, CancellationToken.None);
        }
    }

    [Fact]
    public async Task Call_ThatItsCallerGaveUp_IsNotMadeAgain()
    {
        using var caller = new CancellationTokenSource();
        var calls = 0;
        await Should.ThrowAsync<OperationCanceledException>(async () => await ClusterRouter.CallAsync<int, int>(0, async (_, token) =>
        {
            calls++;
            await caller.CancelAsync();
            token.ThrowIfCancellationRequested();
            return 0;
        }, caller.Token));
        calls.ShouldBe(1);
    }
}
