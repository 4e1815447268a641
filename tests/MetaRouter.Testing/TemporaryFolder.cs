using System.IO.Compression;
using System.Text;

namespace MetaRouter.Testing;

/// <summary>A folder of one's own under the system's temporary one; it goes, with all that is in it, when this is disposed.</summary>
public sealed class TemporaryFolder : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public string Path { get; } = Directory.CreateTempSubdirectory("metarouter-").FullName;

    /// <summary>The path of a file in it, there or not.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file of lines as UTF-8, with a line feed after each; packed where the name ends in <c>.gz</c>.</summary>
    /// <returns>Its path.</returns>
    public string Write(string name, params string[] lines)
    {
        var path = File(name);
        using Stream file = System.IO.File.Create(path);
        using var packed = name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionLevel.Fastest) : null;
        (packed ?? file).Write(Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"));
        return path;
    }

    /// <exception cref="IOException">A second later something in it is still being written.</exception>
    public void Dispose()
    {
        // What a killed program started, such as a browser, ends a moment after it.
        if (!SpinWait.SpinUntil(IsGone, Patience))
        {
            Directory.Delete(Path, recursive: true);
        }
    }

    private bool IsGone()
    {
        try
        {
            if (Directory.Exists(Path))
            {
                Directory.Delete(Path, recursive: true);
            }

            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
