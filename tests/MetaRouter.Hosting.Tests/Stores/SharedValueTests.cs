using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting.Tests.Stores;

public sealed class SharedValueTests
{
    /// <summary>A request that sets a mode or rotates a key would never be answered.</summary>
    [Fact]
    public async Task Write_OverAValueThatChangesWithoutPause_EndsAndSaysWhy()
    {
        using var others = new MemoryUserStore();
        await using var store = new FaultyStore(others)
        {
            AfterReadValue = async name => await others.WriteValueAsync(name, Guid.NewGuid().ToByteArray(), await others.ReadValueAsync(name)),
        };
        var value = new SharedValue(store, "value");

        var writing = Task.Run(() => value.WriteAsync([1], default)).WaitAsync(TimeSpan.FromSeconds(10));

        (await writing.ShouldThrowAsync<StoreException>()).Message.ShouldContain("without pause");
    }
}
