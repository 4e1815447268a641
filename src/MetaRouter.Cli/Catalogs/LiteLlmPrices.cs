using System.Globalization;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Cli.Catalogs;

/// <summary>
/// A price list in LiteLLM's format: one JSON object that maps each model's name to its facts, prices in US dollars per token. What cannot be routed, or is unclear,
/// is skipped with its reason; nothing is guessed.
/// </summary>
internal static class LiteLlmPrices
{
    /// <summary>The format's own description of itself, listed among the models.</summary>
    private const string Specimen = "sample_spec";

    /// <returns>The models in the list's order, and for each one skipped its name and why.</returns>
    /// <exception cref="BadInputException">It is not such a list.</exception>
    public static (IReadOnlyList<ModelProfile> Models, IReadOnlyList<(string Name, string Reason)> Skipped) Read(ReadOnlyMemory<byte> json, Func<string, bool> wanted)
    {
        var (models, skipped, seen) = (new List<ModelProfile>(), new List<(string, string)>(), new HashSet<string>());
        using var document = Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw new BadInputException($"The price list is JSON of the kind {document.RootElement.ValueKind}; give an object that maps each model's name to its prices.");
        }

        foreach (var (at, entry) in document.RootElement.EnumerateObject().Index())
        {
            var name = NameOf(entry);
            if (name == Specimen || (name is not null && !wanted(name)))
            {
                continue;
            }

            ModelProfile? model = null;
            var reason = name is null ? "a name that is not valid text" : seen.Add(name) ? Read(entry, name, out model) : "listed twice; the first counts";
            if (model is not null)
            {
                models.Add(model);
            }
            else
            {
                skipped.Add((name ?? $"entry {at + 1}", reason!));
            }
        }

        return (models, skipped);
    }

    /// <summary>Null: bad UTF-8, or half of a surrogate pair.</summary>
    private static string? NameOf(JsonProperty entry)
    {
        try
        {
            return entry.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <returns>Why there is no model; null: there is.</returns>
    private static string? Read(JsonProperty entry, string name, out ModelProfile? model)
    {
        var facts = entry.Value;
        model = null;
        try
        {
            if (Skip(facts, name) is { } reason)
            {
                return reason;
            }

            model = new ModelProfile(new ModelId(name), Price(facts, "input_cost_per_token")!.Value, Price(facts, "output_cost_per_token")!.Value)
            {
                CachedInputPrice = Price(facts, "cache_read_input_token_cost"),
                CacheWritePrice = Price(facts, "cache_creation_input_token_cost"),
                ContextWindow = Whole(facts, "max_input_tokens") ?? Whole(facts, "max_tokens") ?? 128_000,
                Capabilities = ModelCapabilities.Streaming
                    | Flag(facts, "supports_function_calling", ModelCapabilities.Tools)
                    | Flag(facts, "supports_vision", ModelCapabilities.Vision)
                    | Flag(facts, "supports_response_schema", ModelCapabilities.StructuredOutput),
            };
            return null;
        }
        catch (InvalidOperationException)
        {
            // Thrown when names are compared: bad UTF-8, or half of a surrogate pair.
            return "a field name or word that is not valid text";
        }
    }

    /// <summary>Null: it can be used.</summary>
    private static string? Skip(JsonElement facts, string name)
    {
        if (facts.ValueKind != JsonValueKind.Object)
        {
            return "no object";
        }

        if (name.Length is 0 or > ModelId.MaxLength || name.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return "a name no model can have";
        }

        if (!facts.TryGetProperty("mode", out var mode) || mode.ValueKind != JsonValueKind.String)
        {
            return "mode is missing";
        }

        if (!mode.ValueEquals("chat"))
        {
            return "mode " + mode.GetString();
        }

        foreach (var price in (string[])["input_cost_per_token", "output_cost_per_token"])
        {
            if (Price(facts, price) is null)
            {
                return $"no usable {price}";
            }
        }

        return Array.Find(
            ["cache_read_input_token_cost", "cache_creation_input_token_cost"],
            price => Price(facts, price) is null && facts.TryGetProperty(price, out var given) && given.ValueKind != JsonValueKind.Null) is { } unusable ? "no usable " + unusable : null;
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
        }
        catch (JsonException e)
        {
            throw new BadInputException($"The price list is not JSON at line {e.LineNumber + 1}: {JsonProblem.Of(e)}.", e);
        }
    }

    /// <summary>Per million tokens, with the digits of the list: multiplying a price per token would add rounding errors.</summary>
    private static PricePerMillionTokens? Price(JsonElement facts, string name) =>
        facts.TryGetProperty(name, out var price) && price.ValueKind == JsonValueKind.Number && price.TryGetDouble(out var usd) && usd is >= 0 and <= PricePerMillionTokens.MostUsd / 1e6
            ? new PricePerMillionTokens(double.Parse((usd * 1e6).ToString("G12", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture))
            : null;

    private static int? Whole(JsonElement facts, string name) =>
        facts.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var tokens) && tokens is >= 1 and <= int.MaxValue ? (int)tokens : null;

    private static ModelCapabilities Flag(JsonElement facts, string name, ModelCapabilities capability) =>
        facts.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True ? capability : 0;
}
