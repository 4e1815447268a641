using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetaRouter.Hosting.Tests;

public sealed class CatalogKeeperTests
{
    /// <summary>While gateways are upgraded one by one, some are of a version that knows models as JSON and nothing else.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reset_ReachesRoutersOfThisVersionAndEarlierOnes(bool isByAnEarlierOne)
    {
        using var store = new MemoryUserStore();
        using var one = KeeperOf(store, "a", out _);
        using var other = KeeperOf(store, "b", out var pool);
        await one.ReplaceAsync(CatalogOf("set"), null, CancellationToken.None);
        await other.PullAsync(CancellationToken.None);
        pool.Current.Catalog.Version.ShouldBe(CatalogOf("set").Version);

        await one.ResetAsync(CancellationToken.None);
        var kept = await store.ReadValueAsync(ValueNames.Catalog);
        if (isByAnEarlierOne)
        {
            (await store.WriteValueAsync(ValueNames.Catalog, Array.Empty<byte>(), kept)).ShouldBeTrue();
        }

        await other.PullAsync(CancellationToken.None);
        pool.Current.Catalog.Version.ShouldBe(CatalogOf("b").Version);
        CatalogJson.Read(kept).Version.ShouldBe(CatalogOf("a").Version);
    }

    private static ModelCatalog CatalogOf(string model) => CatalogJson.Read(System.Text.Encoding.UTF8.GetBytes($$"""{"models":[{"id":"{{model}}","input_price_usd_per_million":1,"output_price_usd_per_million":2}]}"""));

    private static CatalogKeeper KeeperOf(MemoryUserStore store, string configured, out PoolHolder pool)
    {
        pool = new PoolHolder(new RoutingPool(Snapshot.Default, CatalogOf(configured)));
        return new CatalogKeeper(store, pool, NullLogger<CatalogKeeper>.Instance);
    }
}
