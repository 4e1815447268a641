using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace MetaRouter.Gateway.Http;

/// <summary>
/// Reads JSON without failing at what is wrong in it: a model's answer, which was paid for, and the parts of a request that the upstream judges. What is
/// missing or wrong reads as undefined, null or empty.
/// </summary>
internal static class LenientJson
{
    public static JsonElement Field(JsonElement of, string name)
    {
        try
        {
            return of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var value) ? value : default;
        }
        catch (InvalidOperationException)
        {
            return FieldBeside(of, name); // a name with half of a surrogate pair, which nothing can be compared with
        }
    }

    public static string? Text(JsonElement of, string name) => Field(of, name) is { ValueKind: JsonValueKind.String } text ? Text(text) : null;

    public static JsonElement.ArrayEnumerator List(JsonElement of, string name) => Field(of, name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : default;

    /// <summary>A value as it is written; half a character in it becomes a replacement character.</summary>
    public static string Raw(JsonElement value) => Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(value));

    /// <summary>Whether the text that the reader is at is this one; one with half of a surrogate pair in it is none.</summary>
    public static bool IsAt(this ref Utf8JsonReader reader, ReadOnlySpan<byte> text)
    {
        if (!reader.ValueIsEscaped)
        {
            return reader.ValueTextEquals(text);
        }

        try
        {
            return reader.ValueTextEquals(text);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Whether a value is this very text.</summary>
    public static bool Is(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && Text(value) == text;

    /// <summary>
    /// Clients and models cut texts in the middle of an emoji or of a character's bytes; the other end may refuse that, but reading need not fail: a
    /// replacement character takes its place.
    /// </summary>
    public static string Text(JsonElement text)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Unescaped(Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(text)[1..^1]));
        }
    }

    private static JsonElement FieldBeside(JsonElement of, string name)
    {
        var found = default(JsonElement);
        foreach (var field in of.EnumerateObject())
        {
            found = JsonMarshal.GetRawUtf8PropertyName(field).SequenceEqual(Encoding.UTF8.GetBytes(name)) ? field.Value : found;
        }

        return found;
    }

    /// <param name="text">The text between its quotes; the parser has checked that its escapes are whole.</param>
    private static string Unescaped(ReadOnlySpan<char> text)
    {
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                plain.Append(text[i]);
                continue;
            }

            var escape = text[++i];
            plain.Append(escape switch
            {
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => (char)ushort.Parse(text.Slice(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                _ => escape,
            });
            i += escape == 'u' ? 4 : 0;
        }

        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(plain.ToString())); // halves of a pair become replacement characters
    }
}
