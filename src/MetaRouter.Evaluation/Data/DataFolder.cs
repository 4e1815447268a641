namespace MetaRouter.Evaluation.Data;

/// <summary>Where data files are found by their short names.</summary>
public static class DataFolder
{
    private static readonly string[] Suffixes = ["", ".jsonl.gz", ".jsonl", ".csv"];

    public static bool Has(string folder, string file) => Paths(folder, file).Any(File.Exists);

    /// <exception cref="DataFileException">It is no folder.</exception>
    public static void Check(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DataFileException(File.Exists(folder) ? $"{folder}: is a file; give the folder it is in with --data." : $"{folder}: no such folder. Give the folder of the outcome files with --data.");
        }
    }

    /// <summary>The path of FILE, FILE.jsonl.gz or FILE.jsonl, whichever is there first.</summary>
    /// <exception cref="DataFileException">None is there; the message lists the folder's outcome files.</exception>
    public static string Find(string folder, string file)
    {
        Check(folder);
        if (Paths(folder, file).FirstOrDefault(File.Exists) is { } path)
        {
            return path;
        }

        var others = Files(folder).ToList();
        throw new DataFileException($"{Path.Combine(folder, file)}: no such file, with or without .jsonl, .jsonl.gz or .csv. The folder has {(others.Count == 0 ? "no data file" : string.Join(", ", others))}.");
    }

    /// <summary>The name of an outcome file of the folder, to show how one is named; null: it has none.</summary>
    public static string? Example(string folder) => Files(folder).FirstOrDefault();

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder).Select(p => Path.GetFileName(p)).Where(n => n.Contains(".jsonl", StringComparison.Ordinal) || n.EndsWith(".csv", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Paths(string folder, string file) => Suffixes.Select(suffix => Path.Combine(folder, file + suffix));
}
