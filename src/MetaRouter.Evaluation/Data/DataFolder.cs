namespace MetaRouter.Evaluation.Data;

/// <summary>Where data files are found by their short names.</summary>
public static class DataFolder
{
    /// <summary>What data files are, for people.</summary>
    internal const string Kinds = ".jsonl, .csv or .tsv, each plain or as .gz";

    private const string Zipped = ".gz", Lines = ".jsonl";
    private static readonly string[] s_tables = [".csv", ".tsv"];
    private static readonly string[] s_suffixes = ["", .. ((string[])[Lines, .. s_tables]).SelectMany(end => (string[])[end + Zipped, end])];

    /// <summary>A table by its name; other data files have a JSON object a line.</summary>
    internal static bool IsTable(string path) => EndOf(path) is { } end && !end.StartsWith(Lines, StringComparison.OrdinalIgnoreCase);

    internal static bool IsData(string path) => EndOf(path) is not null;

    /// <summary>A file's name without what says its kind.</summary>
    internal static string NameOf(string path)
    {
        var name = Path.GetFileName(path);
        var lines = name.IndexOf(Lines, StringComparison.OrdinalIgnoreCase);
        return lines > 0 ? name[..lines] : EndOf(name) is { } end ? name[..^end.Length] : name;
    }

    private static string? EndOf(string path) => s_suffixes.FirstOrDefault(s => s.Length > 0 && path.EndsWith(s, StringComparison.OrdinalIgnoreCase));

    public static bool Has(string folder, string file) => Paths(folder, file).Any(File.Exists);

    /// <exception cref="DataFileException">It is no folder.</exception>
    public static void Check(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DataFileException(File.Exists(folder)
                ? $"{folder}: is a file; give the folder it is in with --data."
                : $"{folder}: no such folder. Give the folder of the outcome files with --data.");
        }
    }

    /// <summary>The path of FILE, or of FILE with the end of a data file's name, whichever is there first.</summary>
    /// <exception cref="DataFileException">None is there; the message lists the folder's outcome files.</exception>
    public static string Find(string folder, string file)
    {
        Check(folder);
        if (Paths(folder, file).FirstOrDefault(File.Exists) is { } path)
        {
            return path;
        }

        var others = Files(folder).ToList();
        throw new DataFileException(
            $"{Path.Combine(folder, file)}: no such file, with or without the end of its name ({Kinds}). The folder has {(others.Count == 0 ? "no data file" : string.Join(", ", others))}.");
    }

    /// <summary>The name of an outcome file of the folder, to show how one is named; null: it has none.</summary>
    public static string? Example(string folder) => Files(folder).FirstOrDefault();

    /// <summary>The names of the folder's data files, in order.</summary>
    internal static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder).Select(p => Path.GetFileName(p)).Where(IsData).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Paths(string folder, string file) => s_suffixes.Select(suffix => Path.Combine(folder, file + suffix));
}
