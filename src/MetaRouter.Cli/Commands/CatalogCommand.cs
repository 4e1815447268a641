using System.CommandLine;
using System.IO.Enumeration;
using System.Text.Encodings.Web;
using System.Text.Json;
using MetaRouter.Cli.Catalogs;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter catalog import FILE [--only PATTERN]... [--out FILE]</c></summary>
internal static class CatalogCommand
{
    private const int NamesShown = 3;

    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "A price list in LiteLLM's JSON format." };
        var only = new Option<string[]>("--only") { Description = "Only models whose name matches, * for anything; may be repeated. Default: all.", HelpName = "PATTERN" };
        var target = new Option<string?>("--out") { Description = "Where the catalog goes. Default: the standard output.", HelpName = "FILE" };
        var import = new DocumentedCommand(
            "import", "Makes a catalog from a price list, as PUT /v1/router/models takes it, and says what it skipped.",
            "catalog import prices.json --only 'gpt-4o*' --out catalog.json")
        {
            file, only, target,
        };
        import.SetAction(parsed => Run(terminal, parsed.GetRequiredValue(file), parsed.GetValue(only) ?? [], parsed.GetValue(target)));
        return new Command("catalog", "Models and their prices.") { import };
    }

    private static int Run(Terminal terminal, string file, string[] only, string? target)
    {
        if (!File.Exists(file))
        {
            throw new BadInputException($"{file}: no such file; give a price list in LiteLLM's format (model_prices_and_context_window.json).");
        }

        var (models, skipped) = Read(file, name => only.Length == 0 || only.Any(p => FileSystemName.MatchesSimpleExpression(p, name, ignoreCase: false)));
        foreach (var group in skipped.GroupBy(s => s.Reason).OrderByDescending(g => g.Count()))
        {
            var names = string.Join(", ", group.Take(NamesShown).Select(s => s.Name)) + (group.Count() > NamesShown ? ", ..." : "");
            terminal.Error.WriteLine($"Skipped {group.Count()}: {group.Key} ({names})");
        }

        if (models.Count is 0 or > ModelCatalog.MaxModels)
        {
            throw new BadInputException(models.Count == 0
                ? $"{file}: no model is left{(only.Length > 0 ? $" that is like {string.Join(" or ", only)}" : "")}; nothing was written."
                : $"{file}: {models.Count} models are left, and a catalog has at most {ModelCatalog.MaxModels}; choose with --only, such as --only 'gpt-4o*'.");
        }

        var json = Write(models);
        if (target is null)
        {
            terminal.Out.WriteLine(System.Text.Encoding.UTF8.GetString(json));
        }
        else
        {
            using var output = ReplacementFile.Create(target);
            output.Write(json);
            output.Commit();
        }

        terminal.Error.WriteLine($"{Readable.Count(models.Count, "model")}{(target is null ? "" : $" in {target}")}, {skipped.Count} skipped.");
        return ExitCodes.Success;
    }

    private static (IReadOnlyList<ModelProfile> Models, IReadOnlyList<(string Name, string Reason)> Skipped) Read(string file, Func<string, bool> wanted)
    {
        try
        {
            return LiteLlmPrices.Read(File.ReadAllBytes(file), wanted);
        }
        catch (BadInputException e)
        {
            throw new BadInputException($"{file}: {e.Message}", e);
        }
    }

    private static byte[] Write(IReadOnlyList<ModelProfile> models)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartArray("models");
            foreach (var model in models)
            {
                json.WriteStartObject();
                json.WriteString("id", model.Id.Value);
                json.WriteNumber("input_price_usd_per_million", model.InputPrice.Usd);
                json.WriteNumber("output_price_usd_per_million", model.OutputPrice.Usd);
                if (model.CachedInputPrice is { } cached)
                {
                    json.WriteNumber("cached_input_price_usd_per_million", cached.Usd);
                }

                if (model.CacheWritePrice is { } write)
                {
                    json.WriteNumber("cache_write_price_usd_per_million", write.Usd);
                }

                json.WriteNumber("context_window", model.ContextWindow);
                json.WriteStartArray("capabilities");
                foreach (var (capability, name) in ((ModelCapabilities, string)[])[
                    (ModelCapabilities.Tools, "tools"),
                    (ModelCapabilities.Vision, "vision"),
                    (ModelCapabilities.StructuredOutput, "structured_output"),
                    (ModelCapabilities.Streaming, "streaming"),
                ])
                {
                    if (model.Capabilities.HasFlag(capability))
                    {
                        json.WriteStringValue(name);
                    }
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
