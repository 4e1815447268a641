using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MetaRouter.Hosting.Stores;

/// <summary>
/// A whole copy of a store's file, made while it is written: some pages at a time, on the store's own thread, between its commits. What is committed meanwhile goes into the copy
/// too, so it is the store as of the last step. Source: https://www.sqlite.org/backup.html.
/// </summary>
/// <remarks>Nobody else could make it: the store's file is locked. <c>VACUUM INTO</c> is one statement, and would hold up every acknowledgement until its end.</remarks>
internal static class SqliteBackup
{
    /// <summary>A megabyte, which takes about as long as a commit.</summary>
    private const int PagesAtOnce = 256;

    private const int AllPages = -1;

    private const string Unfinished = ".part";

    /// <param name="path">Of the store.</param>
    /// <exception cref="StoreException">It could not be made; nothing of it is left.</exception>
    public static async Task<StoreBackup> MakeAsync(SqliteConnection store, GroupCommit turns, string path, string folder, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(path)}-{now.UtcDateTime:yyyyMMdd'T'HHmmssfff'Z'}{Path.GetExtension(path)}");
        var file = Path.Combine(Path.GetFullPath(folder), name);
        var part = file + Unfinished;
        try
        {
            CreateFolder(Path.GetFullPath(folder));
            SqliteFile.CreatePrivate(part);
            try
            {
                await CopyAsync(store, turns, path, part, cancellationToken).ConfigureAwait(false);
                using (var written = File.OpenHandle(part, FileMode.Open, FileAccess.ReadWrite))
                {
                    RandomAccess.FlushToDisk(written);
                }

                File.Move(part, file);
                return new StoreBackup(file, new FileInfo(file).Length);
            }
            finally
            {
                foreach (var left in (string[])[part, part + "-wal", part + "-journal"])
                {
                    File.Delete(left); // no error if it is not there
                }
            }
        }
        catch (Exception e) when (e is SqliteException or UnauthorizedAccessException || (e is IOException && e is not StoreException))
        {
            throw SqliteFile.Explain(e, file, "written", "backup");
        }
    }

    private static async Task CopyAsync(SqliteConnection store, GroupCommit turns, string path, string part, CancellationToken cancellationToken)
    {
        await using var copy = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = part, Pooling = false }.ToString());
        await copy.OpenAsync(cancellationToken).ConfigureAwait(false);
        SqliteFile.Execute(copy, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF"); // whole at its end or deleted, and flushed once
        var backup = await turns.Do(writes: false, () => raw.sqlite3_backup_init(copy.Handle, "main", store.Handle, "main"), cancellationToken).ConfigureAwait(false);
        int code;
        try
        {
            var (pages, copied) = (PagesAtOnce, 0);
            do
            {
                code = await turns.Do(writes: false, () => raw.sqlite3_backup_step(backup, pages), cancellationToken).ConfigureAwait(false);

                // A commit that failed has SQLite begin anew. Where they go on failing, as on a full disk, it would never come to an end in steps; then nothing is acknowledged that could wait.
                var now = raw.sqlite3_backup_pagecount(backup) - raw.sqlite3_backup_remaining(backup);
                (pages, copied) = (now < copied ? AllPages : pages, now);
            }
            while (code == raw.SQLITE_OK);
        }
        finally
        {
            await FinishAsync(turns, backup).ConfigureAwait(false);
        }

        if (code != raw.SQLITE_DONE)
        {
            SqliteException.ThrowExceptionForRC(code, copy.Handle);
        }

        // One file, which needs none beside it. The store sets what it needs when it is opened.
        SqliteFile.Execute(copy, "PRAGMA journal_mode = DELETE");
        using var check = copy.CreateCommand();
        check.CommandText = "PRAGMA quick_check(1)";
        if (check.ExecuteScalar() is not "ok")
        {
            throw new StoreException($"No backup was kept: the store '{path}' is torn, and so is a copy of it. Stop what uses it while an earlier backup is at hand, and restore that.");
        }
    }

    private static async Task FinishAsync(GroupCommit turns, sqlite3_backup backup)
    {
        try
        {
            await turns.Do(writes: false, () => raw.sqlite3_backup_finish(backup), CancellationToken.None).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            raw.sqlite3_backup_finish(backup); // the store was closed, and its thread has ended
        }
    }

    private static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}

/// <param name="File">Its full path.</param>
/// <param name="Bytes">Its length.</param>
public sealed record StoreBackup(string File, long Bytes);
