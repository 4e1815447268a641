using System.Diagnostics;
using MetaRouter.Hosting.Stores;
using Xunit.Abstractions;
using static MetaRouter.Hosting.Tests.Stores.SqliteUserStoreTests;

namespace MetaRouter.Hosting.Tests.Stores;

/// <summary>More calls at once than the thread pool has threads: they run alone, since no test beside them would get a thread in time.</summary>
[Collection(Alone.Name)]
public sealed class SqliteUserStoreLoadTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("users.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ConcurrentSaves_ShareCommits()
    {
        await using var store = SqliteUserStore.Open(Path);
        await store.SaveAsync(Key(-1), State(0), 0);
        var (commits, clock, saves) = (store.Commits, Stopwatch.StartNew(), 0);
        await Task.WhenAll(Enumerable.Range(0, 64).Select(w => Task.Run(async () =>
        {
            for (var i = 0; clock.Elapsed < TimeSpan.FromSeconds(1); i++)
            {
                (await store.SaveAsync(Key((w * 1_000_000) + i), State(i), 0)).ShouldBeGreaterThan(0);
                Interlocked.Increment(ref saves);
            }
        })));
        commits = store.Commits - commits;

        output.WriteLine($"{saves / clock.Elapsed.TotalSeconds:0} durable saves/s with 64 in flight, {saves} in {commits} commits.");
        commits.ShouldBeLessThan(saves / 4);
    }

    [Fact]
    public async Task Writes_AreNotKeptWaitingByAStreamOfReads()
    {
        await using var store = SqliteUserStore.Open(Path);
        using var stop = new CancellationTokenSource();
        var reads = Enumerable.Range(0, 256).Select(i => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await store.LoadAsync(Key(i));
            }
        })).ToArray();

        for (var i = 0; i < 20; i++)
        {
            (await store.SaveAsync(Key(i), State(i), 0).AsTask().WaitAsync(TimeSpan.FromSeconds(30))).ShouldBeGreaterThan(0);
        }

        await stop.CancelAsync();
        await Task.WhenAll(reads);
    }

    [Fact]
    public async Task Dispose_WhileWritesAreQueued_CompletesOrFailsEachOfThem()
    {
        var acknowledged = new HashSet<int>();
        var store = SqliteUserStore.Open(Path);
        var writes = Enumerable.Range(0, 22_000).Select(i => SaveAsync(store, i, acknowledged)).ToArray(); // more than the queue holds
        await store.DisposeAsync();
        var failed = (await Task.WhenAll(writes).WaitAsync(TimeSpan.FromMinutes(5))).Count(isSaved => !isSaved);
        await Should.ThrowAsync<StoreException>(async () => await store.LoadAsync(Key(0)));

        (acknowledged.Count + failed).ShouldBe(22_000);
        output.WriteLine($"{acknowledged.Count} completed, {failed} failed.");
        await using var again = SqliteUserStore.Open(Path);
        (await again.ChangedAsync(0, int.MaxValue)).Select(c => (int)c.Key.User).Order().ShouldBe(acknowledged.Order());
    }

    /// <remarks>Goes on where it was done: in xunit's own context that takes the better part of a millisecond.</remarks>
    private static async Task<bool> SaveAsync(SqliteUserStore store, int user, HashSet<int> acknowledged)
    {
        try
        {
            await store.SaveAsync(Key(user), State(user), 0).ConfigureAwait(false);
            lock (acknowledged)
            {
                return acknowledged.Add(user);
            }
        }
        catch (StoreException)
        {
            return false;
        }
    }
}

[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = nameof(Alone);
}
