using MetaRouter.Core.MetaLearning;

namespace MetaRouter.Cli;

/// <summary>The snapshot that ships beside the program; Snapshots/default.txt says what it was trained on.</summary>
internal static class DefaultSnapshot
{
    /// <exception cref="BadInputException">The file is missing or is not a whole snapshot.</exception>
    public static Snapshot Load() => Load(Path.Combine(AppContext.BaseDirectory, "Snapshots", "default.mrsnap"));

    internal static Snapshot Load(string path)
    {
        try
        {
            return SnapshotCodec.Read(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BadInputException($"{path}: no such file. Install the program again, or train a snapshot with 'metarouter train'.", e);
        }
        catch (SnapshotFormatException e)
        {
            throw new BadInputException($"{path}: {e.Message}", e);
        }
    }
}
