namespace MetaRouter.Evaluation.Data;

/// <summary>Where data files are found by their short names.</summary>
public static class DataFolder
{
    /// <summary>The path of FILE, FILE.jsonl.gz or FILE.jsonl, whichever is there first.</summary>
    /// <exception cref="DataFileException">None is there; the message lists the folder's outcome files.</exception>
    public static string Find(string folder, string file)
    {
        if (!Directory.Exists(folder))
        {
            throw new DataFileException($"{folder}: no such folder. Give the folder of the data files with --data.");
        }

        foreach (var suffix in (string[])["", ".jsonl.gz", ".jsonl"])
        {
            var path = Path.Combine(folder, file + suffix);
            if (File.Exists(path))
            {
                return path;
            }
        }

        var others = Directory.EnumerateFiles(folder).Select(Path.GetFileName).Where(n => n!.Contains(".jsonl", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        throw new DataFileException($"{Path.Combine(folder, file)}: no such file, with or without .jsonl or .jsonl.gz. The folder has {(others.Count == 0 ? "no data file" : string.Join(", ", others))}.");
    }
}
