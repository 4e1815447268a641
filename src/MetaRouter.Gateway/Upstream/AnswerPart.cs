using System.Buffers;
using System.Text.Json;

namespace MetaRouter.Gateway.Upstream;

/// <summary>What an answer, or one event of its stream, says; and its bytes with another id and model in them.</summary>
internal readonly record struct AnswerPart
{
    private static ReadOnlySpan<byte> DataField => "data:"u8;

    public bool IsDone { get; init; }

    /// <summary>The upstream says that it failed.</summary>
    public bool IsError { get; init; }

    /// <summary>Some of the answer is in it; false for comments, and for what is told before or after it.</summary>
    public bool HasContent { get; init; }

    /// <summary>It announces an answer, of which nothing is there yet.</summary>
    public bool IsOpening { get; init; }

    /// <summary>The choices that it is of, a bit each by their index; those from the 64th on share the last.</summary>
    public ulong Of { get; init; }

    /// <summary>Those of them that have ended.</summary>
    public ulong Ended { get; init; }

    public TokenUsage Usage { get; init; }

    /// <summary>Bytes of text, reasoning and tool arguments in it.</summary>
    public int TextBytes { get; init; }

    /// <summary>A tool is called, or goes on being called; or the upstream's own tools take so long that it pauses, to be asked again.</summary>
    public bool CallsTools { get; init; }

    /// <summary>A choice ended at a limit on its tokens.</summary>
    public bool IsCut { get; init; }

    /// <summary>Both the id and the model are there to be replaced.</summary>
    public bool HasIdAndModel => !Id.Equals(default) && !Model.Equals(default);

    /// <summary>Its id and model belong into it even where its upstream left them out.</summary>
    public bool BearsNames { get; init; }

    /// <summary>It was read from a JSON object.</summary>
    public bool IsObject { get; init; }

    /// <summary>It stands on several data lines.</summary>
    private bool IsFolded { get; init; }

    private Range Json { get; init; }

    /// <summary>Where its value stands in the JSON; default: it is not there.</summary>
    public Range Id { get; init; }

    /// <summary>The same of the model.</summary>
    public Range Model { get; init; }

    /// <summary>The object in the event it was read from.</summary>
    public ReadOnlySpan<byte> JsonOf(ReadOnlySpan<byte> text) => IsFolded ? Unfolded(text[Json]) : text[Json];

    /// <summary>Reads an answer that came whole.</summary>
    /// <returns>Null: it is no JSON object.</returns>
    public static AnswerPart? ReadWhole(ReadOnlySpan<byte> json, AnswerReader reader)
    {
        try
        {
            return reader(json) is { IsObject: true } part ? part with { Json = ..json.Length } : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads an event. One whose data is no JSON object says nothing, and is handed on as it came.</summary>
    public static AnswerPart Read(ReadOnlySpan<byte> text, AnswerReader reader)
    {
        if (!TryFindData(text, out var data, out var isFolded))
        {
            return default;
        }

        var json = isFolded ? Unfolded(text[data]) : text[data];
        try
        {
            return reader(json) with { Json = data, IsFolded = isFolded };
        }
        catch (JsonException)
        {
            return default;
        }
    }

    /// <summary>
    /// Writes the event with its model, and its id where one is given, replaced; every other byte as it came. One that lacks a name it should bear gets it: some upstreams leave them
    /// out, and clients tell answers apart by the id.
    /// </summary>
    public void Write(ReadOnlySpan<byte> text, ReadOnlySpan<byte> quotedId, ReadOnlySpan<byte> quotedModel, IBufferWriter<byte> output)
    {
        if (!BearsNames && Id.Equals(default) && Model.Equals(default))
        {
            output.Write(text);
            return;
        }

        var json = text[Json];
        var start = Json.Start.Value;
        output.Write(text[..start]);
        var at = 0;
        if (BearsNames)
        {
            at = json.IndexOf((byte)'{') + 1;
            output.Write(json[..at]);
            WriteWhereMissing(Id, "\"id\":"u8, quotedId, output);
            WriteWhereMissing(Model, "\"model\":"u8, quotedModel, output);
        }

        var isIdFirst = Id.Start.Value <= Model.Start.Value;
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

    /// <param name="there">Where the field's value stands in an object that has other fields too.</param>
    private static void WriteWhereMissing(Range there, ReadOnlySpan<byte> field, ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        if (there.Equals(default) && !value.IsEmpty)
        {
            output.Write(field);
            output.Write(value);
            output.Write(","u8);
        }
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

    /// <summary>A line of the field's name alone is one without a value.</summary>
    /// <param name="data">From the first data line's value to the last one's end.</param>
    private static bool TryFindData(ReadOnlySpan<byte> text, out Range data, out bool isFolded)
    {
        data = default;
        var found = 0;
        for (var at = 0; at < text.Length;)
        {
            var length = text[at..].IndexOf((byte)'\n');
            var end = length < 0 ? text.Length : at + length;
            var line = text[at..(end > at && text[end - 1] == '\r' ? end - 1 : end)];
            if (line.StartsWith(DataField) || line.SequenceEqual(DataField[..^1]))
            {
                var start = at + Math.Min(line.Length, DataField.Length);
                start += start < at + line.Length && text[start] == ' ' ? 1 : 0;
                data = (found > 0 ? data.Start : start)..(at + line.Length);
                found++;
            }

            at = end + 1;
        }

        isFolded = found > 1;
        return found > 0;
    }
}
