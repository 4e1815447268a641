using System.Buffers;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using static MetaRouter.Gateway.Http.Nested;

namespace MetaRouter.Gateway.Messages;

/// <summary>
/// Anthropic's request as OpenAI's, which is what upstreams speak: system texts, texts, images, documents, tools and their results, a schema for the answer. What has no
/// counterpart there is refused by name; hints (cache_control, citations, an assistant's earlier thinking, thinking where the model sees fit, effort) are left out.
/// </summary>
internal static class MessagesRequest
{
    private static readonly string[] s_fields =
    [
        "model", "messages", "max_tokens", "system", "stop_sequences", "stream", "temperature", "top_p", "metadata", "tools", "tool_choice", "thinking", "service_tier", "cache_control", "output_config", "context_management",
    ];

    /// <summary>Anthropic's own code for a request that cannot be part of a conversation it keeps; its tool runner then sends the whole conversation.</summary>
    private const string ThreadUnsupported = "thread_unsupported_request";

    /// <param name="needsLimit">Whether <c>max_tokens</c> must be there: who only asks how long a prompt is need not say it.</param>
    /// <returns>The request, the conversation it belongs to where it tells one, and its turn.</returns>
    /// <exception cref="ApiException">400: not a request of Anthropic's, or one that no OpenAI-compatible upstream can answer.</exception>
    public static (byte[] Chat, string? Session, TurnAt Turn) ToChat(byte[] body, bool needsLimit = true)
    {
        using var document = RequestBody.ParseObject(body);
        var root = document.RootElement;
        if (Find(root, "thread", "thread") is not null)
        {
            throw new ApiException(400, ErrorCodes.InvalidRequest, "unsupported_field", "'thread' goes on with a conversation that would have to be kept, and none is kept here; leave it out, and send the whole conversation in 'messages'.", "thread") { ProvidersCode = ThreadUnsupported };
        }

        CheckKnown(root, s_fields);
        var fields = new Fields(root, s_fields);
        var model = fields.Text("model") ?? throw ApiException.Missing("model", "auto to have the request routed, or the id of a model (GET /v1/models)");
        var messages = fields.Find("messages") ?? throw ApiException.Missing("messages", "a list such as [{\"role\":\"user\",\"content\":\"...\"}]");
        var most = fields.Find("max_tokens") is { } limit ? Limit("max_tokens", limit) : needsLimit ? throw ApiException.Missing("max_tokens", "the most tokens the answer may have, 1 or more") : default(int?);
        Check(fields);
        var (session, turn) = (default(string?), default(TurnAt));
        var buffer = new ArrayBufferWriter<byte>(body.Length + 256);
        using (var to = new Utf8JsonWriter(buffer, ChatPieces.Readable))
        {
            to.WriteStartObject();
            to.WriteString("model", model);
            to.WriteStartArray("messages");
            if (fields.Find("system") is { } system && Told(system) is { Length: > 0 } told)
            {
                ChatPieces.Message(to, "system", told);
            }

            foreach (var message in List(messages, "messages"))
            {
                Message(to, message);
                turn = ConversationBody.IsOf(message, "system") ? turn : turn.After(to, ConversationBody.IsOf(message, "user"), HasResults(message));
            }

            to.WriteEndArray();
            if (most is { } tokens)
            {
                to.WriteNumber("max_tokens", tokens);
            }

            ChatPieces.Copy(to, fields, "temperature", "temperature");
            ChatPieces.Copy(to, fields, "top_p", "top_p");
            ChatPieces.Copy(to, fields, "stop_sequences", "stop");
            if (fields.Find("metadata") is { } metadata && Find(metadata, "metadata", "user_id") is { } id)
            {
                (var user, session) = Asker(id.ValueKind == JsonValueKind.String ? Fields.Text("metadata.user_id", id) : throw Fields.Wrong("metadata.user_id", id, "a string"));
                to.WriteString("user", UserId.Check(user, "metadata.user_id"));
            }

            Tools(to, fields);
            Format(to, fields);
            ChatPieces.Streams(to, fields);
            to.WriteEndObject();
        }

        return (buffer.WrittenSpan.ToArray(), session, turn);
    }

    /// <summary>Without Claude Code's first block, which is for Anthropic's accounts: it differs from one request to the next, so that no upstream would have the prompt in its cache.</summary>
    private static string Told(JsonElement system)
    {
        var told = Texts(system, "system");
        return !told.StartsWith("x-anthropic-billing-header:", StringComparison.Ordinal) ? told : told.IndexOf('\n', StringComparison.Ordinal) is > 0 and var end ? told[(end + 1)..] : "";
    }

    /// <summary>What has no place in a chat request: refused where it asks for something, passed over where it does not.</summary>
    private static void Check(Fields fields)
    {
        if (fields.Find("thinking") is { } thinking && TypeOf(thinking, "thinking") is not ("disabled" or "adaptive"))
        {
            throw Unsupported("thinking", "'thinking' is on, and OpenAI-compatible upstreams do not hand their reasoning on; send {\"type\":\"adaptive\"} or {\"type\":\"disabled\"}, or leave it out.");
        }

        if (fields.Find("context_management") is { } management && Find(management, "context_management", "edits") is { } edits)
        {
            foreach (var edit in List(edits, "context_management.edits"))
            {
                if (!TypeOf(edit, "context_management.edits").StartsWith("clear_thinking_", StringComparison.Ordinal)) // of which upstreams get none anyhow
                {
                    throw Unsupported("context_management", $"'context_management' has an edit of the type '{TypeOf(edit, "context_management.edits")}', and upstreams shorten no conversation; leave it out, and send less of it.");
                }
            }
        }
    }

    /// <summary>Claude Code writes its device, the account and the session there, as an object: that is one user in many conversations, not as many users.</summary>
    private static (string User, string? Session) Asker(string id)
    {
        if (!id.StartsWith('{'))
        {
            return (id, null);
        }

        try
        {
            using var document = JsonDocument.Parse(id);
            var parts = document.RootElement;
            return Part("session_id") is { } session && (Part("account_uuid") ?? Part("device_id")) is { } user ? (user, session) : (id, null);

            string? Part(string name) => parts.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && Fields.Text("metadata.user_id", value) is { Length: > 0 } text ? text : null;
        }
        catch (JsonException)
        {
            return (id, null);
        }
    }

    private static void Format(Utf8JsonWriter to, Fields fields)
    {
        if (fields.Find("output_config") is not { } config)
        {
            return;
        }

        foreach (var field in config.ValueKind == JsonValueKind.Object ? config.EnumerateObject() : throw Fields.Wrong("output_config", config, "an object"))
        {
            if (field.Name is not ("format" or "effort"))
            {
                throw Unsupported("output_config", $"'output_config.{field.Name}' has no counterpart at OpenAI-compatible upstreams; leave it out.");
            }
        }

        if (Find(config, "output_config", "format") is { } format)
        {
            var schema = TypeOf(format, "output_config.format") == "json_schema" ? Find(format, "output_config.format", "schema") ?? throw ApiException.Missing("output_config.format.schema", "the schema of the answer")
                : throw Fields.Wrong("output_config.format", format, "an object whose type is json_schema");
            to.WriteStartObject("response_format");
            to.WriteString("type", "json_schema");
            to.WriteStartObject("json_schema");
            to.WriteString("name", "answer");
            to.WriteBoolean("strict", true); // as Anthropic's always are
            to.WritePropertyName("schema");
            schema.WriteTo(to);
            to.WriteEndObject();
            to.WriteEndObject();
        }
    }

    /// <summary>What is said beside the results of tools begins no turn: clients add what they know of the moment there.</summary>
    private static bool HasResults(JsonElement message) =>
        Find(message, "messages", "content") is { ValueKind: JsonValueKind.Array } blocks && blocks.EnumerateArray().Any(b => TypeOf(b, "messages.content") == "tool_result");

    private static void Message(Utf8JsonWriter to, JsonElement message)
    {
        var role = Find(message, "messages", "role") is { ValueKind: JsonValueKind.String } r ? r.GetString() : null;
        if (role is not ("user" or "assistant" or "system"))
        {
            throw Fields.Wrong("messages", message, "a list of objects with a role, user, assistant or system, and content");
        }

        var content = Find(message, "messages", "content") ?? throw ApiException.Missing("messages.content", "a text or a list of blocks");
        if (role == "system")
        {
            ChatPieces.Message(to, role, Texts(content, "messages.content"));
            return;
        }

        JsonElement[] blocks = content.ValueKind == JsonValueKind.String ? [] : [.. List(content, "messages.content")];
        if (role == "assistant")
        {
            Assistant(to, content, blocks);
            return;
        }

        // Results of tools are messages of their own there, and come before what the user says beside them. Only texts have a place in one, so what else tools show is shown by the user.
        var rest = new List<JsonElement>();
        foreach (var result in blocks.Where(b => TypeOf(b, "messages.content") == "tool_result"))
        {
            var given = Find(result, "messages.content", "content") is { } said ? Texts(said, "messages.content.content", rest) : "";
            var failed = Find(result, "messages.content", "is_error") is { ValueKind: JsonValueKind.True };
            ChatPieces.Result(to, Word(result, "tool_use_id"), failed ? $"[the tool failed]\n{given}" : given);
        }

        rest.AddRange(blocks.Where(b => TypeOf(b, "messages.content") != "tool_result"));
        if (rest.Count == 0 && blocks.Length > 0)
        {
            return;
        }

        to.WriteStartObject();
        to.WriteString("role", "user");
        if (content.ValueKind == JsonValueKind.String)
        {
            to.WriteString("content", Fields.Text("messages.content", content));
        }
        else if (rest.TrueForAll(b => TypeOf(b, "messages.content") == "text"))
        {
            to.WriteString("content", string.Join('\n', rest.Select(b => Word(b, "text")))); // not every upstream takes a list of parts
        }
        else
        {
            to.WriteStartArray("content");
            foreach (var block in rest)
            {
                Part(to, block);
            }

            to.WriteEndArray();
        }

        to.WriteEndObject();
    }

    private static void Assistant(Utf8JsonWriter to, JsonElement content, JsonElement[] blocks)
    {
        foreach (var block in blocks.Where(b => TypeOf(b, "messages.content") is not ("text" or "tool_use" or "thinking" or "redacted_thinking")))
        {
            throw Unsupported("messages.content", $"An assistant's message has a block of the type '{TypeOf(block, "messages.content")}'; upstreams take text and tool_use there. Leave it out.");
        }

        to.WriteStartObject();
        to.WriteString("role", "assistant");
        var calls = Array.FindAll(blocks, b => TypeOf(b, "messages.content") == "tool_use");
        var text = content.ValueKind == JsonValueKind.String ? Fields.Text("messages.content", content) : string.Concat(blocks.Where(b => TypeOf(b, "messages.content") == "text").Select(b => Word(b, "text")));
        ChatPieces.Said(to, text, calls.Length > 0);
        if (calls.Length > 0)
        {
            to.WriteStartArray("tool_calls");
            foreach (var call in calls)
            {
                ChatPieces.Call(to, Word(call, "id"), Word(call, "name"), Find(call, "messages.content", "input")?.GetRawText() ?? "{}");
            }

            to.WriteEndArray();
        }

        to.WriteEndObject();
    }

    private static void Part(Utf8JsonWriter to, JsonElement block)
    {
        switch (TypeOf(block, "messages.content"))
        {
            case "text":
                ChatPieces.TextPart(to, Word(block, "text"));
                break;
            case "image":
                var source = Find(block, "messages.content", "source") ?? throw ApiException.Missing("messages.content.source", "the image as {\"type\":\"base64\",\"media_type\",\"data\"} or {\"type\":\"url\",\"url\"}");
                ChatPieces.ImagePart(to, TypeOf(source, "messages.content.source") switch
                {
                    "base64" => Inline(source),
                    "url" => Word(source, "url"),
                    var other => throw Unsupported("messages.content.source", $"An image's source has the type '{other}'; upstreams take base64 and url. Send it as one of them."),
                });
                break;
            case "document":
                Document(to, block);
                break;
            case var other:
                throw Unsupported("messages.content", $"A user's message has a block of the type '{other}'; upstreams take text, image, document and tool_result. Send what it says as text.");
        }
    }

    private static void Document(Utf8JsonWriter to, JsonElement block)
    {
        var source = Find(block, "messages.content", "source") ?? throw ApiException.Missing("messages.content.source", "the document as {\"type\":\"base64\",\"media_type\",\"data\"} or {\"type\":\"text\",\"media_type\",\"data\"}");
        var title = Find(block, "messages.content", "title") is { ValueKind: JsonValueKind.String } named ? Fields.Text("title", named) : null;
        switch (TypeOf(source, "messages.content.source"))
        {
            case "base64":
                ChatPieces.FilePart(to, title ?? "document.pdf", Inline(source));
                break;
            case "text":
                ChatPieces.TextPart(to, title is null ? Word(source, "data") : $"{title}\n{Word(source, "data")}");
                break;
            case var other:
                throw Unsupported("messages.content.source", $"A document's source has the type '{other}'; upstreams take base64 and text. Send it as one of them.");
        }
    }

    private static string Inline(JsonElement source) => $"data:{Word(source, "media_type")};base64,{Word(source, "data")}";

    /// <summary>The tools, and what is asked of their use. Without tools upstreams refuse an empty list, and the latter too, while here both are often sent regardless.</summary>
    private static void Tools(Utf8JsonWriter to, Fields fields)
    {
        var count = 0;
        foreach (var tool in fields.Find("tools") is { } tools ? List(tools, "tools") : default)
        {
            if (Find(tool, "tools", "type") is { } type && !(type.ValueKind == JsonValueKind.String && type.ValueEquals("custom")))
            {
                throw Unsupported("tools", $"'tools' has one of the type {type.GetRawText()}, which only Anthropic runs; send tools of your own (name, description, input_schema).");
            }

            if (count++ == 0)
            {
                to.WriteStartArray("tools");
            }

            ChatPieces.Function(to, Word(tool, "name"), tool, "input_schema");
        }

        if (count > 0)
        {
            to.WriteEndArray();
        }

        if (fields.Find("tool_choice") is { } choice)
        {
            ToolChoice(to, choice, count > 0);
        }
    }

    private static void ToolChoice(Utf8JsonWriter to, JsonElement choice, bool hasTools)
    {
        switch (TypeOf(choice, "tool_choice"))
        {
            case "auto" or "none" when !hasTools:
                return;
            case "auto":
                to.WriteString("tool_choice", "auto");
                break;
            case "any":
                to.WriteString("tool_choice", "required");
                break;
            case "none":
                to.WriteString("tool_choice", "none");
                break;
            case "tool":
                to.WritePropertyName("tool_choice");
                ChatPieces.Named(to, "function", Word(choice, "name"));
                break;
            default:
                throw Fields.Wrong("tool_choice", choice, "an object whose type is auto, any, none or tool");
        }

        if (Find(choice, "tool_choice", "disable_parallel_tool_use") is { ValueKind: JsonValueKind.True })
        {
            to.WriteBoolean("parallel_tool_calls", false);
        }
    }

    /// <summary>A text, or the texts of a list of text blocks.</summary>
    /// <param name="shown">Takes the blocks that are shown elsewhere, an image or a document, with its number left in its place; null: there must be none.</param>
    private static string Texts(JsonElement value, string name, List<JsonElement>? shown = null)
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
                    throw Unsupported(name, $"'{name}' has a block of the type '{other}'; upstreams take text there. Send what it says as text.");
            }
        }

        return string.Join('\n', texts);
    }
}
