using System.Collections.Concurrent;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting.Tests;

public sealed class StoreGuardTests
{
    /// <summary>A backup of before a rotation: what was sealed since is refused, and a key that leaked is good again.</summary>
    [Fact]
    public async Task Check_StoreThatWasPutBackToBeforeARotation_IsFollowedAndTold()
    {
        var (told, store) = (new ConcurrentQueue<string>(), new MemoryUserStore());
        var secrets = await RouterSecrets.LoadOrCreateAsync(store, default);
        var backup = (await store.ReadValueAsync(ValueNames.Secrets))!;
        using var metrics = new RouterMetrics();
        var guard = new StoreGuard(store, secrets, new MetaRouterOptions().BuildPolicy(secrets), TimeProvider.System, metrics, new ErrorLog<StoreGuard>(told));
        var other = await RouterSecrets.LoadOrCreateAsync(store, default);
        await other.RotateAsync(store, 1, 0, default);
        await guard.CheckAsync(default);
        told.ShouldBeEmpty();

        await store.WriteValueAsync(ValueNames.Secrets, backup, await store.ReadValueAsync(ValueNames.Secrets));
        await guard.CheckAsync(default);
        await guard.CheckAsync(default);

        secrets.ReceiptKeys.ShouldHaveSingleItem().Id.ShouldBe((byte)1);
        told.ShouldHaveSingleItem().ShouldContain("receipt key 1 again, which had been rotated to 2");
    }
}
