using System.Text;
using System.Text.Json;
using MetaRouter.Evaluation.Grading;

namespace MetaRouter.Cli.Grading;

/// <summary>An outcome file that grows by a line for each graded answer, on the disk at once, so that a run which is broken off goes on where it was.</summary>
internal sealed class OutcomeLog : IDisposable
{
    private const string Kind = ".jsonl";

    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly FileStream _file;
    private readonly List<GradedCell> _cells;

    private OutcomeLog(string path, List<GradedCell> cells, FileStream file) => (_path, _cells, _file) = (path, cells, file);

    /// <summary>What the file has, lines of earlier runs first.</summary>
    public IReadOnlyList<GradedCell> Cells => _cells;

    /// <exception cref="BadInputException">No such file can be written there; the message says why.</exception>
    public static OutcomeLog Open(string path)
    {
        if (!path.EndsWith(Kind, StringComparison.OrdinalIgnoreCase))
        {
            throw new BadInputException($"--out {path}: outcomes are written as JSON lines; give a name that ends in {Kind}.");
        }

        try
        {
            var cells = File.Exists(path) ? GradedCell.Read(path).ToList() : [];
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            EndLastLine(file);
            return new OutcomeLog(path, cells, file);
        }
        catch (DirectoryNotFoundException e)
        {
            throw new BadInputException($"{path}: cannot be written: its folder does not exist.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new BadInputException($"{path}: cannot be written: {(Directory.Exists(path) ? "it is a folder." : e.Message)}", e);
        }
    }

    public void Add(GradedCell cell)
    {
        lock (_gate)
        {
            try
            {
                _file.Write(Encoding.UTF8.GetBytes(cell.ToLine() + "\n"));
                _file.Flush(flushToDisk: true);
                _cells.Add(cell);
            }
            catch (IOException e)
            {
                throw new BadInputException($"{_path}: cannot be written: {e.Message}", e);
            }
        }
    }

    /// <summary>A file that nothing came into is not left behind.</summary>
    public void Dispose()
    {
        var isEmpty = _file.Length == 0;
        _file.Dispose();
        if (isEmpty)
        {
            File.Delete(_path);
        }
    }

    /// <summary>A line without an end is somebody's own, or what a full disk left of one: that is taken away.</summary>
    private static void EndLastLine(FileStream file)
    {
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        if (bytes is [] or [.., (byte)'\n'])
        {
            return;
        }

        var begins = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        try
        {
            using var whole = JsonDocument.Parse(bytes.AsMemory(begins));
            file.WriteByte((byte)'\n');
        }
        catch (JsonException)
        {
            file.SetLength(begins);
            file.Position = begins;
        }
    }
}
