using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using static MetaRouter.Gateway.Http.StrictJson;

namespace MetaRouter.Gateway.Messages;

/// <summary>The messages of a conversation as chat messages: texts, images, documents, tool calls and their results, which are messages of their own in a chat request.</summary>
internal static class MessagesInput
{
    private const string Content = "messages.content", Source = $"{Content}.source";

    /// <summary>Text beside tool results begins no turn: clients put their own notes there. An upstream that paused over its own tools is sent what it said, to go on.</summary>
    public static bool HasResults(JsonElement message) =>
        Find(message, "messages", "content") is { ValueKind: JsonValueKind.Array } blocks && blocks.EnumerateArray().Any(b => TypeOf(b, Content) is "tool_result" or "server_tool_use");

    /// <exception cref="ApiException">400: not one of Anthropic's messages.</exception>
    public static void Write(Utf8JsonWriter to, JsonElement message, Untranslated lost)
    {
        var role = Find(message, "messages", "role") is { ValueKind: JsonValueKind.String } r ? r.GetString() : null;
        if (role is not ("user" or "assistant" or "system"))
        {
            throw Fields.Wrong("messages", message, "a list of objects with a role, user, assistant or system, and content");
        }

        var content = Find(message, "messages", "content") ?? throw ApiException.Missing(Content, "a text or a list of blocks");
        if (role == "system")
        {
            ChatPieces.Message(to, role, Texts(content, Content, lost));
            return;
        }

        JsonElement[] blocks = content.ValueKind == JsonValueKind.String ? [] : [.. List(content, Content)];
        if (role == "assistant")
        {
            Assistant(to, content, blocks, lost);
        }
        else
        {
            User(to, content, blocks, lost);
        }
    }

    /// <summary>
    /// Tool results become messages of their own, before what the user says beside them. They may hold texts only, so anything else that tools show goes into a user message.
    /// </summary>
    private static void User(Utf8JsonWriter to, JsonElement content, JsonElement[] blocks, Untranslated lost)
    {
        var rest = new List<JsonElement>();
        foreach (var result in blocks.Where(b => TypeOf(b, Content) == "tool_result"))
        {
            var given = Find(result, Content, "content") is { } said ? Texts(said, "messages.content.content", lost, rest) : "";
            var failed = Find(result, Content, "is_error") is { ValueKind: JsonValueKind.True };
            ChatPieces.Result(to, Word(result, "tool_use_id"), failed ? $"[the tool failed]\n{given}" : given);
        }

        rest.AddRange(blocks.Where(b => TypeOf(b, Content) != "tool_result"));
        if (rest.Count == 0 && blocks.Length > 0)
        {
            return;
        }

        to.WriteStartObject();
        to.WriteString("role", "user");
        if (content.ValueKind == JsonValueKind.String)
        {
            to.WriteString("content", Fields.Text(Content, content));
        }
        else if (rest.TrueForAll(b => TypeOf(b, Content) == "text"))
        {
            to.WriteString("content", string.Join('\n', rest.Select(b => Word(b, "text")))); // not every upstream takes a list of parts
        }
        else
        {
            to.WriteStartArray("content");
            foreach (var block in rest)
            {
                Part(to, block, lost);
            }

            to.WriteEndArray();
        }

        to.WriteEndObject();
    }

    private static void Assistant(Utf8JsonWriter to, JsonElement content, JsonElement[] blocks, Untranslated lost)
    {
        foreach (var block in blocks.Where(b => TypeOf(b, Content) is not ("text" or "tool_use" or "thinking" or "redacted_thinking")))
        {
            lost.Note(Content, $"An assistant's message has a block of the type '{TypeOf(block, Content)}'; upstreams take text and tool_use there. Leave it out.");
        }

        to.WriteStartObject();
        to.WriteString("role", "assistant");
        var calls = Array.FindAll(blocks, b => TypeOf(b, Content) == "tool_use");
        var text = content.ValueKind == JsonValueKind.String ? Fields.Text(Content, content) : string.Concat(blocks.Where(b => TypeOf(b, Content) == "text").Select(b => Word(b, "text")));
        ChatPieces.Content(to, text, calls.Length > 0);
        if (calls.Length > 0)
        {
            to.WriteStartArray("tool_calls");
            foreach (var call in calls)
            {
                ChatPieces.Call(to, Word(call, "id"), Word(call, "name"), Find(call, Content, "input")?.GetRawText() ?? "{}");
            }

            to.WriteEndArray();
        }

        to.WriteEndObject();
    }

    private static void Part(Utf8JsonWriter to, JsonElement block, Untranslated lost)
    {
        switch (TypeOf(block, Content))
        {
            case "text":
                ChatPieces.TextPart(to, Word(block, "text"));
                break;
            case "image":
                var source = Find(block, Content, "source") ?? throw ApiException.Missing(Source, "the image as {\"type\":\"base64\",\"media_type\",\"data\"} or {\"type\":\"url\",\"url\"}");
                ChatPieces.ImagePart(to, TypeOf(source, Source) switch
                {
                    "base64" => Inline(source),
                    "url" => Word(source, "url"),
                    var other => Lost(other),
                });
                break;
            case "document":
                Document(to, block, lost);
                break;
            case var other:
                lost.Note(Content, $"A user's message has a block of the type '{other}'; upstreams take text, image, document and tool_result. Send what it says as text.");
                break;
        }

        string Lost(string type)
        {
            lost.Note(Source, $"An image's source has the type '{type}'; upstreams take base64 and url. Send it as one of them.");
            return "";
        }
    }

    private static void Document(Utf8JsonWriter to, JsonElement block, Untranslated lost)
    {
        var source = Find(block, Content, "source")
            ?? throw ApiException.Missing(Source, "the document as {\"type\":\"base64\",\"media_type\",\"data\"} or {\"type\":\"text\",\"media_type\",\"data\"}");
        var title = Find(block, Content, "title") is { ValueKind: JsonValueKind.String } named ? Fields.Text("title", named) : null;
        switch (TypeOf(source, Source))
        {
            case "base64":
                ChatPieces.FilePart(to, title ?? "document.pdf", Inline(source));
                break;
            case "text":
                ChatPieces.TextPart(to, title is null ? Word(source, "data") : $"{title}\n{Word(source, "data")}");
                break;
            case var other:
                lost.Note(Source, $"A document's source has the type '{other}'; upstreams take base64 and text. Send it as one of them.");
                break;
        }
    }

    private static string Inline(JsonElement source) => $"data:{Word(source, "media_type")};base64,{Word(source, "data")}";

    /// <summary>A text, or the texts of a list of text blocks.</summary>
    /// <param name="shown">Receives the blocks to be shown elsewhere, images and documents, with a number left in place of each; null: there must be none.</param>
    public static string Texts(JsonElement value, string name, Untranslated lost, List<JsonElement>? shown = null)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            return Fields.Text(name, value);
        }

        var texts = new List<string>();
        foreach (var block in List(value, name))
        {
            switch (TypeOf(block, name))
            {
                case "text":
                    texts.Add(Word(block, "text"));
                    break;
                case ("image" or "document") and var type when shown is not null:
                    shown.Add(block);
                    texts.Add(ChatPieces.Elsewhere(type, shown.Count));
                    break;
                case var other:
                    lost.Note(name, $"'{name}' has a block of the type '{other}'; upstreams take text there. Send what it says as text.");
                    break;
            }
        }

        return string.Join('\n', texts);
    }
}
