using System.Text;
using System.Text.Unicode;

namespace MetaRouter.Evaluation.Data;

/// <summary>A line of a .txt file.</summary>
internal static class PlainLine
{
    public static bool IsIn(string path) => path.EndsWith(".txt", StringComparison.OrdinalIgnoreCase);

    /// <exception cref="FormatException">It is no UTF-8: UTF-16, which editors and spreadsheets save too, is all ASCII and zeros to who takes it for UTF-8.</exception>
    public static string Read(ReadOnlySpan<byte> line) =>
        Utf8.IsValid(line) && !line.Contains((byte)0) ? Encoding.UTF8.GetString(line.TrimEnd((byte)'\r')) : throw new FormatException("not text in UTF-8");
}
