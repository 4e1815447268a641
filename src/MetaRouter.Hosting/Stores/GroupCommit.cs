using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace MetaRouter.Hosting.Stores;

/// <summary>
/// One thread that owns a connection. It takes what is waiting, answers the reads, does the writes in one transaction and acknowledges them when that is on disk: under
/// load many writes share one flush (group commit), alone a write pays for its own. When a commit fails, every write in it fails and nothing of it is kept.
/// Source: DeWitt, Katz, Olken, Shapiro, Stonebraker and Wood, "Implementation techniques for main memory database systems", SIGMOD 1984.
/// </summary>
internal sealed class GroupCommit : IAsyncDisposable
{
    private const int MostAtOnce = 2048; // reads too: else a stream of reads would keep the writes waiting

    private readonly string _path;
    private readonly SqliteConnection _connection;
    private readonly Channel<Work> _work = Channel.CreateBounded<Work>(new BoundedChannelOptions(16_384) { SingleReader = true });
    private readonly Task _loop;
    private long _commits;

    /// <param name="path">The store's name in error messages.</param>
    public GroupCommit(string path, SqliteConnection connection)
    {
        (_path, _connection) = (path, connection);
        _loop = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Transactions so far: fewer than writes when writes share them.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>What needs the connection, done on its thread.</summary>
    /// <exception cref="StoreException">It could not be done, or the store is closed.</exception>
    public async ValueTask<T> Do<T>(bool writes, Func<T> action, CancellationToken cancellationToken)
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

    /// <summary>Does what is waiting and ends. The connection is the caller's to close.</summary>
    public async ValueTask DisposeAsync()
    {
        _work.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
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

    // What goes wrong here and in Commit goes to the callers: if it ended the loop, every later caller would wait for ever.
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

        work.Complete(failure is null ? null : SqliteFile.Explain(failure, _path, "read"));
    }

    private void Commit(List<Work> batch)
    {
        Exception? failure = null;
        try
        {
            SqliteFile.Execute(_connection, "BEGIN IMMEDIATE");
            foreach (var work in batch)
            {
                work.Execute();
            }

            SqliteFile.ShouldBeInPlace(_connection, _path);
            SqliteFile.Execute(_connection, "COMMIT");
            Interlocked.Increment(ref _commits);
        }
#pragma warning disable CA1031
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
            try
            {
                SqliteFile.Execute(_connection, "ROLLBACK");
            }
            catch (SqliteException)
            {
                // SQLite has rolled back by itself.
            }
        }

        foreach (var work in batch)
        {
            work.Complete(failure is null or StoreException ? failure : SqliteFile.Explain(failure, _path, "written"));
        }
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
