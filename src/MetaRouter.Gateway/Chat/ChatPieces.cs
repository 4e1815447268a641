using System.Text.Encodings.Web;
using System.Text.Json;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Chat;

/// <summary>Writes the pieces of a chat request to which a request of another API is translated.</summary>
internal static class ChatPieces
{
    /// <summary>Texts stay as they are, as far as JSON lets them.</summary>
    public static JsonWriterOptions Readable { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Message(Utf8JsonWriter to, string role, string text)
    {
        to.WriteStartObject();
        to.WriteString("role", role);
        to.WriteString("content", text);
        to.WriteEndObject();
    }

    /// <summary>A tool's result.</summary>
    public static void Result(Utf8JsonWriter to, string callId, string text)
    {
        to.WriteStartObject();
        to.WriteString("role", "tool");
        to.WriteString("tool_call_id", callId);
        to.WriteString("content", text);
        to.WriteEndObject();
    }

    /// <summary>An assistant's content: where there are only tool calls it is null, not an empty text.</summary>
    public static void Content(Utf8JsonWriter to, string text, bool calls)
    {
        if (text.Length > 0 || !calls)
        {
            to.WriteString("content", text);
        }
        else
        {
            to.WriteNull("content");
        }
    }

    public static void TextPart(Utf8JsonWriter to, string text)
    {
        to.WriteStartObject();
        to.WriteString("type", "text");
        to.WriteString("text", text);
        to.WriteEndObject();
    }

    /// <param name="detail">How closely the model is to look; null: not stated.</param>
    public static void ImagePart(Utf8JsonWriter to, string url, string? detail = null)
    {
        to.WriteStartObject();
        to.WriteString("type", "image_url");
        to.WriteStartObject("image_url");
        to.WriteString("url", url);
        if (detail is not null)
        {
            to.WriteString("detail", detail);
        }

        to.WriteEndObject();
        to.WriteEndObject();
    }

    /// <param name="name">Null: it has none.</param>
    /// <param name="data">What is in it, as a URL.</param>
    public static void FilePart(Utf8JsonWriter to, string? name, string data)
    {
        to.WriteStartObject();
        to.WriteString("type", "file");
        to.WriteStartObject("file");
        if (name is not null)
        {
            to.WriteString("filename", name);
        }

        to.WriteString("file_data", data);
        to.WriteEndObject();
        to.WriteEndObject();
    }

    /// <summary>A placeholder in a tool's result for what the next message shows.</summary>
    /// <param name="number">Its place in the message that follows, from 1.</param>
    public static string Elsewhere(string kind, int number) => FormattableString.Invariant($"[{kind} {number} of the next message]");

    public static void Call(Utf8JsonWriter to, string id, string name, string arguments)
    {
        to.WriteStartObject();
        to.WriteString("id", id);
        to.WriteString("type", "function");
        to.WriteStartObject("function");
        to.WriteString("name", name);
        to.WriteString("arguments", arguments);
        to.WriteEndObject();
        to.WriteEndObject();
    }

    /// <param name="tool">Holds the description, and whether arguments must follow the schema.</param>
    /// <param name="parameters">The name of its field with the schema.</param>
    public static void Function(Utf8JsonWriter to, string name, JsonElement tool, string parameters)
    {
        to.WriteStartObject();
        to.WriteString("type", "function");
        to.WriteStartObject("function");
        to.WriteString("name", name);
        if (StrictJson.Find(tool, "tools", "description") is { ValueKind: JsonValueKind.String } description)
        {
            to.WriteString("description", Fields.Text("tools.description", description));
        }

        if (StrictJson.Find(tool, "tools", parameters) is { } schema)
        {
            to.WritePropertyName("parameters");
            schema.WriteTo(to);
        }

        if (StrictJson.Find(tool, "tools", "strict") is { ValueKind: JsonValueKind.True or JsonValueKind.False } strict)
        {
            to.WriteBoolean("strict", strict.GetBoolean());
        }

        to.WriteEndObject();
        to.WriteEndObject();
    }

    /// <param name="type">function or custom.</param>
    public static void Named(Utf8JsonWriter to, string type, string name)
    {
        to.WriteStartObject();
        to.WriteString("type", type);
        to.WriteStartObject(type);
        to.WriteString("name", name);
        to.WriteEndObject();
        to.WriteEndObject();
    }

    /// <summary>Copies a field unchanged, if it is there.</summary>
    public static void Copy(Utf8JsonWriter to, Fields fields, string name, string upstream)
    {
        if (fields.Find(name) is { } value)
        {
            to.WritePropertyName(upstream);
            value.WriteTo(to);
        }
    }

    /// <summary>For APIs whose streams always end with their counts.</summary>
    public static void Streams(Utf8JsonWriter to, Fields fields)
    {
        if (fields.Flag("stream"))
        {
            to.WriteBoolean("stream", true);
            to.WritePropertyName("stream_options");
            to.WriteRawValue("{\"include_usage\":true}"u8);
        }
    }
}
