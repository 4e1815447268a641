namespace MetaRouter.Cli;

/// <summary>
/// A file that appears whole or not at all: written under another name in the same folder, then moved over the old one.
/// Disposed before <see cref="Commit"/>, it leaves nothing behind.
/// </summary>
internal sealed class ReplacementFile : IDisposable
{
    private readonly string _path, _temporary;
    private readonly FileStream _stream;

    private ReplacementFile(string path, string temporary, FileStream stream) => (_path, _temporary, _stream) = (path, temporary, stream);

    /// <exception cref="BadInputException">No file can be written there; the message says why.</exception>
    public static ReplacementFile Create(string path)
    {
        if (Path.GetFileName(path).Length == 0 || Directory.Exists(path))
        {
            throw new BadInputException($"{path}: is a folder; give the name of a file.");
        }

        // For root, a file moved over it would replace /dev/null for every program of the machine. Below /dev/shm are ordinary files.
        if (Path.GetFullPath(path) is var full && full.StartsWith("/dev/", StringComparison.Ordinal) && !full.StartsWith("/dev/shm/", StringComparison.Ordinal))
        {
            throw new BadInputException($"{path}: is a device, not a file; give the name of a file.");
        }

        var temporary = Path.Combine(Path.GetDirectoryName(path) ?? "", $".{Path.GetFileName(path)}.{Path.GetRandomFileName()}.tmp");
        try
        {
            return new ReplacementFile(path, temporary, new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None));
        }
        catch (DirectoryNotFoundException e)
        {
            throw new BadInputException($"{path}: cannot be written: its folder does not exist.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new BadInputException($"{path}: cannot be written: {e.Message}", e);
        }
    }

    public void Write(ReadOnlySpan<byte> bytes) => _stream.Write(bytes);

    public void Commit()
    {
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
        File.Move(_temporary, _path, overwrite: true);
    }

    public void Dispose()
    {
        _stream.Dispose();
        File.Delete(_temporary); // no error if it was moved
    }
}
