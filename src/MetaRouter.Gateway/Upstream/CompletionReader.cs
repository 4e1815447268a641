using System.Text.Json;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Upstream;

/// <summary>Reads what a completion of OpenAI's, or one event of its stream, says.</summary>
internal static class CompletionReader
{
    public static AnswerPart Read(ReadOnlySpan<byte> json)
    {
        if (json.SequenceEqual("[DONE]"u8))
        {
            return new() { IsDone = true };
        }

        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return default;
        }

        var chunk = new AnswerPart { IsObject = true };
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isId, isModel, isError, isUsage, isChoices) = (
                reader.IsAt("id"u8), reader.IsAt("model"u8),
                reader.IsAt("error"u8), reader.IsAt("usage"u8),
                reader.IsAt("choices"u8));
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            if (isChoices)
            {
                chunk = ReadChoices(ref reader, chunk with { HasContent = true });
                continue;
            }

            if (isUsage && reader.TokenType == JsonTokenType.StartObject)
            {
                using var usage = JsonDocument.ParseValue(ref reader);
                var counted = TokenUsage.Read(usage.RootElement);
                chunk = counted.IsUnknown ? chunk : chunk with { Usage = counted };
                continue;
            }

            chunk = isError && reader.TokenType != JsonTokenType.Null ? chunk with { IsError = true } : chunk;
            reader.Skip();
            var range = start..(int)reader.BytesConsumed;
            chunk = isId ? chunk with { Id = range } : isModel ? chunk with { Model = range } : chunk;
        }

        return reader.Read() ? throw new JsonException("There is more than one object.") : chunk with { BearsNames = chunk.HasContent || !chunk.Usage.IsUnknown };
    }

    private static AnswerPart ReadChoices(ref Utf8JsonReader reader, AnswerPart chunk)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return chunk;
        }

        var (depth, text, calls, isEmpty, isCut) = (reader.CurrentDepth, 0, false, true, false);
        var (index, isEnded, thought, again) = (0, false, 0, 0);
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            isEmpty = false;
            if (reader.TokenType == JsonTokenType.EndObject && reader.CurrentDepth == depth + 1)
            {
                var bit = 1UL << Math.Clamp(index, 0, 63);
                chunk = chunk with { Of = chunk.Of | bit, Ended = chunk.Ended | (isEnded ? bit : 0) };
                text += Math.Max(thought, again); // some tell what was thought by its old name and its new one
                (index, isEnded, thought, again) = (0, false, 0, 0);
            }

            if (reader.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            var isOfChoice = reader.CurrentDepth == depth + 2;
            var (isIndex, isUsage) = (isOfChoice && reader.IsAt("index"u8), isOfChoice && reader.IsAt("usage"u8));
            var (isReason, isCalls) = (reader.IsAt("finish_reason"u8), reader.IsAt("tool_calls"u8));
            var (isThought, isAgain) = (reader.IsAt("reasoning_content"u8), reader.IsAt("reasoning"u8));
            var isText = reader.IsAt("content"u8) || reader.IsAt("arguments"u8) || reader.IsAt("refusal"u8);
            reader.Read();
            calls |= isCalls && reader.TokenType == JsonTokenType.StartArray;
            if (reader.TokenType == JsonTokenType.String)
            {
                isEnded |= isReason;
                isCut |= isReason && reader.IsAt("length"u8);
                var length = reader.ValueSpan.Length;
                (text, thought, again) = (text + (isText ? length : 0), thought + (isThought ? length : 0), again + (isAgain ? length : 0));
            }
            else if (isIndex && reader.TokenType == JsonTokenType.Number)
            {
                index = reader.TryGetInt32(out var number) ? number : 0;
            }
            else if (isUsage && reader.TokenType == JsonTokenType.StartObject)
            {
                using var usage = JsonDocument.ParseValue(ref reader);
                chunk = chunk.Usage.IsUnknown ? chunk with { Usage = TokenUsage.Read(usage.RootElement) } : chunk;
            }
        }

        return chunk with { HasContent = !isEmpty, TextBytes = text, CallsTools = calls, IsCut = isCut };
    }
}
