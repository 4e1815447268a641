using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace MetaRouter.Hosting.Stores;

/// <summary>The SQLite file of <see cref="SqliteUserStore"/>: its layout, how it is opened for one process alone, and what is said of it when something is wrong.</summary>
internal static class SqliteFile
{
    /// <summary>Version of the layout below; a file of a later version is refused, an earlier one is migrated.</summary>
    public const int SchemaVersion = 1;

    private const string Native = "e_sqlite3"; // an application may have put another in its place
    private const int HasMoved = 20; // SQLITE_FCNTL_HAS_MOVED

    private const int ApplicationId = 0x4D52_5355; // "MRSU"
    private const string TornRemedy = "the file is torn or not a SQLite file; move it aside (it was not changed) and restore a backup or start with a new path";
    private const string ReadOnlyRemedy = "the file or its folder is read-only; make both writable for this user";

    /// <summary>
    /// Users have row ids: without them SQLite keeps at most a quarter of a page of a row together (of 4,096 bytes 1,002), and a record that is longer by a byte takes a page of its
    /// own. Files of older programs are laid out that way and stay so; every statement does with both.
    /// </summary>
    private static readonly string Layout = $"""
        BEGIN;
        CREATE TABLE users (key BLOB NOT NULL PRIMARY KEY, state BLOB NOT NULL, etag INTEGER NOT NULL, erased_ms INTEGER NOT NULL, seq INTEGER NOT NULL);
        CREATE INDEX users_by_seq ON users (seq);
        CREATE TABLE quarantine (key BLOB NOT NULL, state BLOB NOT NULL, reason TEXT NOT NULL, at_ms INTEGER NOT NULL);
        CREATE TABLE shared (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        PRAGMA application_id = {ApplicationId};
        PRAGMA user_version = 1;
        COMMIT;
        """;

    /// <summary>
    /// Finds tombstones without reading the whole file, which would happen every minute on the thread that writes. Older programs do not mind an index, so
    /// existing files get it too.
    /// </summary>
    private const string ErasureIndex = "CREATE INDEX IF NOT EXISTS users_by_erasure ON users (erased_ms) WHERE erased_ms > 0";

    /// <summary>Opens or creates the file, and locks it.</summary>
    /// <param name="path">An absolute path.</param>
    /// <exception cref="StoreException">In use by another process, not a database of ours, torn, read-only, or of a later version.</exception>
    public static SqliteConnection Open(string path)
    {
        SqliteConnection? connection = null;
        try
        {
            if (Path.GetDirectoryName(path) is { } folder)
            {
                Directory.CreateDirectory(folder);
            }

            CreatePrivate(path);
            connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 1 }.ToString());
            connection.Open();

            if (SQLitePCL.raw.sqlite3_db_readonly(connection.Handle, "main") != 0)
            {
                throw new StoreException($"The store '{path}' cannot be opened: {ReadOnlyRemedy}.");
            }

            // Looks before it writes: a file of another program keeps its journal mode, and a torn one is not written into.
            Execute(connection, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA busy_timeout = 0");
            var version = FindVersion(connection, path);
            Execute(
                connection,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON");
            Execute(connection, "BEGIN EXCLUSIVE; COMMIT"); // takes the lock, which exclusive mode then keeps
            if (version < 1)
            {
                Execute(connection, Layout);
            }

            Execute(connection, ErasureIndex);
            return connection;
        }
        catch (Exception e) when (e is SqliteException or UnauthorizedAccessException || (e is IOException && e is not StoreException))
        {
            connection?.Dispose();
            throw Explain(e, path, "opened");
        }
        catch (StoreException)
        {
            connection?.Dispose();
            throw;
        }
    }

    /// <summary>Moves a file that cannot be read out of the way, whole, with the journal beside it.</summary>
    /// <returns>Where it is now.</returns>
    public static string SetAside(string path, DateTimeOffset now)
    {
        var aside = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFullPath(path)}.torn-{now.UtcDateTime:yyyyMMdd'T'HHmmssfff'Z'}");
        foreach (var part in (string[])["-wal", "-shm", ""])
        {
            if (File.Exists(path + part))
            {
                File.Move(path + part, aside + part);
            }
        }

        return aside;
    }

    /// <summary>Writes to a file that is no longer at its path would be gone at the next start.</summary>
    /// <exception cref="StoreException">It was moved, deleted, or another put in its place.</exception>
    public static void ShouldBeInPlace(SqliteConnection connection, string path)
    {
        if (SQLitePCL.raw.GetNativeLibraryName() == Native && FileControl(connection.Handle!, null, HasMoved, out var hasMoved) == SQLitePCL.raw.SQLITE_OK && hasMoved != 0)
        {
            throw new StoreException(
                $"The store '{path}' cannot be written: the file was moved, deleted or replaced while this process had it open, and what is written now would be lost. Put it back, or restart.");
        }
    }

    /// <param name="what">Which of our files it is.</param>
    public static StoreException Explain(Exception e, string path, string done, string what = "store")
    {
        const int busy = 5, locked = 6, readOnly = 8, ioError = 10, corrupt = 11, full = 13, cannotOpen = 14, notADatabase = 26, readOnlyFileSystem = 30; // SQLite's codes, and EROFS
        var remedy = (e as SqliteException)?.SqliteErrorCode switch
        {
            busy or locked => "another process has it open; stop that process, or give this one a path of its own",
            readOnly => ReadOnlyRemedy,
            full => "the disk is full; free some space, nothing acknowledged is lost",
            ioError => "the disk reports an error; check it and its free space",
            corrupt or notADatabase => TornRemedy,
            cannotOpen => "the file cannot be opened; check that the path is a file and the folder is writable",
            _ => e is UnauthorizedAccessException or IOException { HResult: readOnlyFileSystem } ? ReadOnlyRemedy : "check the path and its permissions",
        };
        return new StoreException($"The {what} '{path}' cannot be {done}: {remedy}. ({e.Message.TrimEnd('.')})", e) { IsTorn = remedy == TornRemedy };
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>The file holds the secrets that receipts are sealed with, so only its owner may read it. SQLite gives the files beside it the same permissions.</summary>
    public static void CreatePrivate(string path)
    {
        if (!OperatingSystem.IsWindows() && !File.Exists(path))
        {
            new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }).Dispose();
        }
    }

    /// <summary>The binding does not offer this call. Where the system cannot tell, it fails, as on Windows, where an open file cannot be moved.</summary>
    [DllImport(Native, EntryPoint = "sqlite3_file_control", CallingConvention = CallingConvention.Cdecl)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    private static extern int FileControl(SQLitePCL.sqlite3 database, byte[]? name, int operation, out int answer);

    /// <returns>0: a new file.</returns>
    private static long FindVersion(SqliteConnection connection, string path)
    {
        var application = Scalar("PRAGMA application_id");
        var version = Scalar("PRAGMA user_version");
        if (application != ApplicationId && Scalar("SELECT count(*) FROM sqlite_schema") != 0)
        {
            throw new StoreException($"'{path}' is a SQLite file of another program (application id {application}). Point the store to another path.");
        }

        if (application != ApplicationId)
        {
            return 0;
        }

        if (version > SchemaVersion)
        {
            throw new StoreException($"'{path}' has layout version {version}; this program knows up to {SchemaVersion}. Run the program that wrote it, or a later one.");
        }

        // Reads the whole file once. Otherwise a torn page shows only when its users come back, long after the backup that could mend it is gone.
        return Value("PRAGMA quick_check(1)") is "ok" ? version : throw new StoreException($"The store '{path}' cannot be opened: {TornRemedy}.") { IsTorn = true };

        long Scalar(string sql) => (long)Value(sql)!;

        object? Value(string sql)
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            return command.ExecuteScalar();
        }
    }
}
