using System.Buffers;
using System.Text;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using static MetaRouter.Gateway.Http.LenientJson;

namespace MetaRouter.Gateway.Responses;

/// <summary>
/// How probable the tokens of an answer were. Both of OpenAI's APIs have the same format for them; some upstreams only resemble it: a token may be half a
/// character, a field missing.
/// </summary>
internal sealed class TokenProbabilities
{
    private readonly List<string> _tokens = [];

    public int Count => _tokens.Count;

    /// <returns>How many more characters are held now.</returns>
    public int Add(JsonElement.ArrayEnumerator tokens)
    {
        var added = 0;
        foreach (var token in tokens)
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var to = new Utf8JsonWriter(buffer, ChatPieces.Readable))
            {
                Write(to, token, hasAlternatives: true);
            }

            _tokens.Add(Encoding.UTF8.GetString(buffer.WrittenSpan));
            added += _tokens[^1].Length;
        }

        return added;
    }

    /// <param name="from">The first that is written.</param>
    public void Write(Utf8JsonWriter to, int from)
    {
        to.WriteStartArray("logprobs");
        foreach (var token in _tokens.Skip(from))
        {
            to.WriteRawValue(token, skipInputValidation: true);
        }

        to.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter to, JsonElement token, bool hasAlternatives)
    {
        to.WriteStartObject();
        to.WriteString("token", Text(token, "token") ?? "");
        to.WriteNumber("logprob", Field(token, "logprob") is { ValueKind: JsonValueKind.Number } number && number.TryGetDouble(out var value) && double.IsFinite(value) ? value : 0);
        to.WriteStartArray("bytes");
        foreach (var one in List(token, "bytes"))
        {
            if (one.ValueKind == JsonValueKind.Number && one.TryGetByte(out var octet))
            {
                to.WriteNumberValue(octet);
            }
        }

        to.WriteEndArray();
        if (hasAlternatives)
        {
            to.WriteStartArray("top_logprobs");
            foreach (var other in List(token, "top_logprobs"))
            {
                Write(to, other, hasAlternatives: false);
            }

            to.WriteEndArray();
        }

        to.WriteEndObject();
    }
}
