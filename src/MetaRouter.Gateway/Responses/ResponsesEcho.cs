using System.Buffers;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Responses;

/// <summary>What an answer repeats of its request: clients' types have these fields, and some read them.</summary>
/// <param name="Sent">Fields with their values, each on one line.</param>
/// <param name="Tools">The tools in namespaces, by the names that upstreams see.</param>
internal sealed record ResponsesEcho(IReadOnlyList<(string Name, byte[] Json)> Sent, IReadOnlyDictionary<string, (string Space, string Name)> Tools)
{
    /// <summary>The fields, and the value for one that was not sent. The temperature or top_p that an upstream uses by default is not known.</summary>
    private static readonly (string Name, byte[] Json)[] s_unsent =
    [
        ("instructions", "null"u8.ToArray()), ("max_output_tokens", "null"u8.ToArray()),
        ("max_tool_calls", "null"u8.ToArray()), ("parallel_tool_calls", "true"u8.ToArray()), ("prompt_cache_key", "null"u8.ToArray()),
        ("reasoning", "{\"effort\":null,\"summary\":null}"u8.ToArray()), ("safety_identifier", "null"u8.ToArray()),
        ("temperature", "null"u8.ToArray()), ("text", "{\"format\":{\"type\":\"text\"}}"u8.ToArray()), ("tool_choice", "\"auto\""u8.ToArray()),
        ("tools", "[]"u8.ToArray()), ("top_logprobs", "0"u8.ToArray()), ("top_p", "null"u8.ToArray()), ("user", "null"u8.ToArray()), ("metadata", "{}"u8.ToArray()),
    ];

    /// <param name="root">A request that <see cref="ResponsesRequest.ToChat"/> takes.</param>
    public static ResponsesEcho Read(JsonElement root)
    {
        var all = new (string, byte[])[s_unsent.Length];
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = (s_unsent[i].Name, StrictJson.Find(root, s_unsent[i].Name, s_unsent[i].Name) is { } sent ? OnOneLine(sent) : s_unsent[i].Json);
        }

        return new(all, ToolNames.Read(StrictJson.Find(root, "tools", "tools")));
    }

    /// <summary>As it was sent, without the newlines that would end an event's line.</summary>
    private static byte[] OnOneLine(JsonElement value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var to = new Utf8JsonWriter(buffer, ChatPieces.Readable))
        {
            value.WriteTo(to);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
