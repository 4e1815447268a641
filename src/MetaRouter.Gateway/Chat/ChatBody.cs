using System.Runtime.InteropServices;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary>What the gateway reads of a chat request. Everything else is the upstream's business and is neither checked nor touched.</summary>
/// <param name="Model">As the client asked.</param>
/// <param name="User">safety_identifier, then user; null: neither.</param>
/// <param name="Asked">What is routed.</param>
/// <param name="Needs">What a model must take part in.</param>
internal sealed record ChatBody(string Model, string? User, Conversation Asked, RouteNeeds Needs)
{
    /// <summary>The client's field that <see cref="User"/> is from.</summary>
    public string UserField { get; init; } = "user";

    /// <summary>The answer is to come as a stream.</summary>
    public bool Streams { get; private init; }

    /// <summary>How many answers are asked for at once; each has its own tokens.</summary>
    public int Choices { get; private init; } = 1;

    /// <summary>What names the prompt that is sent again and again: OpenAI's cache key, or the conversation; null: the request names neither.</summary>
    public string? CacheKey { get; private init; }

    /// <summary>The messages as they stand in the body.</summary>
    public ReadOnlyMemory<byte> MessageBytes { get; private init; }

    /// <summary>The messages to the user's first: see <see cref="Hosting.Sessions"/>.</summary>
    public ReadOnlyMemory<byte> Beginning { get; private init; }

    /// <summary>The texts that are to end the answer, where they come as a list.</summary>
    public IReadOnlyList<string> Stops { get; private init; } = [];

    /// <summary>
    /// If tools may take part, the messages up to the user's last, which all requests of a turn begin with. Empty: no tools, or no message of the user's.
    /// </summary>
    public ReadOnlyMemory<byte> Turn { get; private init; }

    /// <summary>The last message, apart from what the system adds, is a tool's result: the turn goes on.</summary>
    public bool GoesOn { get; private init; }

    /// <summary>No tools may take part, and nothing was answered before: a first question, or a side request of a conversation.</summary>
    public bool StandsAlone { get; private init; }

    /// <summary>The request, to be handed on.</summary>
    public required UpstreamRequest Forwarded { get; init; }

    /// <exception cref="ApiException">400: not a chat request this gateway can answer.</exception>
    public static ChatBody Read(byte[] body) => RequestBody.AsText(() => ReadFields(body, null));

    /// <summary>Reads a request of another API.</summary>
    /// <param name="chat">The chat request that was made of it.</param>
    /// <param name="turn">Where its turn stands in that.</param>
    /// <param name="session">The conversation it belongs to, if it names one in a field that upstreams do not have.</param>
    /// <exception cref="ApiException">400: not a request this gateway can answer.</exception>
    public static ChatBody ReadTranslated(byte[] chat, TurnPosition turn, string? session = null)
    {
        var body = RequestBody.AsText(() => ReadFields(chat, turn));
        return body with { CacheKey = session ?? body.CacheKey };
    }

    /// <param name="turn">Null: found from the messages.</param>
    private static ChatBody ReadFields(byte[] body, TurnPosition? turn)
    {
        using var document = Parse(body);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw RequestBody.NotAnObject();
        }

        OperatorsFields.Refuse(root);
        var model = Text(root, "model") ?? throw ApiException.Missing("model", "auto to have the request routed, or the id of a model (GET /v1/models)");
        if (Occurrences(root, "model"u8) > 1)
        {
            throw ApiException.BadValue("model", "'model' is there more than once; send it once, so that what is routed is what is served.");
        }

        if (root.TryGetProperty("stream", out var stream) && stream.ValueKind is not (JsonValueKind.Null or JsonValueKind.True or JsonValueKind.False))
        {
            throw Fields.Wrong("stream", stream, "true or false");
        }

        var streams = stream.ValueKind == JsonValueKind.True;

        if (!root.TryGetProperty("messages", out var messages))
        {
            throw ApiException.Missing("messages", "a list such as [{\"role\":\"user\",\"content\":\"...\"}]");
        }

        var identifier = UserId.Check(Text(root, "safety_identifier"), "safety_identifier");
        var user = identifier ?? UserId.Check(Text(root, "user"), "user");
        var asked = ConversationBody.Read(messages, turn?.GoesOn, out var lastOfUser, out var last);
        var tools = ItemBytes(root, "tools") + ItemBytes(root, "functions");
        var format = LenientJson.Field(root, "response_format");
        var schema = LenientJson.Is(LenientJson.Field(format, "type"), "json_schema") ? JsonMarshal.GetRawUtf8Value(format).Length : 0;
        var needs = asked.Needs
            | (streams ? ModelCapabilities.Streaming : 0)
            | (tools > 0 ? ModelCapabilities.Tools : 0)
            | (schema > 0 ? ModelCapabilities.StructuredOutput : 0);
        var all = RangeOf(body, messages);
        var firstOfUser = messages.EnumerateArray().FirstOrDefault(m => ConversationBody.IsOf(m, "user"));
        var beginning = body.AsMemory(all.Start..(firstOfUser.ValueKind == JsonValueKind.Object ? RangeOf(body, firstOfUser).End : all.End));
        var (begun, goesOn) = turn ?? new(lastOfUser.ValueKind == JsonValueKind.Object ? RangeOf(body, lastOfUser).End.Value : 0, ConversationBody.IsOf(last, "tool"));
        return new(model, user, asked.And(tools + schema), new RouteNeeds { Capabilities = needs, ExpectedOutputTokens = Limit(root) })
        {
            UserField = identifier is null ? "user" : "safety_identifier",
            Streams = streams,
            Choices = LenientJson.Field(root, "n") is { ValueKind: JsonValueKind.Number } n ? (int)Math.Clamp(n.GetDouble(), 1, int.MaxValue) : 1,
            CacheKey = LenientJson.Field(root, "prompt_cache_key") is { ValueKind: JsonValueKind.String } key ? Fields.Text("prompt_cache_key", key) : null,
            MessageBytes = body.AsMemory(all),
            Beginning = beginning,
            Stops = [.. LenientJson.List(root, "stop").Where(s => s.ValueKind == JsonValueKind.String).Select(LenientJson.Text)],
            Turn = tools > 0 && begun > 0 ? body.AsMemory(all.Start..begun) : default,
            GoesOn = goesOn,
            StandsAlone = tools == 0 && !messages.EnumerateArray().Any(m => ConversationBody.IsOf(m, "assistant")),
            Forwarded = new(new UpstreamBody(UpstreamApi.Chat, body, RangeOf(body, root.GetProperty("model")), streams) { Options = Options(body, root) }),
        };
    }

    private static StreamOptions? Options(byte[] body, JsonElement root)
    {
        if (!root.TryGetProperty("stream_options", out var options))
        {
            return null;
        }

        return new(RangeOf(body, options), options.ValueKind == JsonValueKind.Object && options.TryGetProperty("include_usage", out var asks) && asks.ValueKind == JsonValueKind.True);
    }

    private static JsonDocument Parse(byte[] body)
    {
        try
        {
            return JsonDocument.Parse(body);
        }
        catch (JsonException e)
        {
            throw RequestBody.NotJson(e, body.Length);
        }
    }

    private static string? Text(JsonElement root, string name) =>
        !root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.String ? Fields.Text(name, value) : throw Fields.Wrong(name, value, "a string");

    private static int Occurrences(JsonElement root, ReadOnlySpan<byte> name)
    {
        var count = 0;
        foreach (var field in root.EnumerateObject())
        {
            count += field.NameEquals(name) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Where a value of the parsed body stands in its bytes, which the parser keeps.</summary>
    private static Range RangeOf(byte[] body, JsonElement value)
    {
        var raw = JsonMarshal.GetRawUtf8Value(value);
        return body.AsSpan().Overlaps(raw, out var at) ? at..(at + raw.Length) : throw new InvalidOperationException("The value is not of this body.");
    }

    /// <summary>The bytes of a list; 0: it is not there, or empty.</summary>
    private static long ItemBytes(JsonElement root, string name) =>
        LenientJson.Field(root, name) is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() > 0 ? JsonMarshal.GetRawUtf8Value(list).Length : 0;

    /// <summary>
    /// The completion's limit in tokens, where a chat request sets one that makes sense; 0: none. Of two limits the larger counts: which of the two names an
    /// upstream knows is not known here.
    /// </summary>
    public static int Limit(JsonElement root) => Math.Max(LimitIn(root, "max_completion_tokens"), LimitIn(root, "max_tokens"));

    private static int LimitIn(JsonElement root, string name) =>
        LenientJson.Field(root, name) is { ValueKind: JsonValueKind.Number } limit && limit.TryGetInt32(out var tokens) ? Math.Max(0, tokens) : 0;
}
