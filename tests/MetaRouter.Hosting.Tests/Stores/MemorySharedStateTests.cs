using FsCheck;
using FsCheck.Fluent;
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

    [Fact]
    public async Task Lifetime_OfAnAccount_IsCountedFromItsFirstUse_AndOfAMemoryFromTheLast()
    {
        var time = new PassingTime();
        var (state, lifetime) = (new MemorySharedState(time), TimeSpan.FromMinutes(3));
        var account = new Account("usd", 7, 100, lifetime);
        for (var minute = 0; minute < 2; minute++)
        {
            await state.ReserveAsync(1, [account]);
            await state.SettleAsync(1, [account]);
            await state.RememberAsync("name", new byte[] { 1 }, lifetime);
            time.Passed += TimeSpan.FromMinutes(1);
        }

        (await state.ReserveAsync(1, [account])).Held.ShouldBe([35]);
        time.Passed += TimeSpan.FromMinutes(1);
        (await state.ReserveAsync(1, [account])).Held.ShouldBe([7]);
        (await state.RecallAsync("name")).ShouldBe([1]);
        time.Passed += TimeSpan.FromMinutes(1);
        (await state.RecallAsync("name")).ShouldBeNull();
    }

    /// <summary>Against the plainest account book: nothing reserved goes over a limit, a refusal changes nothing, and what was settled counts.</summary>
    [Fact]
    public void Reserve_AnythingInAnyOrder_NeverOversellsABudget() => Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<(byte Of, byte Amount, bool Settles)[]>(), deeds =>
    {
        const int Limit = 600;
        var (state, book) = (new MemorySharedState(TimeProvider.System), new long[3]);
        foreach (var (of, amount, settles) in deeds)
        {
            // Two accounts at once, as of a user and the tenant; settling gives half back.
            int[] both = [of % 3, (of + 1) % 3];
            var change = settles ? -(amount / 2) : amount;
            Account[] accounts = [.. both.Select(a => new Account($"a{a}", change, Limit, TimeSpan.FromHours(1)))];
            if (settles)
            {
                state.SettleAsync(1, accounts).AsTask().GetAwaiter().GetResult();
                Array.ForEach(both, a => book[a] += change);
                continue;
            }

            var refused = Array.FindIndex(both, a => book[a] + change > Limit);
            if (refused < 0)
            {
                Array.ForEach(both, a => book[a] += change);
            }

            var reservation = state.ReserveAsync(1, accounts).AsTask().GetAwaiter().GetResult();
            if (reservation.Refused != refused || !reservation.Held.SequenceEqual(both.Select(a => book[a])) || reservation.Held.Any(h => h > Limit))
            {
                return false;
            }
        }

        return true;
    }));
}
