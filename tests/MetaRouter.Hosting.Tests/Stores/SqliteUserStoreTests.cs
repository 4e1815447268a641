using System.Diagnostics;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace MetaRouter.Hosting.Tests.Stores;

public sealed class SqliteUserStoreTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("users.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Save_FileWasMovedOrReplaced_IsNotAcknowledged()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // which moves no open file
        }

        var (key, elsewhere) = (Key(1), _folder.File("elsewhere.db"));
        await using var store = SqliteUserStore.Open(Path);
        var etag = await store.SaveAsync(key, new byte[] { 1 }, 0);

        File.Move(Path, elsewhere);
        (await Should.ThrowAsync<StoreException>(async () => await store.SaveAsync(key, new byte[] { 2 }, etag))).Message.ShouldContain("moved, deleted or replaced");
        File.Copy(elsewhere, Path);
        await Should.ThrowAsync<StoreException>(async () => await store.SaveAsync(key, new byte[] { 2 }, etag));
        (await store.LoadAsync(key)).State.ShouldBe([1]);

        File.Move(elsewhere, Path, overwrite: true);
        (await store.SaveAsync(key, new byte[] { 2 }, etag)).ShouldBeGreaterThan(etag);
    }

    /// <summary>Else the death of the machine, which no test can bring about, would take what was acknowledged with it.</summary>
    [Fact]
    public void Open_HasTheDiskAskedAtEveryCommit()
    {
        using var connection = SqliteFile.Open(Path);
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT * FROM pragma_journal_mode, pragma_synchronous";
        using var row = command.ExecuteReader();
        row.Read().ShouldBeTrue();
        (row.GetString(0), row.GetInt32(1)).ShouldBe(("wal", 2)); // FULL
    }

    /// <summary>
    /// Users come in any order, which leaves room in the file's pages, and more where their records grow word by word; every signal has a wait and a topic. Late words make a
    /// record as long as it gets: within a kilobyte, and a page of its own must not follow from it.
    /// </summary>
    [Theory]
    [InlineData(5, 1, 1, 250)]
    [InlineData(UserState.Window, 1, 1, 1_200)]
    [InlineData(UserState.Window, 8, 1, 1_200)]
    [InlineData(UserState.Window, 1, 20_160, 1_500)]
    public async Task File_OfManyUsers_TakesSoManyBytesEach(int signals, int saves, int late, int most)
    {
        const int users = 2_000, kinds = 50;
        var states = Enumerable.Range(1, saves).Select(save => Enumerable.Range(0, kinds).Select(i => UserStates.Of(i, signals * save / saves, late).ToBytes()).ToArray()).ToArray();
        await using (var store = SqliteUserStore.Open(Path))
        {
            var random = new Random(1);
            var keys = Enumerable.Range(0, users).Select(_ => new UserKey((ulong)random.NextInt64(), (ulong)random.NextInt64())).ToArray();
            var etags = new long[users];
            foreach (var grown in states)
            {
                await Task.WhenAll(keys.Select(async (key, i) => etags[i] = await store.SaveAsync(key, grown[i % kinds], etags[i])));
            }

            etags.ShouldAllBe(e => e > 0);
        }

        var each = new FileInfo(Path).Length / users;
        output.WriteLine($"{each} bytes a user on disk, of them {states[^1].Average(s => s.Length):0} of the record");
        each.ShouldBeInRange(states[^1][0].Length, most);
    }

    [Fact]
    public async Task FileWithoutRowIds_AsOlderProgramsMadeThem_IsReadAndWritten()
    {
        await SqliteUserStore.Open(Path).DisposeAsync();
        using (var connection = SqliteFile.Open(Path))
        {
            SqliteFile.Execute(connection, """
                DROP TABLE users;
                CREATE TABLE users (key BLOB PRIMARY KEY, state BLOB NOT NULL, etag INTEGER NOT NULL, erased_ms INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
                CREATE INDEX users_by_seq ON users (seq);
                """);
        }

        await using var store = SqliteUserStore.Open(Path);
        var etag = await store.SaveAsync(Key(1), State(1), 0);
        (await store.SaveAsync(Key(1), State(2), 0)).ShouldBe(0);
        (await store.SaveAsync(Key(1), State(2), etag)).ShouldBeGreaterThan(etag);
        (await store.LoadAsync(Key(1))).State.ShouldBe(State(2));
        await store.EraseAsync(Key(1), 42);
        await store.EraseAsync(Key(2), 42);
        (await store.ChangedAsync(0, 10)).Count.ShouldBe(2);
        (await store.PurgeTombstonesAsync(43)).ShouldBe(2);
    }

    [Fact]
    public async Task Reopen_KeepsEverything()
    {
        var erased = Key(1_000);
        long etag;
        await using (var store = SqliteUserStore.Open(Path))
        {
            for (var i = 0; i < 100; i++)
            {
                (await store.SaveAsync(Key(i), State(i), 0)).ShouldBeGreaterThan(0);
            }

            etag = await store.SaveAsync(Key(7), State(77), (await store.LoadAsync(Key(7))).Etag);
            await store.EraseAsync(erased, 42);
            await store.WriteValueAsync("name", new byte[] { 1, 2 }, null);
        }

        await using var again = SqliteUserStore.Open(Path);
        (await again.LoadAsync(Key(7))).ShouldSatisfyAllConditions(r => r.State.ShouldBe(State(77)), r => r.Etag.ShouldBe(etag));
        (await again.LoadAsync(Key(99))).State.ShouldBe(State(99));
        (await again.LoadAsync(erased)).ErasedAtMs.ShouldBe(42);
        (await again.ReadValueAsync("name")).ShouldBe([1, 2]);
        (await again.ChangedAsync(0, 1_000)).Count.ShouldBe(101);
    }

    [Fact]
    public async Task Save_WithAStaleEtag_Returns0AndChangesNothing()
    {
        await using var store = SqliteUserStore.Open(Path);
        var first = await store.SaveAsync(Key(1), State(1), 0);
        var second = await store.SaveAsync(Key(1), State(2), first);

        (await store.SaveAsync(Key(1), State(3), first)).ShouldBe(0);
        (await store.SaveAsync(Key(1), State(3), 0)).ShouldBe(0);
        (await store.SaveAsync(Key(2), State(3), 5)).ShouldBe(0);
        (await store.LoadAsync(Key(1))).ShouldSatisfyAllConditions(r => r.State.ShouldBe(State(2)), r => r.Etag.ShouldBe(second));
        second.ShouldBeGreaterThan(first);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Etag_OfARecordThatTookThePlaceOfAPurgedOne_IsNotOneItHadBefore(bool memory)
    {
        await using IUserStore store = memory ? new MemoryUserStore() : SqliteUserStore.Open(Path);
        await store.EraseAsync(Key(1), 10);
        var tombstone = (await store.LoadAsync(Key(1))).Etag;
        (await store.PurgeTombstonesAsync(10)).ShouldBe(0);
        (await store.PurgeTombstonesAsync(11)).ShouldBe(1);

        // Were it given again, a router that still remembers the tombstone would overwrite what it has not seen.
        for (var (i, etag) = (0, 0L); i < 5; i++)
        {
            (etag = await store.SaveAsync(Key(1), State(i), etag)).ShouldBeGreaterThan(tombstone);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Quarantine_TakesTheRecordThatWasRead_NotOneWrittenSince(bool memory)
    {
        await using IUserStore store = memory ? new MemoryUserStore() : SqliteUserStore.Open(Path);
        var etag = await store.SaveAsync(Key(1), State(1), 0);
        var read = await store.LoadAsync(Key(1));
        var changed = await store.SaveAsync(Key(1), State(2), etag);

        await store.QuarantineAsync(Key(1), read, "unreadable", 5);

        (await store.LoadAsync(Key(1))).ShouldSatisfyAllConditions(r => r.State.ShouldBe(State(2)), r => r.Etag.ShouldBe(changed));
        (await CountAsync()).ShouldBe(0);

        await store.QuarantineAsync(Key(1), await store.LoadAsync(Key(1)), "unreadable", 5);
        (await CountAsync()).ShouldBe(1);
        (await store.ChangedAsync(changed, 10)).ShouldHaveSingleItem().Record.ShouldSatisfyAllConditions(r => r.State.ShouldBeEmpty(), r => r.Etag.ShouldBeGreaterThan(changed));

        async Task<int> CountAsync() => store is SqliteUserStore sqlite ? await sqlite.CountQuarantinedAsync() : ((MemoryUserStore)store).Quarantine.Count;
    }

    /// <summary>A long record does not fit beside its key, and its rest lies on a page of its own.</summary>
    [Theory]
    [InlineData(100)]
    [InlineData(1_100)]
    public async Task Erase_LeavesNothingOfTheRecordInTheFile(int length)
    {
        byte[] word = [.. "canary!"u8];
        await using (var store = SqliteUserStore.Open(Path))
        {
            await store.SaveAsync(Key(1), Enumerable.Repeat(word, length / word.Length).SelectMany(w => w).ToArray(), 0);
            await store.SaveAsync(Key(2), State(2), 0);
            await store.EraseAsync(Key(1), 10);
        }

        File.ReadAllBytes(Path).AsSpan().IndexOf(word).ShouldBe(-1);
        Directory.GetFiles(_folder.Path).ShouldBe([Path]);
    }

    /// <summary>It is done every minute on the thread that writes.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Purge_ReadsTheTombstonesAlone_InFilesOfBeforeToo(bool isOfBefore)
    {
        await FillAsync(10);
        if (isOfBefore)
        {
            Sql("DROP INDEX users_by_erasure");
            await FillAsync(0);
        }

        using var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "EXPLAIN QUERY PLAN " + SqliteUserStore.Purge;
        command.Parameters.AddWithValue("$before", 5L);
        using var plan = command.ExecuteReader();
        plan.Read().ShouldBeTrue();
        plan.GetString(3).ShouldContain("SEARCH users USING INDEX users_by_erasure");
    }

    [Fact]
    public async Task File_IsReadableByItsOwnerOnly()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await using var store = SqliteUserStore.Open(Path);
        await store.SaveAsync(Key(1), State(1), 0);
        foreach (var file in Directory.GetFiles(_folder.Path))
        {
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    [Fact]
    public async Task SecondProcess_IsRefusedWithAClearMessage()
    {
        await using (var store = SqliteUserStore.Open(Path))
        {
            await store.SaveAsync(Key(1), State(1), 0);
            var (exit, message) = await Programs.RunAsync(Programs.Of(CrashTests.Program, "open", Path));
            exit.ShouldBe(3, message);
            message.ShouldContain(Path);
            message.ShouldContain("another process has it open");
            Should.Throw<StoreException>(() => SqliteUserStore.Open(Path)).Message.ShouldContain("another process has it open");
            (await store.SaveAsync(Key(2), State(2), 0)).ShouldBeGreaterThan(0);
        }

        (await Programs.RunAsync(Programs.Of(CrashTests.Program, "open", Path))).Code.ShouldBe(0);
    }

    [Fact]
    public async Task FileHeldByAnotherProcess_IsRefusedAndGoodAgainWhenThatIsKilled()
    {
        using var holder = Process.Start(Programs.Of(CrashTests.Program, "hold", Path))!;
        (await holder.StandardOutput.ReadLineAsync()).ShouldBe("holding");
        Should.Throw<StoreException>(() => SqliteUserStore.Open(Path)).Message.ShouldContain("another process has it open");

        holder.Kill();
        await holder.WaitForExitAsync();
        await using var store = SqliteUserStore.Open(Path);
        (await store.SaveAsync(Key(1), State(1), 0)).ShouldBeGreaterThan(0);
    }

    [MountFact]
    public async Task ReadOnlyFolder_IsRefusedWithItsRemedy()
    {
        using var disk = new SmallDisk(4_096);
        var path = disk.File("users.db");
        await using (var store = SqliteUserStore.Open(path))
        {
            await store.SaveAsync(Key(1), State(1), 0);
        }

        disk.MakeReadOnly();
        Should.Throw<StoreException>(() => SqliteUserStore.Open(path)).Message.ShouldContain("make both writable");
        Should.Throw<StoreException>(() => SqliteUserStore.Open(disk.File("new.db"))).Message.ShouldContain("make both writable");
    }

    [Fact]
    public async Task TruncatedFile_IsRefusedWithARemedyAndLeftAsItIs()
    {
        await FillAsync(5_000);
        using (var file = File.OpenWrite(Path))
        {
            file.SetLength(file.Length / 2 / 4096 * 4096);
        }

        await RefusedAndUntouchedAsync();
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    [InlineData(-3)]
    public async Task OverwrittenPages_GiveAMessageWithARemedyAndLeaveTheFileAsItIs(int page)
    {
        await FillAsync(5_000);
        using (var file = File.OpenWrite(Path))
        {
            var pages = (int)(file.Length / 4096);
            file.Position = (page < 0 ? pages + page : page) * 4096L;
            file.Write(Enumerable.Repeat((byte)0xA5, 3 * 4096).ToArray());
        }

        await RefusedAndUntouchedAsync();
    }

    [Fact]
    public async Task FileThatIsNoDatabase_IsRefusedAndLeftAsItIs()
    {
        await File.WriteAllTextAsync(Path, string.Concat(Enumerable.Repeat("dear diary, today nothing happened\n", 500)));

        await RefusedAndUntouchedAsync();
    }

    [Fact]
    public async Task FileOfAnotherProgram_IsRefusedAndLeftAsItIs()
    {
        Sql("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')");

        (await RefusedAndUntouchedAsync()).ShouldContain("another program");
    }

    [Fact]
    public async Task LaterLayout_IsRefusedAndLeftAsItIs()
    {
        await FillAsync(10);
        Sql("PRAGMA user_version = 2");

        (await RefusedAndUntouchedAsync()).ShouldContain("layout version 2");
    }

    [MountFact]
    public async Task FullDisk_FailsWhatItCannotKeepLosesNothingAcknowledgedAndRecovers()
    {
        using var disk = new SmallDisk(2_048);
        var path = disk.File("users.db");
        var acknowledged = new HashSet<int>();
        await using (var store = SqliteUserStore.Open(path))
        {
            var ballast = disk.File("ballast");
            await File.WriteAllBytesAsync(ballast, new byte[1_000 * 1024]);
            var failures = 0;
            for (var i = 0; i < 4_000 && failures < 20; i++)
            {
                try
                {
                    (await store.SaveAsync(Key(i), State(i), 0)).ShouldBeGreaterThan(0);
                    acknowledged.Add(i);
                }
                catch (StoreException e)
                {
                    failures++;
                    e.Message.ShouldContain("full");
                }
            }

            failures.ShouldBe(20);
            (await store.LoadAsync(Key(0))).State.ShouldBe(State(0)); // reading goes on
            File.Delete(ballast);
            for (var i = 4_000; i < 4_060; i++)
            {
                (await store.SaveAsync(Key(i), State(i), 0)).ShouldBeGreaterThan(0);
                acknowledged.Add(i);
            }
        }

        await using var again = SqliteUserStore.Open(path);
        foreach (var i in acknowledged)
        {
            (await again.LoadAsync(Key(i))).State.ShouldBe(State(i));
        }

        (await again.ChangedAsync(0, int.MaxValue)).Count.ShouldBe(acknowledged.Count); // nor was anything kept that was reported as failed
        output.WriteLine($"{acknowledged.Count} acknowledged and found again, 20 refused while the disk was full.");
    }

    [Fact]
    public async Task FailureOfOneCall_DoesNotHangTheOthers()
    {
        await using var store = SqliteUserStore.Open(Path);

        await Should.ThrowAsync<StoreException>(async () => await store.QuarantineAsync(Key(1), null!, "no record", 1).AsTask().WaitAsync(TimeSpan.FromSeconds(5)));
        (await store.SaveAsync(Key(1), State(1), 0).AsTask().WaitAsync(TimeSpan.FromSeconds(5))).ShouldBeGreaterThan(0);
    }

    internal static UserKey Key(int i) => new(5, (ulong)i);

    internal static byte[] State(int i) => [1, (byte)i, (byte)(i >> 8), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private async Task FillAsync(int users)
    {
        await using var store = SqliteUserStore.Open(Path);
        await Task.WhenAll(Enumerable.Range(0, users).Select(i => store.SaveAsync(Key(i), State(i), 0).AsTask()));
    }

    private void Sql(string text)
    {
        using var connection = new SqliteConnection($"Data Source={Path};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }

    private async Task<string> RefusedAndUntouchedAsync()
    {
        var before = await File.ReadAllBytesAsync(Path);
        var message = Should.Throw<StoreException>(() => SqliteUserStore.Open(Path).Dispose()).Message;
        message.ShouldContain(Path);
        message.ShouldSatisfyAllConditions(m => (m.Contains("move it aside", StringComparison.Ordinal) || m.Contains("Point the store", StringComparison.Ordinal) || m.Contains("Run the program", StringComparison.Ordinal)).ShouldBeTrue(m));
        (await File.ReadAllBytesAsync(Path)).ShouldBe(before);
        return message;
    }
}
