using System.Buffers;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;
using static MetaRouter.Gateway.Http.StrictJson;

namespace MetaRouter.Gateway.Messages;

/// <summary>
/// Translates Anthropic's request to OpenAI's, which upstreams speak: system texts, texts, images, documents, tools and their results, a schema for the answer. What has no
/// counterpart there is noted by name; hints (cache_control, citations, an assistant's earlier thinking, adaptive thinking, effort) are left out.
/// </summary>
internal static class MessagesRequest
{
    private static readonly string[] s_fields =
    [
        "model", "messages", "max_tokens", "system", "stop_sequences", "stream", "temperature", "top_p", "metadata",
        "tools", "tool_choice", "thinking", "service_tier", "cache_control", "output_config", "context_management",
    ];

    /// <summary>Anthropic's own code for a request that cannot be part of a conversation it keeps; its tool runner then sends the whole conversation.</summary>
    private const string ThreadUnsupported = "thread_unsupported_request";

    /// <param name="needsLimit">Whether <c>max_tokens</c> is required: it is not when only a prompt's length is asked for.</param>
    /// <returns>The request, the conversation it belongs to if it names one, its turn, and the refusal if it is not all that was asked for.</returns>
    /// <exception cref="ApiException">400: not a request of Anthropic's, or one that no upstream can answer.</exception>
    public static (byte[] Chat, string? Session, TurnPosition Turn, ApiException? Refusal) ToChat(byte[] body, bool needsLimit = true)
    {
        using var document = RequestBody.ParseObject(body);
        var root = document.RootElement;
        if (Find(root, "thread", "thread") is not null)
        {
            throw new ApiException(
                400, ErrorCodes.InvalidRequest, "unsupported_field",
                "'thread' continues a conversation kept by the server, and none is kept here; leave it out, and send the whole conversation in 'messages'.",
                "thread") { ProvidersCode = ThreadUnsupported };
        }

        OperatorsFields.Refuse(root);
        var lost = new Untranslated();
        lost.NoteUnknown(root, s_fields);
        var fields = new Fields(root);
        var model = fields.Text("model") ?? throw ApiException.Missing("model", "auto to have the request routed, or the id of a model (GET /v1/models)");
        var messages = fields.Find("messages") ?? throw ApiException.Missing("messages", "a list such as [{\"role\":\"user\",\"content\":\"...\"}]");
        var most = fields.Find("max_tokens") is { } limit ? Limit("max_tokens", limit)
            : needsLimit ? throw ApiException.Missing("max_tokens", "the most tokens the answer may have, 1 or more")
            : default(int?);
        Check(fields, lost);
        var (session, turn) = (default(string?), default(TurnPosition));
        var buffer = new ArrayBufferWriter<byte>(body.Length + 256);
        using (var to = new Utf8JsonWriter(buffer, ChatPieces.Readable))
        {
            to.WriteStartObject();
            to.WriteString("model", model);
            to.WriteStartArray("messages");
            if (fields.Find("system") is { } system && Told(system, lost) is { Length: > 0 } told)
            {
                ChatPieces.Message(to, "system", told);
            }

            foreach (var message in List(messages, "messages"))
            {
                MessagesInput.Write(to, message, lost);
                turn = ConversationBody.IsOf(message, "system") ? turn : turn.After(to, ConversationBody.IsOf(message, "user"), MessagesInput.HasResults(message));
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

            MessagesTools.Write(to, fields, lost);
            Format(to, fields, lost);
            ChatPieces.Streams(to, fields);
            to.WriteEndObject();
        }

        return (buffer.WrittenSpan.ToArray(), session, turn, lost.Refusal);
    }

    /// <summary>The system text without Claude Code's first block, which is for Anthropic's billing: it differs from request to request, so no upstream's prompt cache would match.</summary>
    private static string Told(JsonElement system, Untranslated lost)
    {
        var told = MessagesInput.Texts(system, "system", lost);
        return !told.StartsWith("x-anthropic-billing-header:", StringComparison.Ordinal) ? told : told.IndexOf('\n', StringComparison.Ordinal) is > 0 and var end ? told[(end + 1)..] : "";
    }

    /// <summary>Fields that have no place in a chat request: noted if they ask for something, else ignored.</summary>
    private static void Check(Fields fields, Untranslated lost)
    {
        if (fields.Find("thinking") is { } thinking && TypeOf(thinking, "thinking") is not ("disabled" or "adaptive"))
        {
            lost.Note(
                "thinking",
                "'thinking' is on, and OpenAI-compatible upstreams do not pass their reasoning on; send {\"type\":\"adaptive\"} or {\"type\":\"disabled\"}, or leave it out.");
        }

        if (fields.Find("context_management") is { } management && Find(management, "context_management", "edits") is { } edits)
        {
            foreach (var edit in List(edits, "context_management.edits"))
            {
                if (!TypeOf(edit, "context_management.edits").StartsWith("clear_thinking_", StringComparison.Ordinal)) // upstreams get no thinking anyhow
                {
                    lost.Note(
                        "context_management",
                        $"'context_management' has an edit of the type '{TypeOf(edit, "context_management.edits")}', "
                            + "but upstreams do not shorten conversations; leave it out, and send less of the conversation.");
                }
            }
        }
    }

    /// <summary>The user in an id of Anthropic's form, without the session that may be in it.</summary>
    public static string UserIn(string id) => Asker(id).User;

    /// <summary>Claude Code puts device, account and session into the user id, as an object: one user has many conversations, so the session is taken out of it.</summary>
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

            string? Part(string name) =>
                parts.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && Fields.Text("metadata.user_id", value) is { Length: > 0 } text ? text : null;
        }
        catch (JsonException)
        {
            return (id, null);
        }
    }

    private static void Format(Utf8JsonWriter to, Fields fields, Untranslated lost)
    {
        if (fields.Find("output_config") is not { } config)
        {
            return;
        }

        foreach (var field in config.ValueKind == JsonValueKind.Object ? config.EnumerateObject() : throw Fields.Wrong("output_config", config, "an object"))
        {
            if (field.Name is not ("format" or "effort"))
            {
                lost.Note("output_config", $"'output_config.{field.Name}' has no counterpart at OpenAI-compatible upstreams; leave it out.");
            }
        }

        if (Find(config, "output_config", "format") is { } format)
        {
            var schema = TypeOf(format, "output_config.format") == "json_schema"
                ? Find(format, "output_config.format", "schema") ?? throw ApiException.Missing("output_config.format.schema", "the schema of the answer")
                : throw Fields.Wrong("output_config.format", format, "an object whose type is json_schema");
            to.WriteStartObject("response_format");
            to.WriteString("type", "json_schema");
            to.WriteStartObject("json_schema");
            to.WriteString("name", "answer");
            to.WriteBoolean("strict", true); // Anthropic's schemas are always strict
            to.WritePropertyName("schema");
            schema.WriteTo(to);
            to.WriteEndObject();
            to.WriteEndObject();
        }
    }
}
