using System.Buffers;
using System.Text.Json;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Upstream;

/// <summary>What a completion, or one event of its stream, says; and its bytes with another id and model in them.</summary>
internal readonly record struct CompletionPart
{
    private static ReadOnlySpan<byte> DataField => "data:"u8;

    public bool IsDone { get; private init; }

    /// <summary>The upstream says that it failed.</summary>
    public bool IsError { get; private init; }

    /// <summary>A part of the answer; false for comments, and for the usage that comes after it.</summary>
    public bool HasChoices { get; private init; }

    /// <summary>The choices that it is of, a bit each by their index; those from the 64th on share the last.</summary>
    public ulong Of { get; private init; }

    /// <summary>Those of them that have ended.</summary>
    public ulong Ended { get; private init; }

    public TokenUsage Usage { get; private init; }

    /// <summary>Bytes of text, reasoning and tool arguments in it.</summary>
    public int TextBytes { get; private init; }

    /// <summary>A tool is called, or goes on being called.</summary>
    public bool CallsTools { get; private init; }

    /// <summary>A choice ended at a limit on its tokens.</summary>
    public bool IsCut { get; private init; }

    /// <summary>Both the id and the model are there to be replaced.</summary>
    public bool HasIdAndModel => !Id.Equals(default) && !Model.Equals(default);

    private bool IsObject { get; init; }

    /// <summary>It stands on several data lines.</summary>
    private bool IsFolded { get; init; }

    private Range Json { get; init; }

    private Range Id { get; init; }

    private Range Model { get; init; }

    /// <summary>The object in the event it was read from.</summary>
    public ReadOnlySpan<byte> JsonOf(ReadOnlySpan<byte> text) => IsFolded ? Unfolded(text[Json]) : text[Json];

    /// <summary>Reads a completion that came whole.</summary>
    /// <returns>Null: it is no JSON object.</returns>
    public static CompletionPart? ReadWhole(ReadOnlySpan<byte> json)
    {
        try
        {
            return ReadJson(json) is { IsObject: true } part ? part with { Json = ..json.Length } : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads an event. One whose data is no JSON object says nothing, and is handed on as it came.</summary>
    public static CompletionPart Read(ReadOnlySpan<byte> text)
    {
        if (!TryFindData(text, out var data, out var isFolded))
        {
            return default;
        }

        var json = isFolded ? Unfolded(text[data]) : text[data];
        if (json.SequenceEqual("[DONE]"u8))
        {
            return new() { IsDone = true };
        }

        try
        {
            return ReadJson(json) with { Json = data, IsFolded = isFolded };
        }
        catch (JsonException)
        {
            return default;
        }
    }

    /// <summary>Writes the event with its model, and its id where one is given, replaced; every other byte as it came.</summary>
    public void Write(ReadOnlySpan<byte> text, ReadOnlySpan<byte> quotedId, ReadOnlySpan<byte> quotedModel, IBufferWriter<byte> output)
    {
        if (Id.Equals(default) && Model.Equals(default))
        {
            output.Write(text);
            return;
        }

        var json = text[Json];
        var start = Json.Start.Value;
        output.Write(text[..start]);
        var isIdFirst = Id.Start.Value <= Model.Start.Value;
        var at = 0;
        Span<bool> order = [isIdFirst, !isIdFirst];
        foreach (var isId in order)
        {
            var range = isId ? Id : Model;
            var value = isId ? quotedId : quotedModel;
            if (range.Equals(default) || value.IsEmpty)
            {
                continue;
            }

            output.Write(json[at..range.Start]);
            output.Write(value);
            at = range.End.Value;
        }

        output.Write(json[at..]);
        output.Write(text[(start + json.Length)..]);
    }

    /// <summary>
    /// The data of several lines, which the standard joins by newlines. Whatever stands between them becomes blanks, which JSON takes between its words as it
    /// does newlines: so everything stays where it was, and an id within a line can be replaced in the event as it came.
    /// </summary>
    private static byte[] Unfolded(ReadOnlySpan<byte> data)
    {
        var json = data.ToArray();
        for (var at = data.IndexOf((byte)'\n') + 1; at > 0 && at < data.Length;)
        {
            var length = data[at..].IndexOf((byte)'\n');
            var line = length < 0 ? data[at..] : data.Slice(at, length);
            json.AsSpan(at, line.StartsWith(DataField) ? DataField.Length : line.Length).Fill((byte)' ');
            at = length < 0 ? data.Length : at + length + 1;
        }

        return json;
    }

    /// <param name="data">From the first data line's value to the last one's end.</param>
    private static bool TryFindData(ReadOnlySpan<byte> text, out Range data, out bool isFolded)
    {
        data = default;
        var found = 0;
        for (var at = 0; at < text.Length;)
        {
            var length = text[at..].IndexOf((byte)'\n');
            var end = length < 0 ? text.Length : at + length;
            var line = text[at..end];
            if (line.StartsWith(DataField))
            {
                var start = at + DataField.Length;
                start += start < end && text[start] == ' ' ? 1 : 0;
                data = (found > 0 ? data.Start : start)..(end > start && text[end - 1] == '\r' ? end - 1 : end);
                found++;
            }

            at = end + 1;
        }

        isFolded = found > 1;
        return found > 0;
    }

    private static CompletionPart ReadJson(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return default;
        }

        var chunk = new CompletionPart { IsObject = true };
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
                chunk = ReadChoices(ref reader, chunk with { HasChoices = true });
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

        return reader.Read() ? throw new JsonException("There is more than one object.") : chunk;
    }

    private static CompletionPart ReadChoices(ref Utf8JsonReader reader, CompletionPart chunk)
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

        return chunk with { HasChoices = !isEmpty, TextBytes = text, CallsTools = calls, IsCut = isCut };
    }
}
