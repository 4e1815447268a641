using System.Collections.Concurrent;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests;

public sealed class KeyRotationTests : IDisposable
{
    private readonly MemoryUserStore _store = new();

    public void Dispose() => _store.Dispose();

    /// <summary>A receipt may be sealed with a key until the next one takes its place, and is accepted for a lifetime after that.</summary>
    [Fact]
    public async Task Rotate_AgainAndAgain_KeepsEveryKeyThatAReceiptMayNeed_AndNoOther()
    {
        var (time, secrets) = (new ManualTime(), await RouterSecrets.LoadOrCreateAsync(_store, default));
        var policy = new MetaRouterOptions().BuildPolicy(secrets);
        var rotation = new KeyRotation(_store, secrets, policy, time);
        for (var day = 0; day < 3; day++)
        {
            await rotation.RotateAsync(atOnce: false, default);
            time.Advance(TimeSpan.FromDays(1));
        }

        secrets.ReceiptKeys.Select(k => (int)k.Id).ShouldBe([4, 3, 2, 1]);
        time.Advance(policy.Sealer.Lifetime + policy.Sealer.ClockSkew - TimeSpan.FromDays(1));
        await rotation.RotateAsync(atOnce: false, default);

        secrets.ReceiptKeys.Select(k => (int)k.Id).ShouldBe([5, 4, 3]); // the last moment of a receipt of the third
        (await RouterSecrets.LoadOrCreateAsync(_store, default)).ReceiptKeys.Select(k => (int)k.Id).ShouldBe([5, 4, 3]);
    }

    [Fact]
    public async Task Rotate_MoreOftenThanThereAreIds_GivesNoneThatIsInUse_AndFrightensNobody()
    {
        var (told, secrets, other) = (new ConcurrentQueue<string>(), await RouterSecrets.LoadOrCreateAsync(_store, default), await RouterSecrets.LoadOrCreateAsync(_store, default));
        using var metrics = new RouterMetrics();
        var guard = new StoreGuard(_store, secrets, new MetaRouterOptions().BuildPolicy(secrets), TimeProvider.System, metrics, new ErrorLog<StoreGuard>(told));
        for (var i = 1; i <= 600; i++)
        {
            await other.RotateAsync(_store, i, neededMs: i - 3, default);
            await guard.CheckAsync(default);

            secrets.ReceiptKeys[0].Id.ShouldBe((byte)((i % 255) + 1));
            secrets.ReceiptKeys.Select(k => k.Id).ShouldBeUnique();
        }

        told.ShouldBeEmpty();
    }
}
