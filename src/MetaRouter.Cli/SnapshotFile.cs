using MetaRouter.Core.MetaLearning;

namespace MetaRouter.Cli;

/// <summary>A snapshot named on the command line.</summary>
internal static class SnapshotFile
{
    /// <exception cref="BadInputException">It is not a snapshot; the message names the file.</exception>
    public static Snapshot Read(string path)
    {
        try
        {
            return SnapshotCodec.Read(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException || Directory.Exists(path))
        {
            throw new BadInputException($"{path}: {(Directory.Exists(path) ? "is a folder" : "no such file")}; give a snapshot that 'metarouter train' wrote.", e);
        }
        catch (SnapshotFormatException e)
        {
            throw new BadInputException($"{path}: {e.Message}");
        }
    }
}
