using System.Text.Json;

namespace MetaRouter.Evaluation.Data;

/// <summary>What is wrong with a line of JSON, for somebody who looks at the line: the parser counts lines within it, from 0, and the reader names the line of the file.</summary>
public static class JsonProblem
{
    public static string Of(Exception e)
    {
        ArgumentNullException.ThrowIfNull(e);
        var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var what = (end < 0 ? e.Message : e.Message[..end]).TrimEnd('.');
        return e is JsonException { BytePositionInLine: { } at } ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{what}, at byte {at + 1}") : what;
    }
}
