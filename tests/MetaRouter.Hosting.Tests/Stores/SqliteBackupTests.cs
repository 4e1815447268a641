using System.Diagnostics;
using MetaRouter.Hosting.Stores;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;
using static MetaRouter.Hosting.Tests.Stores.SqliteUserStoreTests;

namespace MetaRouter.Hosting.Tests.Stores;

public sealed class SqliteBackupTests(ITestOutputHelper output) : IDisposable
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 30, 17, 20, 30, 45, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("users.db");

    private string Backups => _folder.File("backups");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public Task BackUp_WhileSavesGoOn_HasAllThatWasAcknowledgedBeforeAndOpensByItself() => BackUpWhileSavedAsync(users: 5_000, bytes: 300);

    /// <summary>With full windows.</summary>
    [LongFact]
    public Task BackUp_OfAHundredThousandUsers_HasAllThatWasAcknowledgedBefore() => BackUpWhileSavedAsync(users: 100_000, bytes: 1_000);

    /// <summary>Users are saved again and again meanwhile, each time with a greater number, so that the copy tells of when each is.</summary>
    private async Task BackUpWhileSavedAsync(int users, int bytes)
    {
        const int writers = 16;
        var (acknowledged, etags) = (new int[users], new long[users]);
        StoreBackup backup;
        int[] before, after;
        await using (var store = SqliteUserStore.Open(Path))
        {
            await Task.WhenAll(Enumerable.Range(0, users).Select(async i => etags[i] = await store.SaveAsync(Key(i), Of(0), 0)));
            using var stop = new CancellationTokenSource();
            var slowest = new TimeSpan[writers];
            var saves = Enumerable.Range(0, writers).Select(w => Task.Run(async () =>
            {
                for (var i = w; !stop.IsCancellationRequested; i = (i + writers) % users)
                {
                    var clock = Stopwatch.StartNew();
                    (etags[i] = await store.SaveAsync(Key(i), Of(acknowledged[i] + 1), etags[i])).ShouldBeGreaterThan(0);
                    Volatile.Write(ref acknowledged[i], acknowledged[i] + 1);
                    slowest[w] = clock.Elapsed > slowest[w] ? clock.Elapsed : slowest[w];
                }
            })).ToArray();
            await Task.Delay(TimeSpan.FromMilliseconds(100));
            var usual = slowest.Max();
            Array.Clear(slowest);

            before = [.. acknowledged];
            var took = Stopwatch.StartNew();
            backup = await store.BackUpAsync(Backups, s_now);
            took.Stop();

            await stop.CancelAsync();
            await Task.WhenAll(saves);
            after = [.. acknowledged];
            output.WriteLine($"{backup.Bytes:n0} bytes in {took.ElapsedMilliseconds} ms, the slowest save meanwhile {slowest.Max().TotalMilliseconds:0} ms, before {usual.TotalMilliseconds:0} ms");
        }

        backup.File.ShouldBe(_folder.File("backups/users-20261130T172030045Z.db"));
        backup.Bytes.ShouldBe(new FileInfo(backup.File).Length);
        Directory.GetFiles(Backups).ShouldBe([backup.File], "nothing else is left there, nor needed");
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(backup.File).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.GetUnixFileMode(Backups).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        await using var copy = SqliteUserStore.Open(backup.File);
        var copied = await copy.ChangedAsync(0, int.MaxValue);
        copied.Count.ShouldBe(users);
        copied.Count(u => IsAsOf(u.Record.State, before[(int)u.Key.User], after[(int)u.Key.User])).ShouldBe(users);

        static bool IsAsOf(byte[] state, int least, int most) => (state[1] | (state[2] << 8)) is var number && number >= least && number <= most;
        byte[] Of(int number) => [.. State(number), .. new byte[bytes - State(number).Length]];
    }

    [MountFact]
    public async Task BackUp_OntoAFullDisk_LeavesNothingThereAndTheStoreAsItIs()
    {
        using var disk = new SmallDisk(512);
        await using var store = SqliteUserStore.Open(Path);
        await Task.WhenAll(Enumerable.Range(0, 10_000).Select(i => store.SaveAsync(Key(i), State(i), 0).AsTask()));

        var refused = await Should.ThrowAsync<StoreException>(() => store.BackUpAsync(disk.File("backups"), s_now));

        refused.Message.ShouldStartWith($"The backup '{disk.File("backups/users-20261130T172030045Z.db")}' cannot be written: the disk is full; free some space");
        Directory.GetFiles(disk.File("backups")).ShouldBeEmpty();
        (await store.SaveAsync(Key(10_000), State(1), 0)).ShouldBeGreaterThan(0);
        await using var copy = SqliteUserStore.Open((await store.BackUpAsync(Backups, s_now)).File);
        (await copy.ChangedAsync(0, int.MaxValue)).Count.ShouldBe(10_001);
    }

    /// <summary>Just when a backup is wanted. A commit that fails has SQLite begin its copy anew.</summary>
    [MountFact]
    public async Task BackUp_WhileEverySaveFails_IsMade()
    {
        const int users = 20_000;
        using var disk = new SmallDisk(64 * 1024);
        await using var store = SqliteUserStore.Open(disk.File("users.db"));
        await Task.WhenAll(Enumerable.Range(0, users).Select(i => store.SaveAsync(Key(i), new byte[230], 0).AsTask()));
        FillUp(disk.File("ballast"));
        using var stop = new CancellationTokenSource();
        var refused = 0;
        var saves = Enumerable.Range(1, 4).Select(w => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await Should.ThrowAsync<StoreException>(async () => await store.SaveAsync(Key(-w), new byte[100_000], 0));
                Interlocked.Increment(ref refused);
            }
        })).ToArray();

        var backup = await store.BackUpAsync(Backups, s_now).WaitAsync(TimeSpan.FromSeconds(30));

        await stop.CancelAsync();
        await Task.WhenAll(saves);
        output.WriteLine($"{refused} saves refused meanwhile");
        refused.ShouldBeInRange(1, 5_000, "else it is by luck that it ended");
        await using var copy = SqliteUserStore.Open(backup.File);
        (await copy.ChangedAsync(0, int.MaxValue)).Count.ShouldBe(users);

        static void FillUp(string file)
        {
            using var stream = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            Should.Throw<IOException>(() =>
            {
                while (true)
                {
                    stream.Write(new byte[4096]);
                }
            });
        }
    }

    [Fact]
    public async Task BackUp_WhereNoFolderCanBe_IsRefusedWithItsPath()
    {
        await using var store = SqliteUserStore.Open(Path);
        await File.WriteAllTextAsync(Backups, "a file");

        (await Should.ThrowAsync<StoreException>(() => store.BackUpAsync(Backups, s_now))).Message.ShouldContain(Backups);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task BackUp_GivenUpOrItsStoreClosedOnceItHasBegun_LeavesNothing(bool isClosed)
    {
        await using var connection = SqliteFile.Open(Path);
        await using var turns = new GroupCommit(Path, connection);
        using var stop = new CancellationTokenSource();
        using var held = new ManualResetEventSlim();
        var first = turns.Do(writes: false, () => held.Wait(TimeSpan.FromSeconds(30)), default).AsTask();
        var backup = SqliteBackup.MakeAsync(connection, turns, Path, Backups, s_now, stop.Token);
        var closing = isClosed ? turns.DisposeAsync().AsTask() : stop.CancelAsync();
        Directory.GetFiles(Backups).Length.ShouldBe(1);

        held.Set();

        (await first).ShouldBeTrue();
        (await Should.ThrowAsync<Exception>(() => backup)).ShouldBeAssignableTo(isClosed ? typeof(StoreException) : typeof(OperationCanceledException));
        await closing;
        Directory.GetFiles(Backups).ShouldBeEmpty();
        SqliteFile.Execute(connection, "BEGIN IMMEDIATE; COMMIT");
    }

    /// <summary>Such a page may be one that no user needed since the start, when the whole file was looked through.</summary>
    [Fact]
    public async Task BackUp_OfAStoreThatGotTorn_IsNotTakenForOne()
    {
        await using (var store = SqliteUserStore.Open(Path))
        {
            await Task.WhenAll(Enumerable.Range(0, 5_000).Select(i => store.SaveAsync(Key(i), State(i), 0).AsTask()));
        }

        using (var file = File.OpenWrite(Path))
        {
            file.Position = 40 * 4096;
            file.Write(Enumerable.Repeat((byte)0xA5, 3 * 4096).ToArray());
        }

        await using var connection = new SqliteConnection($"Data Source={Path};Pooling=false");
        await connection.OpenAsync();
        await using var turns = new GroupCommit(Path, connection);

        (await Should.ThrowAsync<StoreException>(() => SqliteBackup.MakeAsync(connection, turns, Path, Backups, s_now, default))).Message.ShouldContain("is torn");
        Directory.GetFiles(Backups).ShouldBeEmpty();
    }
}
