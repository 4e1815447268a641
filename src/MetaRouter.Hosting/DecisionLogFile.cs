namespace MetaRouter.Hosting;

/// <summary>The file of a <see cref="DecisionLog"/>, open for appending whole lines, by one process at a time.</summary>
internal sealed class DecisionLogFile : IAsyncDisposable
{
    private readonly string _path;
    private readonly FileStream _file;
    private readonly FileStream? _lock;

    private DecisionLogFile(string path, FileStream file, FileStream? @lock) => (_path, _file, _lock) = (path, file, @lock);

    /// <summary>Where the next line begins, in bytes.</summary>
    public long Position => _file.Position;

    /// <summary>False: it was moved, deleted, replaced or emptied, as when logs are rotated. Nobody else writes it, so its length must be what it was left at.</summary>
    public bool IsInPlace => new FileInfo(_path) is { Exists: true } there && (there.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? there).Length == Position;

    /// <summary>Opens the file, or makes it, and goes to its end.</summary>
    /// <param name="end">Where the last whole write ends, in bytes; -1: there was none, or it is not known.</param>
    /// <param name="batch">Length of a failed write, in bytes, a part of which may lie after that; it is written again.</param>
    /// <exception cref="IOException">Or <see cref="UnauthorizedAccessException"/>: it cannot be opened, or another process writes it.</exception>
    public static DecisionLogFile Open(string path, long end, long batch)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0, useAsync: true);
        FileStream? held = null;
        try
        {
            if (!file.CanSeek)
            {
                throw new IOException($"it is a pipe or a device, and a log is read and rotated too; name a file ({MetaRouterOptions.Section}:{nameof(MetaRouterOptions.DecisionLog)})");
            }

            held = Lock(path);
            if (end >= 0 && file.Length > end && file.Length <= end + batch)
            {
                file.SetLength(end);
            }

            if (!EndsItsLine(file))
            {
                file.WriteByte((byte)'\n'); // the process died within a line: the next one must not be joined to it
            }

            return new DecisionLogFile(path, file, held);
        }
        catch
        {
            held?.Dispose();
            file.Dispose();
            throw;
        }
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> lines) => _file.WriteAsync(lines, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _file.DisposeAsync().ConfigureAwait(false);
        if (_lock is not null)
        {
            await _lock.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// An empty file beside the log, which one process holds: on Linux locking the log itself against other writers would lock out its readers too. The empty file stays
    /// when the process ends, but no longer locked.
    /// </summary>
    /// <returns>Null: the folder allows nothing to be written but the log; other writers are not kept out then.</returns>
    private static FileStream? Lock(string path)
    {
        // hidden: a pattern such as decisions.ndjson*, by which rotated logs are read, must not match it
        var beside = Path.Combine(Path.GetDirectoryName(path) ?? "", $".{Path.GetFileName(path)}.lock");
        try
        {
            return new FileStream(beside, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
        catch (IOException e) when (File.Exists(beside))
        {
            throw new IOException($"another process writes it; give each a file of its own ({MetaRouterOptions.Section}:{nameof(MetaRouterOptions.DecisionLog)})", e);
        }
    }

    /// <summary>Leaves the file at its end.</summary>
    private static bool EndsItsLine(FileStream file)
    {
        if (file.Length == 0)
        {
            return true;
        }

        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() == '\n';
    }
}
