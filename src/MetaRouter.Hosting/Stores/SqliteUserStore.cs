using System.Buffers.Binary;
using System.Globalization;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace MetaRouter.Hosting.Stores;

/// <summary>
/// Users in one SQLite file, for one process: WAL, <c>synchronous=FULL</c>, exclusive locking. A write that was acknowledged survives the death of the
/// process and of the machine, as far as the disk keeps what it says it wrote.
/// </summary>
/// <remarks>
/// One thread owns the one connection. It takes what is waiting, answers the reads, does the writes in one transaction and acknowledges them when
/// that is on disk: under load many writes share one flush (group commit), alone a write pays for its own.
/// When a commit fails, every write in it fails and nothing of it is kept.
/// The etag is the write's place in the order of all: no record that takes the place of a purged one is mistaken for it.
/// </remarks>
public sealed class SqliteUserStore : IUserStore, IDisposable
{
    /// <summary>Of the layout below; a file of a later version is refused, an earlier one is migrated.</summary>
    public const int SchemaVersion = 1;

    private const int ApplicationId = 0x4D52_5355; // "MRSU"
    private const string TornRemedy = "the file is torn or no SQLite file; move it aside (it is left as it is) and restore a backup or start with a new path";
    private const string ReadOnlyRemedy = "the file or its folder is read-only; make both writable for this user";
    private const int MostAtOnce = 2048; // reads too: else a stream of reads would keep the writes waiting

    private static readonly string Layout = $"""
        BEGIN;
        CREATE TABLE users (key BLOB PRIMARY KEY, state BLOB NOT NULL, etag INTEGER NOT NULL, erased_ms INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX users_by_seq ON users (seq);
        CREATE TABLE quarantine (key BLOB NOT NULL, state BLOB NOT NULL, reason TEXT NOT NULL, at_ms INTEGER NOT NULL);
        CREATE TABLE shared (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        PRAGMA application_id = {ApplicationId};
        PRAGMA user_version = 1;
        COMMIT;
        """;

    private readonly string _path;
    private readonly SqliteConnection _connection;
    private readonly Channel<Work> _work = Channel.CreateBounded<Work>(new BoundedChannelOptions(16_384) { SingleReader = true });
    private readonly Task _loop;
    private readonly SqliteCommand _load, _save, _insert, _erase, _changed;
    private long _sequence, _commits;

    private SqliteUserStore(string path, SqliteConnection connection)
    {
        (_path, _connection) = (path, connection);
        _load = Command("SELECT state, etag, erased_ms FROM users WHERE key = $key", "$key");
        _save = Command("UPDATE users SET state = $state, etag = $seq, seq = $seq WHERE key = $key AND etag = $etag", "$key", "$state", "$etag", "$seq");
        _insert = Command("INSERT INTO users (key, state, etag, erased_ms, seq) VALUES ($key, $state, $seq, 0, $seq) ON CONFLICT (key) DO NOTHING", "$key", "$state", "$seq");
        _erase = Command("INSERT INTO users (key, state, etag, erased_ms, seq) VALUES ($key, x'', $seq, $now, $seq) ON CONFLICT (key) DO UPDATE SET state = x'', etag = $seq, erased_ms = max(erased_ms, $now), seq = $seq; DELETE FROM quarantine WHERE key = $key", "$key", "$now", "$seq");
        _changed = Command("SELECT key, state, etag, erased_ms, seq FROM users WHERE seq > $seq ORDER BY seq LIMIT $limit", "$seq", "$limit");
        using var last = connection.CreateCommand();
        last.CommandText = "SELECT coalesce(max(seq), 0) FROM users";
        _sequence = (long)last.ExecuteScalar()!;
        _loop = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Transactions so far: fewer than writes when writes share them.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>Opens or creates the file.</summary>
    /// <exception cref="StoreException">In use by another process, not a database of ours, torn, read-only, or of a later version.</exception>
    public static SqliteUserStore Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = Path.GetFullPath(path); // also keeps SQLite from reading a meaning into names such as ":memory:"
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
            Execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = FAST");
            Execute(connection, "BEGIN EXCLUSIVE; COMMIT"); // takes the lock, which exclusive mode then keeps
            if (version < 1)
            {
                Execute(connection, Layout);
            }

            return new SqliteUserStore(path, connection);
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

    public ValueTask<StoredUser> LoadAsync(UserKey key, CancellationToken cancellationToken = default) => Do(writes: false, () =>
    {
        _load.Parameters[0].Value = Bytes(key);
        using var row = _load.ExecuteReader();
        return row.Read() ? Record(row, 0) : StoredUser.None;
    }, cancellationToken);

    public ValueTask<long> SaveAsync(UserKey key, ReadOnlyMemory<byte> state, long etag, CancellationToken cancellationToken = default)
    {
        var bytes = state.ToArray();
        return Do(writes: true, () =>
        {
            var command = etag == 0 ? _insert : _save;
            command.Parameters["$key"].Value = Bytes(key);
            command.Parameters["$state"].Value = bytes;
            var written = ++_sequence;
            command.Parameters["$seq"].Value = written;
            if (etag != 0)
            {
                command.Parameters["$etag"].Value = etag;
            }

            return command.ExecuteNonQuery() == 1 ? written : 0;
        }, cancellationToken);
    }

    public async ValueTask EraseAsync(UserKey key, long nowMs, CancellationToken cancellationToken = default) => await Do(writes: true, () =>
    {
        _erase.Parameters["$key"].Value = Bytes(key);
        _erase.Parameters["$now"].Value = nowMs;
        _erase.Parameters["$seq"].Value = ++_sequence;
        return _erase.ExecuteNonQuery();
    }, cancellationToken).ConfigureAwait(false);

    public async ValueTask QuarantineAsync(UserKey key, StoredUser record, string reason, long nowMs, CancellationToken cancellationToken = default) => await Do(writes: true, () =>
    {
        using var command = _connection.CreateCommand();
        command.CommandText = """
            INSERT INTO quarantine (key, state, reason, at_ms) SELECT key, state, $reason, $now FROM users WHERE key = $key AND etag = $etag;
            UPDATE users SET state = x'', etag = $seq, seq = $seq WHERE key = $key AND etag = $etag;
            """;
        command.Parameters.AddWithValue("$key", Bytes(key));
        command.Parameters.AddWithValue("$etag", record.Etag);
        command.Parameters.AddWithValue("$reason", reason);
        command.Parameters.AddWithValue("$now", nowMs);
        command.Parameters.AddWithValue("$seq", ++_sequence);
        return command.ExecuteNonQuery();
    }, cancellationToken).ConfigureAwait(false);

    /// <summary>How many records that could not be read are kept aside.</summary>
    public ValueTask<int> CountQuarantinedAsync(CancellationToken cancellationToken = default) => Do(writes: false, () =>
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM quarantine";
        return (int)(long)command.ExecuteScalar()!;
    }, cancellationToken);

    public ValueTask<IReadOnlyList<ChangedUser>> ChangedAsync(long sequence, int limit, CancellationToken cancellationToken = default) => Do<IReadOnlyList<ChangedUser>>(writes: false, () =>
    {
        _changed.Parameters[0].Value = sequence;
        _changed.Parameters[1].Value = limit;
        var users = new List<ChangedUser>();
        using var row = _changed.ExecuteReader();
        while (row.Read())
        {
            var key = (byte[])row[0];
            users.Add(new ChangedUser(new UserKey(BinaryPrimitives.ReadUInt64BigEndian(key), BinaryPrimitives.ReadUInt64BigEndian(key.AsSpan(8))), Record(row, 1), row.GetInt64(4)));
        }

        return users;
    }, cancellationToken);

    public ValueTask<int> PurgeTombstonesAsync(long beforeMs, CancellationToken cancellationToken = default) => Do(writes: true, () =>
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "DELETE FROM users WHERE erased_ms > 0 AND erased_ms < $before AND length(state) = 0";
        command.Parameters.AddWithValue("$before", beforeMs);
        return command.ExecuteNonQuery();
    }, cancellationToken);

    public ValueTask<byte[]?> ReadValueAsync(string name, CancellationToken cancellationToken = default) => Do(writes: false, () =>
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT value FROM shared WHERE name = $name";
        command.Parameters.AddWithValue("$name", name);
        return command.ExecuteScalar() as byte[];
    }, cancellationToken);

    public ValueTask<bool> WriteValueAsync(string name, ReadOnlyMemory<byte> value, byte[]? expected, CancellationToken cancellationToken = default)
    {
        var bytes = value.ToArray();
        return Do(writes: true, () =>
        {
            using var command = _connection.CreateCommand();
            command.CommandText = expected is null
                ? "INSERT INTO shared (name, value) VALUES ($name, $value) ON CONFLICT (name) DO NOTHING"
                : "UPDATE shared SET value = $value WHERE name = $name AND value = $expected";
            command.Parameters.AddWithValue("$name", name);
            command.Parameters.AddWithValue("$value", bytes);
            command.Parameters.AddWithValue("$expected", (object?)expected ?? DBNull.Value);
            return command.ExecuteNonQuery() == 1;
        }, cancellationToken);
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        _work.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
        foreach (var command in (SqliteCommand[])[_load, _save, _insert, _erase, _changed])
        {
            await command.DisposeAsync().ConfigureAwait(false);
        }

        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The file holds the secrets that receipts are sealed with: nobody else's eyes. SQLite gives the files beside it the same permissions.</summary>
    private static void CreatePrivate(string path)
    {
        if (!OperatingSystem.IsWindows() && !File.Exists(path))
        {
            new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }).Dispose();
        }
    }

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

        // Reads the file once. Else a torn page shows only when its users come back, long after the backup that could mend it is gone.
        return Value("PRAGMA quick_check(1)") is "ok" ? version : throw new StoreException($"The store '{path}' cannot be opened: {TornRemedy}.") { IsTorn = true };

        long Scalar(string sql) => (long)Value(sql)!;

        object? Value(string sql)
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            return command.ExecuteScalar();
        }
    }

    private void Run()
    {
        var writes = new List<Work>();
        while (_work.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            writes.Clear();
            for (var taken = 0; taken < MostAtOnce && _work.Reader.TryRead(out var work); taken++)
            {
                if (work.Writes)
                {
                    writes.Add(work);
                }
                else
                {
                    Read(work);
                }
            }

            if (writes.Count > 0)
            {
                Commit(writes);
            }
        }
    }

    // Whatever goes wrong here and in Commit goes to the callers: were it to end the loop, every later caller would wait for ever.
    private void Read(Work work)
    {
        Exception? failure = null;
        try
        {
            work.Execute();
        }
#pragma warning disable CA1031
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
        }

        work.Complete(failure is null ? null : Explain(failure, _path, "read"));
    }

    private void Commit(List<Work> batch)
    {
        Exception? failure = null;
        try
        {
            Execute(_connection, "BEGIN IMMEDIATE");
            foreach (var work in batch)
            {
                work.Execute();
            }

            Execute(_connection, "COMMIT");
            Interlocked.Increment(ref _commits);
        }
#pragma warning disable CA1031
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
            try
            {
                Execute(_connection, "ROLLBACK");
            }
            catch (SqliteException)
            {
                // SQLite has rolled back by itself.
            }
        }

        foreach (var work in batch)
        {
            work.Complete(failure is null ? null : Explain(failure, _path, "written"));
        }
    }

    private async ValueTask<T> Do<T>(bool writes, Func<T> action, CancellationToken cancellationToken)
    {
        var work = new Work<T>(writes, action);
        try
        {
            await _work.Writer.WriteAsync(work, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException e)
        {
            throw new StoreException($"The store '{_path}' is closed.", e);
        }

        // Not cancelled from here on: what is on its way to disk cannot be called back, and its answer must not be lost.
        return await work.Task.ConfigureAwait(false);
    }

    private SqliteCommand Command(string text, params string[] parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = text;
        foreach (var name in parameters)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = name });
        }

        return command;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static byte[] Bytes(UserKey key)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, key.Tenant);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), key.User);
        return bytes;
    }

    private static StoredUser Record(SqliteDataReader row, int at) => new((byte[])row[at], row.GetInt64(at + 1), row.GetInt64(at + 2));

    private static StoreException Explain(Exception e, string path, string done)
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
        return new StoreException($"The store '{path}' cannot be {done}: {remedy}. ({e.Message.TrimEnd('.')})", e) { IsTorn = remedy == TornRemedy };
    }

    private abstract class Work(bool writes)
    {
        public bool Writes { get; } = writes;

        public abstract void Execute();

        public abstract void Complete(Exception? failure);
    }

    private sealed class Work<T>(bool writes, Func<T> action) : Work(writes)
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;

        public Task<T> Task => _done.Task;

        public override void Execute() => _result = action();

        public override void Complete(Exception? failure)
        {
            if (failure is not null)
            {
                _done.SetException(failure);
            }
            else
            {
                _done.SetResult(_result!);
            }
        }
    }
}
