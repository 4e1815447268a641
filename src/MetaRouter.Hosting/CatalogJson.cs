using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Hosting;

/// <summary>A catalog as JSON, the form the API takes and gives and stores keep.</summary>
public static class CatalogJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
    };

    public static byte[] Write(ModelCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return JsonSerializer.SerializeToUtf8Bytes(new Document([.. catalog.Models.Select(Entry.Of)]), Options);
    }

    /// <exception cref="ArgumentException">It is not a valid catalog; the message names every problem.</exception>
    public static ModelCatalog Read(ReadOnlySpan<byte> json)
    {
        Document document;
        try
        {
            document = JsonSerializer.Deserialize<Document>(json, Options) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"The catalog cannot be read{(e.Path is null ? "" : $" at {e.Path}")}: {First(e.Message)}", e);
        }

        var problems = new List<string>();
        var models = new List<ModelProfile>();
        foreach (var (entry, i) in (document.Models ?? []).Select((m, i) => (m, i)))
        {
            if (entry is null)
            {
                problems.Add($"models[{i}] is null; remove it");
            }
            else if (entry.ToOptions().ToProfile($"models[{i}]", problems, isJson: true) is { } model)
            {
                models.Add(model);
            }
        }

        return problems.Count > 0 ? throw new ArgumentException(string.Join("; ", problems) + ".") : new ModelCatalog(models);

        static string First(string message)
        {
            var end = message.IndexOf(" Path:", StringComparison.Ordinal);
            return end < 0 ? message : message[..end];
        }
    }

    /// <summary>What tells two catalogs apart, in quotes as HTTP wants it.</summary>
    public static string Etag(ModelCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return string.Create(CultureInfo.InvariantCulture, $"\"{catalog.Version:x16}\"");
    }

    private sealed record Document(IReadOnlyList<Entry?>? Models);

    private sealed record Entry
    {
        public string Id { get; init; } = "";

        public double? InputPriceUsdPerMillion { get; init; }

        public double? OutputPriceUsdPerMillion { get; init; }

        public double? CachedInputPriceUsdPerMillion { get; init; }

        public double? CacheWritePriceUsdPerMillion { get; init; }

        public double? OutputScale { get; init; }

        public int? ContextWindow { get; init; }

        public IReadOnlyList<string>? Capabilities { get; init; }

        public double? LatencySeconds { get; init; }

        public string? Sibling { get; init; }

        public IReadOnlyList<string>? Aliases { get; init; }

        public bool? Enabled { get; init; }

        public static Entry Of(ModelProfile model) => new()
        {
            Id = model.Id.Value,
            InputPriceUsdPerMillion = model.InputPrice.Usd,
            OutputPriceUsdPerMillion = model.OutputPrice.Usd,
            CachedInputPriceUsdPerMillion = model.CachedInputPrice?.Usd,
            CacheWritePriceUsdPerMillion = model.CacheWritePrice?.Usd,
            OutputScale = model.OutputScale == 1 ? null : model.OutputScale,
            ContextWindow = model.ContextWindow,
            Capabilities = model.Capabilities == ModelCapabilities.All ? null : MetaRouterOptions.ModelOptions.NamesOf(model.Capabilities),
            LatencySeconds = model.LatencySeconds,
            Sibling = model.Sibling?.Value,
            Aliases = model.Aliases.Count == 0 ? null : [.. model.Aliases.Select(a => a.Value)],
            Enabled = model.Enabled ? null : false,
        };

        public MetaRouterOptions.ModelOptions ToOptions()
        {
            var options = new MetaRouterOptions.ModelOptions
            {
                Id = Id,
                InputPrice = InputPriceUsdPerMillion,
                OutputPrice = OutputPriceUsdPerMillion,
                CachedInputPrice = CachedInputPriceUsdPerMillion,
                CacheWritePrice = CacheWritePriceUsdPerMillion,
                OutputScale = OutputScale ?? 1,
                LatencySeconds = LatencySeconds,
                ContextWindow = ContextWindow ?? 128_000,
                Sibling = Sibling ?? "",
                Enabled = Enabled ?? true,
            };
            foreach (var capability in Capabilities ?? [])
            {
                options.Capabilities.Add(capability);
            }

            foreach (var alias in Aliases ?? [])
            {
                options.Aliases.Add(alias);
            }

            return options;
        }
    }
}
