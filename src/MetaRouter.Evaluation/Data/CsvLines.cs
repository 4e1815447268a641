using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MetaRouter.Evaluation.Data;

/// <summary>
/// The rows of a .csv or .tsv file, one model's answer each, as the lines of an outcome file: a header with <c>query</c>, <c>model</c> and <c>score</c>, and what is known of
/// <c>cost_usd</c>, <c>in</c>, <c>out</c>, <c>lat_s</c>, <c>id</c> and <c>dataset</c>, in letters of either case. Other columns are passed over. Fields are separated as the header's
/// are (comma, semicolon or tab) and quoted as RFC 4180 has it. Where no comma separates, one may be the decimal sign, as in what spreadsheets of half the world export: that a
/// single figure has one tells it of all rows, of which some have whole numbers alone.
/// </summary>
internal static class CsvLines
{
    private static readonly string[] s_outcome = ["query", "model", "score"], s_request = ["query"], s_figures = ["score", "cost_usd", "in", "out", "lat_s"];
    private static readonly string[] s_fractions = ["score", "cost_usd", "lat_s"]; // of tokens a comma could as well group thousands
    private static readonly char[] s_separators = [',', ';', '\t'];

    /// <param name="path">Names the rows' dataset where no column does.</param>
    /// <param name="open">The table from its beginning, each time.</param>
    /// <param name="bad">Takes the lines with more or fewer fields than the header, which are left out.</param>
    /// <param name="areOutcomes">Else the rows are requests: a header with <c>query</c>, and what is known of <c>answer</c> (a right one), <c>id</c> and <c>dataset</c>.</param>
    /// <exception cref="DataFileException">No such columns, a quote that is not closed or not where it should be, or a text that is not UTF-8.</exception>
    public static IEnumerable<(int Line, ReadOnlyMemory<byte> Json)> Read(string path, Func<Stream> open, BadLines bad, bool areOutcomes = true)
    {
        using var reader = Reader(open());
        using var rows = Rows(reader, path).GetEnumerator();
        if (!rows.MoveNext())
        {
            yield break; // whoever reads it says that it is empty
        }

        var header = rows.Current.Fields.ConvertAll(f => f.Trim());
        var at = Columns(header);
        var missing = (areOutcomes ? s_outcome : s_request).Where(n => !at.ContainsKey(n)).ToList();
        if (missing.Count > 0)
        {
            var row = areOutcomes
                ? "A row is one model's answer: query, model, score (0 to 1), cost_usd, and where they are known in, out (tokens), lat_s, id, dataset."
                : "A row is a request: query, and where they are known answer, id, dataset.";
            throw new DataFileException($"{path}: the header has no column {string.Join(", ", missing)}; it has {string.Join(", ", header)}. {row}");
        }

        var hasDecimalComma = rows.Current.Separator != ',' && HasDecimalComma(path, open, at, header.Count);
        var (dataset, hasRow) = (DataFolder.NameOf(path), false);
        while (rows.MoveNext())
        {
            hasRow = true;
            var (line, last, fields, _) = rows.Current;
            if (fields.Count == header.Count)
            {
                yield return (line, areOutcomes ? Json(line, at, fields, dataset, hasDecimalComma) : Request(at, fields, dataset));
            }
            else if (line == last)
            {
                bad.Add(line, $"has {fields.Count} fields, and the header {header.Count}; quote texts that have separators, quotes or line breaks in them");
            }
            else
            {
                // A stray quote takes all up to the next one into a text: no telling how many rows would be left out.
                throw new DataFileException(
                    $"{path}: the row of lines {line} to {last} has {fields.Count} fields, and the header {header.Count}: a quote is opened there that "
                        + "was meant as a character, or closes too late. Quote texts that have separators, quotes or line breaks in them, and double the quotes within.");
            }
        }

        if (!hasRow)
        {
            throw new DataFileException($"{path}: there is a header and no row below it.");
        }
    }

    private static StreamReader Reader(Stream stream) => new(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));

    private static Dictionary<string, int> Columns(List<string> header)
    {
        var at = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < header.Count; i++)
        {
            at.TryAdd(header[i], i);
        }

        return at;
    }

    /// <summary>Looks ahead to the first figure with one.</summary>
    private static bool HasDecimalComma(string path, Func<Stream> open, Dictionary<string, int> at, int fields)
    {
        int[] fractions = [.. s_fractions.Where(at.ContainsKey).Select(name => at[name])];
        using var reader = Reader(open());
        try
        {
            return Rows(reader, path).Skip(1).Any(row => row.Fields.Count == fields
                && fractions.Any(i => row.Fields[i].Contains(',', StringComparison.Ordinal) && IsNumber(row.Fields[i].Replace(',', '.'), out _)));
        }
        catch (DataFileException)
        {
            return false; // which is told where it is met
        }
    }

    private static bool IsNumber(string figure, out double number) => double.TryParse(figure, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);

    private static byte[] Json(int line, Dictionary<string, int> at, List<string> fields, string dataset, bool hasDecimalComma)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            string Field(string name) => at.TryGetValue(name, out var i) ? fields[i].Trim() : "";
            var (id, model) = (Field("id"), Field("model"));
            json.WriteStartObject();
            json.WriteString("id", id.Length > 0 ? $"{id}/{model}" : line.ToString(CultureInfo.InvariantCulture)); // an id is the request's, whose answers by other models have rows of their own
            json.WriteString("dataset", Field("dataset") is { Length: > 0 } given ? given : dataset);
            json.WriteString("query", fields[at["query"]]);
            json.WriteStartObject("models");
            json.WriteStartObject(model);
            foreach (var name in s_figures)
            {
                if (Field(name) is not { Length: > 0 } figure)
                {
                    continue;
                }

                var plain = !hasDecimalComma ? figure
                    : s_fractions.Contains(name) ? figure.Replace(',', '.')
                    : IsGrouped(figure) ? figure.Replace(".", "", StringComparison.Ordinal)
                    : figure;
                if (IsNumber(plain, out var number))
                {
                    json.WriteNumber(name, number);
                }
                else
                {
                    json.WriteString(name, figure); // to be reported as it stands
                }
            }

            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static byte[] Request(Dictionary<string, int> at, List<string> fields, string dataset)
    {
        Dictionary<string, object> row = new() { ["query"] = fields[at["query"]], ["dataset"] = dataset };
        foreach (var name in (string[])["id", "dataset", "answer"])
        {
            if (at.TryGetValue(name, out var i) && fields[i].Trim() is { Length: > 0 } given)
            {
                row[name] = given;
            }
        }

        if (at.ContainsKey("model"))
        {
            row["models"] = new { }; // of outcomes, which have a row for each answer
        }

        return JsonSerializer.SerializeToUtf8Bytes(row);
    }

    /// <summary>Thousands with points between them, as who writes a decimal comma may group them: 1.250 tokens are not one and a quarter.</summary>
    private static bool IsGrouped(string figure) =>
        figure.Split('.') is [{ Length: 1 or 2 or 3 } first, _, ..] parts && first[0] != '0' && parts.Skip(1).All(p => p.Length == 3) && parts.All(p => p.All(char.IsAsciiDigit));

    /// <summary>Each row with the lines it begins and ends on; empty lines are left out.</summary>
    private static IEnumerable<(int Line, int Last, List<string> Fields, char Separator)> Rows(StreamReader reader, string path)
    {
        var (line, separator) = (0, '\0');
        while (NextLine(reader, path, line) is { } text)
        {
            line++;
            if (string.IsNullOrWhiteSpace(text))
            {
                continue;
            }

            if (separator == '\0' && text.Length == 5 && text.StartsWith("sep=", StringComparison.OrdinalIgnoreCase))
            {
                separator = text[4]; // a spreadsheet's word to itself, above the header
                continue;
            }

            separator = separator == '\0' ? s_separators.MaxBy(s => text.Count(c => c == s)) : separator;
            var begun = line;
            var (fields, field, isQuoted) = (new List<string>(), new StringBuilder(), false);
            for (var i = 0; ; i++)
            {
                if (i == text.Length)
                {
                    if (!isQuoted)
                    {
                        break;
                    }

                    field.Append('\n');
                    (text, i) = (NextLine(reader, path, line) ?? throw new DataFileException($"{path}: a quote that is opened in the row of line {begun} is never closed."), -1);
                    line++;
                }
                else if (text[i] == '"' && isQuoted && i + 1 < text.Length && text[i + 1] == '"')
                {
                    field.Append('"');
                    i++;
                }
                else if (text[i] == '"' && (isQuoted || field.Length == 0))
                {
                    isQuoted = !isQuoted;
                }
                else if (text[i] == separator && !isQuoted)
                {
                    fields.Add(field.ToString());
                    field.Clear();
                }
                else
                {
                    field.Append(text[i]);
                }
            }

            fields.Add(field.ToString());
            yield return (begun, line, fields, separator);
        }
    }

    private static string? NextLine(StreamReader reader, string path, int line)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (DecoderFallbackException e)
        {
            throw new DataFileException($"{path}: somewhere after line {line} there is text that is not UTF-8; save the table as CSV in UTF-8.", e);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw new DataFileException($"{path}: damaged or cut short: {e.Message}", e);
        }
    }
}
