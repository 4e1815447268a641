using System.Buffers.Binary;
using Microsoft.Data.Sqlite;

namespace MetaRouter.Hosting.Stores;

/// <summary>
/// Users in one SQLite file, for one process: WAL, <c>synchronous=FULL</c>, exclusive locking. A write that was acknowledged survives a crash of the
/// process and of the machine, as far as the disk keeps what it says it wrote.
/// </summary>
/// <remarks>
/// One thread owns the one connection (<see cref="GroupCommit"/>). The etag is the write's place in the order of all writes, so a new record is never mistaken for a purged one.
/// </remarks>
public sealed class SqliteUserStore : IUserStore, IDisposable
{
    internal const string Purge = "DELETE FROM users WHERE erased_ms > 0 AND erased_ms < $before AND length(state) = 0";

    private readonly string _path;
    private readonly SqliteConnection _connection;
    private readonly GroupCommit _turns;
    private readonly SqliteCommand _load, _save, _insert, _erase, _changed;
    private long _sequence;

    private SqliteUserStore(string path, SqliteConnection connection)
    {
        (_path, _connection) = (path, connection);
        _load = Command("SELECT state, etag, erased_ms FROM users WHERE key = $key", "$key");
        _save = Command("UPDATE users SET state = $state, etag = $seq, seq = $seq WHERE key = $key AND etag = $etag", "$key", "$state", "$etag", "$seq");
        _insert = Command("INSERT INTO users (key, state, etag, erased_ms, seq) VALUES ($key, $state, $seq, 0, $seq) ON CONFLICT (key) DO NOTHING", "$key", "$state", "$seq");
        _erase = Command(
            "INSERT INTO users (key, state, etag, erased_ms, seq) VALUES ($key, x'', $seq, $now, $seq) ON CONFLICT (key) DO UPDATE SET state = x'', "
                + "etag = $seq, erased_ms = max(erased_ms + 1, $now), seq = $seq; DELETE FROM quarantine WHERE key = $key",
            "$key", "$now", "$seq");
        _changed = Command("SELECT key, state, etag, erased_ms, seq FROM users WHERE seq > $seq ORDER BY seq LIMIT $limit", "$seq", "$limit");
        using var last = connection.CreateCommand();
        last.CommandText = "SELECT coalesce(max(seq), 0) FROM users";
        _sequence = (long)last.ExecuteScalar()!;
        _turns = new GroupCommit(path, connection);
    }

    /// <summary>Transactions so far: fewer than writes when writes share them.</summary>
    public long Commits => _turns.Commits;

    /// <summary>Opens or creates the file.</summary>
    /// <exception cref="StoreException">In use by another process, not a database of ours, torn, read-only, or of a later version.</exception>
    public static SqliteUserStore Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = Path.GetFullPath(path); // also keeps SQLite from reading a meaning into names such as ":memory:"
        var connection = SqliteFile.Open(path);
        try
        {
            return new SqliteUserStore(path, connection);
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw SqliteFile.Explain(e, path, "opened");
        }
    }

    public ValueTask<StoredUser> LoadAsync(UserKey key, CancellationToken cancellationToken = default) => _turns.Do(writes: false, () =>
    {
        _load.Parameters[0].Value = Bytes(key);
        using var row = _load.ExecuteReader();
        return row.Read() ? Record(row, 0) : StoredUser.None;
    }, cancellationToken);

    public ValueTask<long> SaveAsync(UserKey key, ReadOnlyMemory<byte> state, long etag, CancellationToken cancellationToken = default)
    {
        var bytes = state.ToArray();
        return _turns.Do(writes: true, () =>
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

    public async ValueTask EraseAsync(UserKey key, long nowMs, CancellationToken cancellationToken = default) => await _turns.Do(writes: true, () =>
    {
        _erase.Parameters["$key"].Value = Bytes(key);
        _erase.Parameters["$now"].Value = nowMs;
        _erase.Parameters["$seq"].Value = ++_sequence;
        return _erase.ExecuteNonQuery();
    }, cancellationToken).ConfigureAwait(false);

    public async ValueTask QuarantineAsync(UserKey key, StoredUser record, string reason, long nowMs, CancellationToken cancellationToken = default) => await _turns.Do(writes: true, () =>
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
    public ValueTask<int> CountQuarantinedAsync(CancellationToken cancellationToken = default) => _turns.Do(writes: false, () =>
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM quarantine";
        return (int)(long)command.ExecuteScalar()!;
    }, cancellationToken);

    public ValueTask<IReadOnlyList<ChangedUser>> ChangedAsync(long sequence, int limit, CancellationToken cancellationToken = default) => _turns.Do<IReadOnlyList<ChangedUser>>(writes: false, () =>
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

    public ValueTask<int> PurgeTombstonesAsync(long beforeMs, CancellationToken cancellationToken = default) => _turns.Do(writes: true, () =>
    {
        using var command = _connection.CreateCommand();
        command.CommandText = Purge;
        command.Parameters.AddWithValue("$before", beforeMs);
        return command.ExecuteNonQuery();
    }, cancellationToken);

    public ValueTask<byte[]?> ReadValueAsync(string name, CancellationToken cancellationToken = default) => _turns.Do(writes: false, () =>
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT value FROM shared WHERE name = $name";
        command.Parameters.AddWithValue("$name", name);
        return command.ExecuteScalar() as byte[];
    }, cancellationToken);

    public ValueTask<bool> WriteValueAsync(string name, ReadOnlyMemory<byte> value, byte[]? expected, CancellationToken cancellationToken = default)
    {
        var bytes = value.ToArray();
        return _turns.Do(writes: true, () =>
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

    public ValueTask<bool> RemoveValueAsync(string name, byte[] expected, CancellationToken cancellationToken = default) => _turns.Do(writes: true, () =>
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "DELETE FROM shared WHERE name = $name AND value = $expected";
        command.Parameters.AddWithValue("$name", name);
        command.Parameters.AddWithValue("$expected", expected);
        return command.ExecuteNonQuery() == 1;
    }, cancellationToken);

    /// <summary>Writes a copy of all that was acknowledged so far into a file of its own, which only its owner may read, named by the store's name and the time. Saves go on meanwhile.</summary>
    /// <param name="folder">Made if it is not there.</param>
    /// <exception cref="StoreException">The copy could not be made; nothing of it is left.</exception>
    public Task<StoreBackup> BackUpAsync(string folder, DateTimeOffset now, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return SqliteBackup.MakeAsync(_connection, _turns, _path, folder, now, cancellationToken);
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        await _turns.DisposeAsync().ConfigureAwait(false);
        foreach (var command in (SqliteCommand[])[_load, _save, _insert, _erase, _changed])
        {
            await command.DisposeAsync().ConfigureAwait(false);
        }

        await _connection.DisposeAsync().ConfigureAwait(false);
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

    private static byte[] Bytes(UserKey key)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, key.Tenant);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), key.User);
        return bytes;
    }

    private static StoredUser Record(SqliteDataReader row, int at) => new((byte[])row[at], row.GetInt64(at + 1), row.GetInt64(at + 2));
}
