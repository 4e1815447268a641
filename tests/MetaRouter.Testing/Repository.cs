namespace MetaRouter.Testing;

/// <summary>The repository's files, read as text: what is checked holds also of projects that were not built.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    public static string Read(params string[] path) => File.ReadAllText(Path.Combine([Root, .. path]));

    /// <summary>All C# of some folders.</summary>
    public static string Code(params string[] folders) => string.Join('\n', folders.SelectMany(folder => Files(folder, "*.cs")).Select(File.ReadAllText));

    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Where(f => !Path.GetRelativePath(Root, f).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
            .Order(StringComparer.Ordinal);

    private static string Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "MetaRouter.Cluster.sln")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException($"No MetaRouter.Cluster.sln above '{AppContext.BaseDirectory}'; run the tests from within the repository.");
    }
}
