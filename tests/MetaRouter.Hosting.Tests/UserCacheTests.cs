using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting.Tests;

public class UserCacheTests
{
    private static readonly UserModel s_someone = new(HostingFixture.Pool, UserState.Empty);

    [Theory]
    [InlineData(1_000)]
    [InlineData(50_000)]
    public void Put_AMillionUsers_KeepsAtMostTheBoundAndTheLatest(int capacity)
    {
        var cache = new UserCache(capacity);
        for (var i = 0; i < 1_000_000; i++)
        {
            cache.Put(Key(i), User(1));
            if (i % 50_000 == 0)
            {
                cache.Count.ShouldBeLessThanOrEqualTo(capacity);
            }
        }

        cache.Count.ShouldBeInRange(capacity / 4, capacity);
        for (var i = 1_000_000 - (capacity / 5); i < 1_000_000; i++)
        {
            cache.Find(Key(i)).ShouldNotBeNull();
        }
    }

    [Fact]
    public void Find_KeepsAUserThatIsUsed()
    {
        var cache = new UserCache(1_000);
        cache.Put(Key(0), User(7));
        for (var i = 1; i < 100_000; i++)
        {
            cache.Put(Key(i), User(1));
            if (i % 100 == 0)
            {
                cache.Find(Key(0)).ShouldNotBeNull().Etag.ShouldBe(7);
            }
        }
    }

    [Fact]
    public void Put_OlderThanWhatIsKept_ReturnsTheNewer()
    {
        var cache = new UserCache(100);
        cache.Put(Key(0), User(9));
        for (var i = 1; i < 60; i++)
        {
            cache.Put(Key(i), User(1)); // now user 0 is in the older generation
        }

        cache.Put(Key(0), User(8)).Etag.ShouldBe(9);
        cache.Find(Key(0))!.Etag.ShouldBe(9);
    }

    [Fact]
    public void Put_WithATicketFromBeforeARemoval_IsNotKept()
    {
        var cache = new UserCache(100);
        var ticket = cache.Ticket(Key(0));
        cache.Put(Key(0), User(2));
        cache.Remove(Key(0)); // erased, say

        cache.Put(Key(0), User(1), ticket);

        cache.Find(Key(0)).ShouldBeNull();
    }

    [Fact]
    public void Put_WithATicketFromBeforeWhatIsNewerWasEvicted_IsNotKept()
    {
        var cache = new UserCache(100);
        var ticket = cache.Ticket(Key(0));
        cache.Put(Key(0), User(2));
        for (var i = 1; i < 200; i++)
        {
            cache.Put(Key(i), User(1));
        }

        cache.Find(Key(0)).ShouldBeNull();
        cache.Put(Key(0), User(1), ticket);
        cache.Find(Key(0)).ShouldBeNull();
    }

    /// <summary>A small cache turns over often: a reader that was overtaken by one turn brings nothing older than what may have left.</summary>
    [Fact]
    public void Put_WithATicketFromBeforeOneTurn_IsKept()
    {
        var cache = new UserCache(100);
        var ticket = cache.Ticket(Key(0));
        for (var i = 1; i < 60; i++)
        {
            cache.Put(Key(i), User(1));
        }

        cache.Put(Key(0), User(2), ticket);

        cache.Find(Key(0))!.Etag.ShouldBe(2);
    }

    [Fact]
    public void Remove_OfAUserInTheOlderGeneration_RemovesIt()
    {
        var cache = new UserCache(100);
        for (var i = 0; i < 60; i++)
        {
            cache.Put(Key(i), User(1));
        }

        cache.Remove(Key(0));

        cache.Find(Key(0)).ShouldBeNull();
    }

    /// <summary>As when the models change: the record is the same, and what is made of it is not.</summary>
    [Fact]
    public void Put_TheSameRecordUnderAnotherPool_TakesItsPlace()
    {
        var cache = new UserCache(100);
        cache.Put(Key(0), User(1));
        var anew = new CachedUser(new UserModel(HostingFixture.Pool, UserState.Empty), 1, 0);

        cache.Put(Key(0), anew).ShouldBeSameAs(anew);
        cache.Find(Key(0)).ShouldBeSameAs(anew);
    }

    [Fact]
    public void Put_TheStoreHasNoRecordAnyMore_IsBelievedUnlessItWasAskedBefore()
    {
        var cache = new UserCache(64);
        var asked = System.Diagnostics.Stopwatch.GetTimestamp() - 1;
        cache.Put(Key(0), User(7));

        cache.Put(Key(0), User(0) with { ReadAt = asked }).Etag.ShouldBe(7);
        cache.Put(Key(0), User(0) with { ReadAt = System.Diagnostics.Stopwatch.GetTimestamp() + 1 }).Etag.ShouldBe(0);

        cache.Find(Key(0))!.Etag.ShouldBe(0);
    }

    [Fact]
    public async Task Concurrently_ANewerEtagIsNeverReplacedByAnOlder()
    {
        const int users = 16;
        var cache = new UserCache(64); // turns over all the time
        var (stored, latest) = (new long[users], new long[users]);
        var went = 0;
        await Task.WhenAll(Enumerable.Range(0, 6).Select(worker => Task.Run(() =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 200_000; i++)
            {
                var user = random.Next(users);
                switch (worker)
                {
                    case 0 or 1: // writes, one at a time for a user, and publishes what it wrote
                        lock (latest.SyncRootOf(user))
                        {
                            Volatile.Write(ref stored[user], latest[user] + 1);
                            cache.Put(Key(user), User(latest[user] + 1));
                            Volatile.Write(ref latest[user], latest[user] + 1);
                        }

                        break;
                    case 2: // others come and go
                        cache.Put(Key(1_000 + random.Next(500)), User(1));
                        break;
                    default: // reads the store slowly, and then the memory
                        var ticket = cache.Ticket(Key(user));
                        var asked = System.Diagnostics.Stopwatch.GetTimestamp();
                        var read = Volatile.Read(ref stored[user]);
                        Thread.SpinWait(random.Next(300));
                        cache.Put(Key(user), User(read) with { ReadAt = asked }, ticket);
                        var known = Volatile.Read(ref latest[user]);
                        if (cache.Find(Key(user)) is { } found && found.Etag < known)
                        {
                            Interlocked.Increment(ref went);
                        }

                        break;
                }
            }
        })));

        went.ShouldBe(0);
    }

    private static UserKey Key(int i) => new(1, (ulong)i * 0x9E37_79B9_7F4A_7C15);

    private static CachedUser User(long etag) => new(s_someone, etag, 0);
}

file static class Locks
{
    private static readonly object[] s_locks = [.. Enumerable.Range(0, 16).Select(_ => new object())];

    public static object SyncRootOf(this long[] _, int user) => s_locks[user];
}
