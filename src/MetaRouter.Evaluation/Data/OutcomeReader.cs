using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Data;

/// <summary>
/// Reads known outcomes, one JSON object a line (.jsonl), or a table of them (<see cref="CsvLines"/>), plain or gzip:
/// <c>{"id","dataset","query","category"?,"contaminated"?,"in_routellm"?,"in_routellm_mmlu"?,"models":{NAME:{"score":0..1,"cost_usd":USD,"in"?:tokens,"out"?:tokens,"lat_s"?:seconds}}}</c>.
/// A missing or null <c>cost_usd</c> means unknown: that model is left out of that row. A call that cost something and counts 0 tokens in and out was not counted.
/// Lines of one text are one row, as where each has one model's answer, with one id or several; of a model that answered it twice the first outcome stands.
/// A line that breaks the format is skipped and reported.
/// A flag is true, false, or the name of the benchmark that makes it true.
/// </summary>
public static class OutcomeReader
{
    // Far above any call there is, and far below what a sum of squares of floats holds.
    internal const double MostUsd = 1e6, MostTokens = 1e9, MostSeconds = 1e6;

    /// <exception cref="DataFileException">The file cannot be read, has no good line, lacks a model asked for, or has no row left to keep.</exception>
    public static OutcomeFile Read(string path, OutcomeReadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new OutcomeReadOptions();
        if (options.Models is { } asked && (asked.Count == 0 || asked.Distinct().Count() != asked.Count))
        {
            throw new DataFileException($"{path}: the list of models is empty or names one twice: {string.Join(", ", asked)}.");
        }

        var (rows, models, bad) = ReadRows(path, options.RowFilter);
        var columns = options.Models ?? [.. models.OrderBy(m => m.Value, StringComparer.Ordinal)];
        var unknown = columns.Where(m => !models.Contains(m)).ToList();
        if (unknown.Count > 0)
        {
            throw new DataFileException($"{path}: no such model: {string.Join(", ", unknown)}. The file has: {string.Join(", ", models.Select(m => m.Value).Order(StringComparer.Ordinal))}.");
        }

        var column = columns.Select((m, i) => (m, i)).ToDictionary(x => x.m, x => x.i);
        var (texts, firsts) = (new Dictionary<string, Row>(StringComparer.Ordinal), new List<Row>(rows.Count));
        foreach (var row in rows)
        {
            if (texts.TryAdd(row.Info.Query, row))
            {
                firsts.Add(row);
                continue;
            }

            var known = texts[row.Info.Query].Cells;
            known.AddRange([.. row.Cells.ExceptBy(known.Select(c => c.Model), c => c.Model)]);
        }

        var kept = options.CompleteRowsOnly ? [.. firsts.Where(row => row.Cells.Count(c => column.ContainsKey(c.Model)) == columns.Count)] : firsts;
        if (kept.Count == 0)
        {
            var counts = columns.Select(m => $"{m} in {rows.Count(r => r.Cells.Any(c => c.Model == m))}");
            throw new DataFileException(rows.Count == 0
                ? $"{path}: the filter leaves no row."
                : $"{path}: no row has a score and a price for every model asked for. Of {rows.Count} rows: {string.Join(", ", counts)}.");
        }

        return new OutcomeFile(Table(DataFolder.NameOf(path), columns, column, kept), bad, rows.Count - firsts.Count);
    }

    private static (List<Row> Rows, HashSet<ModelId> Models, BadLines Bad) ReadRows(string path, Func<OutcomeRowInfo, bool>? filter)
    {
        var (rows, models, bad) = (new List<Row>(), new HashSet<ModelId>(), new BadLines());
        var ids = new Dictionary<string, (string Query, List<ModelId> Named)>(StringComparer.Ordinal);
        foreach (var (line, json) in JsonLines.Read(path, bad))
        {
            try
            {
                var row = Parse(json);
                if (!ids.TryAdd(row.Info.Id, (row.Info.Query, row.Named)))
                {
                    Join(row, ids[row.Info.Id]);
                }

                models.UnionWith(row.Named);
                if (filter is null || filter(row.Info))
                {
                    rows.Add(row);
                }
            }
            catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
            {
                // A JSON string of bad UTF-8 or a lone surrogate surfaces as InvalidOperationException when read.
                bad.Add(line, e is FormatException ? e.Message : "not valid JSON: " + JsonProblem.Of(e));
            }
        }

        if (ids.Count == 0)
        {
            throw new DataFileException($"{path}: no usable line. " + (bad.Count == 0 ? "The file is empty." : $"First problem: {bad.First[0]}."));
        }

        return (rows, models, bad);
    }

    /// <summary>Another line of an id: more models' answers to the same request.</summary>
    private static void Join(Row row, (string Query, List<ModelId> Named) known)
    {
        if (row.Named.FindIndex(known.Named.Contains) is >= 0 and var at)
        {
            var again = row.Named[at];
            // A table's rows are told apart by their model too, which is in their ids and not in the table's.
            var id = row.Info.Id.EndsWith($"/{again}", StringComparison.Ordinal) ? row.Info.Id[..^(again.Value.Length + 1)] : row.Info.Id;
            throw new FormatException($"id '{id}' has an answer of '{again}' on an earlier line");
        }

        if (row.Info.Query != known.Query)
        {
            throw new FormatException($"id '{row.Info.Id}' has another query on an earlier line");
        }

        known.Named.AddRange(row.Named);
    }

    private static Row Parse(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("not a JSON object");
        }

        var info = new OutcomeRowInfo(
            Text(root, "id"), Text(root, "dataset"), Category(root), Text(root, "query"),
            Flag(root, "contaminated"), Flag(root, "in_routellm"), Flag(root, "in_routellm_mmlu"));
        if (!root.TryGetProperty("models", out var models) || models.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("'models' is missing or not an object");
        }

        var named = new List<ModelId>();
        var cells = new List<Cell>();
        foreach (var property in models.EnumerateObject())
        {
            var model = Model(property.Name);
            if (named.Contains(model))
            {
                throw new FormatException($"model '{model}' is listed twice");
            }

            named.Add(model);
            if (Outcome(model, property.Value) is { CostUsd: not double.NaN } cell)
            {
                cells.Add(cell);
            }
        }

        return new Row(info, named, cells);
    }

    private static ModelId Model(string name)
    {
        try
        {
            return new ModelId(name);
        }
        catch (ArgumentException)
        {
            throw new FormatException($"'{name}' is not a model name: 1 to {ModelId.MaxLength} visible ASCII characters");
        }
    }

    private static Cell Outcome(ModelId model, JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"model '{model}' is not an object");
        }

        var cell = new Cell(
            model,
            Number(json, "score", model, 1) ?? throw new FormatException($"model '{model}' has no score"),
            Number(json, "cost_usd", model, MostUsd) ?? double.NaN,
            Number(json, "in", model, MostTokens) ?? double.NaN,
            Number(json, "out", model, MostTokens) ?? double.NaN,
            Number(json, "lat_s", model, MostSeconds) ?? double.NaN);
        return cell is { CostUsd: > 0, InputTokens: 0, OutputTokens: 0 } ? cell with { InputTokens = double.NaN, OutputTokens = double.NaN } : cell; // else its price would be 0
    }

    private static string Text(JsonElement row, string name) =>
        row.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : throw new FormatException($"'{name}' is missing, empty or not a string");

    private static string? Category(JsonElement row) =>
        row.TryGetProperty("category", out var value) && value.ValueKind != JsonValueKind.Null ? Text(row, "category") : null;

    private static bool Flag(JsonElement row, string name) => row.TryGetProperty(name, out var value) && value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.String => true,
        JsonValueKind.False or JsonValueKind.Null => false,
        _ => throw new FormatException($"'{name}' is neither true, false nor the name of a benchmark"),
    };

    private static double? Number(JsonElement cell, string name, ModelId model, double most)
    {
        if (!cell.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= 0 && number <= most
            ? number
            : throw new FormatException(string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"model '{model}' has {name} {value.GetRawText()}; it must be a number from 0 to {most}{Hint(value)}"));
    }

    private static string Hint(JsonElement value) => value.ValueKind != JsonValueKind.String || value.GetString() is not { } text ? ""
        : text.Contains(',', StringComparison.Ordinal) ? ", with a decimal point"
        : text.EndsWith('%') ? "; a percentage is divided by 100"
        : "";

    private static OutcomeTable Table(string name, IReadOnlyList<ModelId> columns, Dictionary<ModelId, int> column, List<Row> rows)
    {
        var size = rows.Count * columns.Count;
        var (score, cost, input, output, latency) = (new float[size], new double[size], new float[size], new float[size], new float[size]);
        Array.Fill(score, float.NaN);
        Array.Fill(cost, double.NaN);
        Array.Fill(input, float.NaN);
        Array.Fill(output, float.NaN);
        Array.Fill(latency, float.NaN);
        for (var i = 0; i < rows.Count; i++)
        {
            foreach (var cell in rows[i].Cells)
            {
                if (column.TryGetValue(cell.Model, out var k))
                {
                    var at = (i * columns.Count) + k;
                    (score[at], cost[at], input[at], output[at], latency[at]) = ((float)cell.Score, cell.CostUsd, (float)cell.InputTokens, (float)cell.OutputTokens, (float)cell.LatencySeconds);
                }
            }
        }

        return new OutcomeTable(name, columns, [.. rows.Select(r => r.Info.Id)], [.. rows.Select(r => r.Info.Query)], [.. rows.Select(r => r.Info.Group)], score, cost, input, output, latency);
    }

    private readonly record struct Cell(ModelId Model, double Score, double CostUsd, double InputTokens, double OutputTokens, double LatencySeconds);

    private sealed record Row(OutcomeRowInfo Info, List<ModelId> Named, List<Cell> Cells);
}
