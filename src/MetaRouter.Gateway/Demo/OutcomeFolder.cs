using System.IO.Compression;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;

namespace MetaRouter.Gateway.Demo;

/// <summary>Real requests with what real models made of them: the rows of a folder's outcome files that every model on offer answered at a known cost.</summary>
internal static class OutcomeFolder
{
    /// <summary>Enough for hours without meeting a request often.</summary>
    private const int Most = 3000;

    private const string Zipped = ".jsonl.gz";

    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="InvalidDataException">No row has all of the models.</exception>
    public static IReadOnlyList<DemoRequest> Read(string folder, ModelCatalog catalog)
    {
        var rows = new List<DemoRequest>();
        foreach (var file in Directory.GetFiles(folder).Where(f => f.EndsWith(".jsonl", StringComparison.Ordinal) || f.EndsWith(Zipped, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            var bytes = File.OpenRead(file);
            using var lines = new StreamReader(file.EndsWith(Zipped, StringComparison.Ordinal) ? new GZipStream(bytes, CompressionMode.Decompress) : bytes);
            while (rows.Count < Most && lines.ReadLine() is { } line)
            {
                if (Row(line, catalog) is { } row)
                {
                    rows.Add(row);
                }
                else if (rows.Count == 0 && !line.Contains("\"models\"", StringComparison.Ordinal))
                {
                    break; // another kind of file
                }
            }
        }

        return rows.Count > 0 ? rows
            : throw new InvalidDataException(
                $"{DemoOptions.Section}:{nameof(DemoOptions.Data)} is '{folder}', and no row of its outcome files (*.jsonl, *.jsonl.gz) has a score and "
                    + $"a cost of every model on offer ({string.Join(", ", catalog.Models.Select(m => m.Id))}). Offer models that the files have, "
                    + $"with MetaRouter:Models or a MetaRouter:Snapshot trained on them, or leave {DemoOptions.Section}:{nameof(DemoOptions.Data)} out.");
    }

    /// <summary>Null: a model is missing, or its cost is not known.</summary>
    private static DemoRequest? Row(string line, ModelCatalog catalog)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            if (!json.RootElement.TryGetProperty("models", out var models) || !json.RootElement.TryGetProperty("query", out var query))
            {
                return null;
            }

            var outcomes = new Dictionary<ModelId, Outcome>();
            foreach (var model in catalog.Models.Where(m => m.Enabled))
            {
                if (!models.TryGetProperty(model.Id.Value, out var cell) || !cell.TryGetProperty("score", out var score) || !cell.TryGetProperty("cost_usd", out var cost)
                    || score.ValueKind != JsonValueKind.Number || cost.ValueKind != JsonValueKind.Number)
                {
                    return null;
                }

                outcomes[model.Id] = new Outcome(
                    score.GetSingle(), cost.GetSingle(),
                    cell.TryGetProperty("lat_s", out var latency) && latency.ValueKind == JsonValueKind.Number ? latency.GetSingle() : 0);
            }

            return new DemoRequest(query.GetString()!, outcomes);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null; // a torn line
        }
    }
}
