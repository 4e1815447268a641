using System.Text.Json;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Upstream;

/// <summary>Reads what a message of Anthropic's, or one event of its stream, says. Source: platform.claude.com/docs/en/build-with-claude/streaming.</summary>
internal static class MessageReader
{
    /// <summary>A message is one choice.</summary>
    private const ulong TheOne = 1;

    public static AnswerPart Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return default;
        }

        var part = ReadFields(ref reader, new AnswerPart { IsObject = true });
        return reader.Read() ? throw new JsonException("There is more than one object.") : part with { HasContent = part.HasContent && !part.IsOpening };
    }

    /// <summary>Of an event; of a message, which a stream's first event has in a field.</summary>
    private static AnswerPart ReadFields(ref Utf8JsonReader reader, AnswerPart part)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isType, isId, isModel, isError) = (
                reader.IsAt("type"u8), reader.IsAt("id"u8), reader.IsAt("model"u8), reader.IsAt("error"u8));
            var (isMessage, isUsage, isStop) = (reader.IsAt("message"u8), reader.IsAt("usage"u8), reader.IsAt("stop_reason"u8));
            var isContent = reader.IsAt("content"u8) || reader.IsAt("content_block"u8) || reader.IsAt("delta"u8);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            if (isMessage && reader.TokenType == JsonTokenType.StartObject)
            {
                part = ReadFields(ref reader, part with { Of = TheOne });
                continue;
            }

            if (isContent)
            {
                part = ReadContent(ref reader, part with { HasContent = true, Of = TheOne });
                continue;
            }

            if (isUsage && reader.TokenType == JsonTokenType.StartObject)
            {
                using var usage = JsonDocument.ParseValue(ref reader);
                part = part with { Usage = TokenUsage.OfMessage(usage.RootElement) };
                continue;
            }

            if (reader.TokenType == JsonTokenType.String)
            {
                part = isType ? part with { IsOpening = part.IsOpening || reader.IsAt("message_start"u8), IsDone = reader.IsAt("message_stop"u8) }
                    : isStop ? Stopped(ref reader, part)
                    : part;
            }

            part = isError && reader.TokenType != JsonTokenType.Null ? part with { IsError = true } : part;
            reader.Skip();
            var range = start..(int)reader.BytesConsumed;
            part = isId ? part with { Id = range } : isModel ? part with { Model = range } : part;
        }

        return part;
    }

    /// <summary>The blocks of a message, or one, or a piece of one. What a block has besides (signatures, citations, what the upstream's own tools found) is no text of the model's.</summary>
    private static AnswerPart ReadContent(ref Utf8JsonReader reader, AnswerPart part)
    {
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
        {
            return part;
        }

        var (depth, text) = (reader.CurrentDepth, 0);
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            var (isType, isStop, isInput) = (reader.IsAt("type"u8), reader.IsAt("stop_reason"u8), reader.IsAt("input"u8));
            var isText = reader.IsAt("text"u8) || reader.IsAt("thinking"u8) || reader.IsAt("partial_json"u8);
            reader.Read();
            if (isInput)
            {
                var start = reader.TokenStartIndex;
                reader.Skip();
                text += (int)(reader.BytesConsumed - start);
            }
            else if (reader.TokenType == JsonTokenType.String)
            {
                text += isText ? reader.ValueSpan.Length : 0;
                part = isType && reader.IsAt("tool_use"u8) ? part with { CallsTools = true } : isStop ? Stopped(ref reader, part) : part;
            }
        }

        return part with { TextBytes = text };
    }

    private static AnswerPart Stopped(ref Utf8JsonReader reader, AnswerPart part) => part with
    {
        Ended = TheOne,
        CallsTools = part.CallsTools || reader.IsAt("pause_turn"u8),
        IsCut = reader.IsAt("max_tokens"u8) || reader.IsAt("model_context_window_exceeded"u8),
    };
}
