using System.Buffers;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using static MetaRouter.Gateway.Http.StrictJson;

namespace MetaRouter.Gateway.Responses;

/// <summary>
/// Translates a request of OpenAI's Responses API to a chat request, which upstreams speak. What would need state between requests, or has no
/// counterpart there, is refused by name; what changes no answer (metadata, summaries of reasoning, earlier reasoning, ids of items) is left out.
/// </summary>
internal static class ResponsesRequest
{
    private static readonly string[] s_fields =
    [
        "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens",
        "temperature", "top_p", "text", "reasoning", "stream", "stream_options", "user", "safety_identifier",
        "metadata", "client_metadata", "store", "include", "top_logprobs", "truncation", "background", "previous_response_id",
        "conversation", "prompt", "max_tool_calls", "service_tier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
    ];

    /// <summary>Fields that mean the same in both APIs, and are passed on unchecked.</summary>
    private static readonly string[] s_alike = ["temperature", "top_p", "user", "safety_identifier", "service_tier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"];

    /// <exception cref="ApiException">400: not a request of this API, or one that no OpenAI-compatible upstream can answer.</exception>
    public static (byte[] Chat, ResponsesEcho Echo, TurnPosition Turn) ToChat(byte[] body)
    {
        using var document = RequestBody.ParseObject(body);
        var root = document.RootElement;
        CheckKnown(root, s_fields);
        var fields = new Fields(root, s_fields);
        Check(fields);
        var model = fields.Text("model") ?? throw ApiException.Missing("model", "auto to have the request routed, or the id of a model (GET /v1/models)");
        var input = fields.Find("input") ?? throw ApiException.Missing("input", "a text, or a list of items such as [{\"role\":\"user\",\"content\":\"...\"}]");
        var turn = default(TurnPosition);
        var buffer = new ArrayBufferWriter<byte>(body.Length + 256);
        using (var to = new Utf8JsonWriter(buffer, ChatPieces.Readable))
        {
            to.WriteStartObject();
            to.WriteString("model", model);
            to.WriteStartArray("messages");
            turn = ResponsesInput.Write(to, fields.Text("instructions"), input);
            to.WriteEndArray();
            foreach (var name in s_alike)
            {
                ChatPieces.Copy(to, fields, name, name);
            }

            if (fields.Find("max_output_tokens") is { } most)
            {
                to.WriteNumber("max_tokens", Limit("max_output_tokens", most)); // renamed later for an upstream that wants the newer name
            }

            ResponsesTools.Write(to, fields);
            Text(to, fields);
            Reasoning(to, fields);
            Probabilities(to, fields);
            ChatPieces.Streams(to, fields);
            to.WriteEndObject();
        }

        return (buffer.WrittenSpan.ToArray(), ResponsesEcho.Read(root), turn);
    }

    /// <summary>Fields that have no place in a chat request: refused if they ask for something, else ignored.</summary>
    private static void Check(Fields fields)
    {
        foreach (var name in (string[])["previous_response_id", "conversation"])
        {
            if (fields.Find(name) is not null)
            {
                throw Unsupported(
                    name,
                    $"'{name}' continues a conversation kept by the server, and none is kept here; leave it out, and send the whole conversation in 'input', the output of earlier answers too.");
            }
        }

        if (fields.Flag("background"))
        {
            throw Unsupported("background", "'background' is true, but no answer is kept here to be fetched later; leave it out, and ask for a stream if an answer takes long.");
        }

        if (fields.Find("prompt") is not null)
        {
            throw Unsupported("prompt", "'prompt' names a template that is kept at OpenAI; leave it out, and send its text in 'instructions' and 'input'.");
        }

        if (fields.Text("truncation") is { } truncation and not "disabled")
        {
            throw Unsupported("truncation", $"'truncation' is '{truncation}', but upstreams do not shorten conversations; leave it out, and send less of the conversation.");
        }

        _ = fields.Flag("store"); // nothing is stored, whatever it says; the answer says so
        if (fields.Find("metadata") is { } metadata && !(metadata.ValueKind == JsonValueKind.Object && metadata.EnumerateObject().All(p => p.Value.ValueKind == JsonValueKind.String)))
        {
            throw Fields.Wrong("metadata", metadata, "an object of texts");
        }
    }

    private static void Text(Utf8JsonWriter to, Fields fields)
    {
        if (fields.Find("text") is not { } text)
        {
            return;
        }

        if (Find(text, "text", "verbosity") is { } verbosity)
        {
            to.WritePropertyName("verbosity");
            verbosity.WriteTo(to);
        }

        if (Find(text, "text", "format") is not { } format)
        {
            return;
        }

        switch (TypeOf(format, "text.format"))
        {
            case "text":
                break;
            case "json_object":
                to.WritePropertyName("response_format");
                to.WriteRawValue("{\"type\":\"json_object\"}"u8);
                break;
            case "json_schema":
                to.WriteStartObject("response_format");
                to.WriteString("type", "json_schema");
                to.WriteStartObject("json_schema");
                foreach (var field in format.EnumerateObject().Where(f => f.Name != "type" && f.Value.ValueKind != JsonValueKind.Null))
                {
                    field.WriteTo(to);
                }

                to.WriteEndObject();
                to.WriteEndObject();
                break;
            default:
                throw Fields.Wrong("text.format", format, "an object whose type is text, json_schema or json_object");
        }
    }

    private static void Reasoning(Utf8JsonWriter to, Fields fields)
    {
        if (fields.Find("reasoning") is not { } reasoning)
        {
            return;
        }

        if (Find(reasoning, "reasoning", "mode") is { } mode && !LenientJson.Is(mode, "standard"))
        {
            throw Unsupported("reasoning.mode", $"'reasoning.mode' is {mode.GetRawText()}, which has no counterpart at OpenAI-compatible upstreams; send standard or leave it out.");
        }

        if (Find(reasoning, "reasoning", "effort") is { } effort)
        {
            to.WritePropertyName("reasoning_effort");
            effort.WriteTo(to);
        }
    }

    private static void Probabilities(Utf8JsonWriter to, Fields fields)
    {
        var asked = false;
        if (fields.Find("include") is { } include)
        {
            foreach (var one in List(include, "include"))
            {
                asked |= one.ValueKind == JsonValueKind.String ? one.ValueEquals("message.output_text.logprobs") : throw Fields.Wrong("include", one, "a list of texts");
            }
        }

        var most = fields.Find("top_logprobs") is not { } top ? 0
            : top.ValueKind == JsonValueKind.Number && top.TryGetInt32(out var n) && n is >= 0 and <= 20 ? n
            : throw Fields.Wrong("top_logprobs", top, "a whole number, 0 to 20");
        if (asked || most > 0)
        {
            to.WriteBoolean("logprobs", true);
            to.WriteNumber("top_logprobs", most);
        }
    }
}
