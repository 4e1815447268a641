using System.Buffers;
using System.Text;
using System.Text.Json;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Chat;

/// <summary>Changes single values of a JSON object in place, and no other byte.</summary>
internal static class JsonSplice
{
    /// <summary>Where the value of a top-level field stands.</summary>
    /// <exception cref="JsonException">Not an object, or not JSON.</exception>
    public static (Range Value, int Count) Find(ReadOnlySpan<byte> json, ReadOnlySpan<byte> field)
    {
        var reader = new Utf8JsonReader(json);
        var (found, count) = (default(Range), 0);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("The text is not a JSON object.");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var hit = reader.IsAt(field);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (hit)
            {
                (found, count) = (start..(int)reader.BytesConsumed, count + 1);
            }
        }

        return (found, count);
    }

    /// <summary>The characters of receipts and of most models' names, which JSON does not escape.</summary>
    private static readonly SearchValues<char> s_plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:");

    /// <summary>A text as JSON.</summary>
    public static byte[] Quoted(string value)
    {
        if (!value.AsSpan().ContainsAnyExcept(s_plain))
        {
            var quoted = new byte[value.Length + 2];
            quoted[0] = quoted[^1] = (byte)'"';
            Encoding.ASCII.GetBytes(value, quoted.AsSpan(1));
            return quoted;
        }

        var text = JsonEncodedText.Encode(value).EncodedUtf8Bytes;
        return [(byte)'"', .. text, (byte)'"'];
    }

    /// <summary>The text with the value in this range replaced.</summary>
    public static byte[] Put(ReadOnlySpan<byte> json, Range at, ReadOnlySpan<byte> value) => [.. json[..at.Start], .. value, .. json[at.End..]];

    /// <summary>The object with one more field, the first.</summary>
    /// <param name="field">Name, colon and value.</param>
    public static byte[] Prepend(ReadOnlySpan<byte> json, ReadOnlySpan<byte> field)
    {
        var brace = json.IndexOf((byte)'{') + 1;
        var isEmpty = json[brace..].TrimStart(" \t\r\n"u8)[0] == (byte)'}';
        return [.. json[..brace], .. field, .. isEmpty ? ""u8 : ","u8, .. json[brace..]];
    }

    /// <summary>The object with a top-level field renamed; unchanged if it has no such field.</summary>
    public static byte[] Rename(byte[] json, ReadOnlySpan<byte> field, ReadOnlySpan<byte> name)
    {
        var (at, count) = Find(json, field);
        if (count == 0)
        {
            return json;
        }

        var before = json.AsSpan(..at.Start);
        var end = before.LastIndexOf((byte)'"'); // between it and the value are a colon and white space
        var start = before[..end].LastIndexOf((byte)'"') + 1;
        return [.. before[..start], .. name, .. json.AsSpan(end)];
    }

    /// <summary>The object with a top-level field set to a text; a field that is not there comes first.</summary>
    public static byte[] Set(ReadOnlySpan<byte> json, string field, string value)
    {
        var (at, count) = Find(json, Encoding.UTF8.GetBytes(field));
        var text = Quoted(value);
        if (count > 0)
        {
            return Put(json, at, text);
        }

        return Prepend(json, [.. Encoding.UTF8.GetBytes($"\"{field}\":"), .. text]);
    }
}
