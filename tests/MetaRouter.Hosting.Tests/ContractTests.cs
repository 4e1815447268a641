using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;

namespace MetaRouter.Hosting.Tests;

public sealed class MemoryStoreContractTests : RouterContract.RouterContract
{
    protected override Task<IRouterFixture> CreateAsync(TimeProvider time)
    {
        var store = new MemoryUserStore();
        return Task.FromResult<IRouterFixture>(new HostingFixture(_ => store, s => Task.FromResult(((MemoryUserStore)s).Quarantine.Count), time));
    }
}

public sealed class SqliteStoreContractTests : RouterContract.RouterContract
{
    protected override Task<IRouterFixture> CreateAsync(TimeProvider time) =>
        Task.FromResult<IRouterFixture>(new HostingFixture(SqliteUserStore.Open, async s => await ((SqliteUserStore)s).CountQuarantinedAsync(), time));
}
