using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting.Tests.Stores;

public sealed class MemorySharedStateTests
{
    [Fact]
    public async Task Remember_MoreNamesThanAreKept_ForgetsThoseThatEndFirst()
    {
        var state = new MemorySharedState(TimeProvider.System);
        await state.RememberAsync("long", new byte[] { 1 }, TimeSpan.FromHours(1));

        for (var i = 0; i < 2 * MemorySharedState.MostMemories; i++)
        {
            await state.RememberAsync($"invented-{i}", new byte[] { 2 }, TimeSpan.FromMinutes(5));
        }

        (await state.RecallAsync("long")).ShouldBe([1]);
        (await state.RecallAsync("invented-0")).ShouldBeNull();
        (await state.RecallAsync($"invented-{(2 * MemorySharedState.MostMemories) - 1}")).ShouldBe([2]);
        var kept = 0;
        for (var i = 0; i < 2 * MemorySharedState.MostMemories; i++)
        {
            kept += await state.RecallAsync($"invented-{i}") is null ? 0 : 1;
        }

        kept.ShouldBeInRange(MemorySharedState.MostMemories * 8 / 10, MemorySharedState.MostMemories);
    }
}
