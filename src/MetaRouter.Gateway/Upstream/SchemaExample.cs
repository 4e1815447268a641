using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using static MetaRouter.Gateway.Http.LenientJson;

namespace MetaRouter.Gateway.Upstream;

/// <summary>A small value that a JSON schema allows, as far as types, required fields, lists of values, bounds and the usual formats say; patterns are not looked at.</summary>
internal sealed class SchemaExample
{
    /// <summary>Schemas that contain themselves: as little as may be from the one depth on, nothing from the other, and no more values than this, of which a long text is many.</summary>
    private const int Sparse = 8, Deepest = 24, Most = 10_000, CharactersPerValue = 16;

    private const string Word = "simulated";

    private readonly JsonElement _root;
    private int _made;

    private SchemaExample(JsonElement root) => _root = root;

    /// <param name="schema">Of no kind: any object will do.</param>
    public static JsonNode Of(JsonElement schema) => schema.ValueKind == JsonValueKind.Object ? new SchemaExample(schema).Of(schema, 0) ?? new JsonObject() : new JsonObject();

    private JsonNode? Of(JsonElement schema, int depth)
    {
        if (++_made > Most || depth > Deepest || schema.ValueKind != JsonValueKind.Object)
        {
            return schema.ValueKind == JsonValueKind.True ? Word : null;
        }

        if (Text(schema, "$ref") is { } reference)
        {
            return Of(At(_root, reference), depth + 1);
        }

        if (schema.TryGetProperty("const", out var only))
        {
            return Copy(only);
        }

        foreach (var value in List(schema, "enum"))
        {
            return Copy(value);
        }

        foreach (var name in (string[])["anyOf", "oneOf"])
        {
            var ways = List(schema, name).ToArray();
            if (ways.Length > 0)
            {
                return Of(ways.FirstOrDefault(w => (TypeOf(w) == "null") == (depth > Sparse), ways[0]), depth + 1);
            }
        }

        return TypeOf(schema) switch
        {
            not "null" when depth > Sparse && List(schema, "type").Any(t => Is(t, "null")) => null,
            "object" => Object(schema, depth),
            "array" => Array(schema, depth),
            "integer" or "number" => Number(schema),
            "boolean" => false,
            "null" => null,
            _ => String(schema),
        };
    }

    private JsonNode? Copy(JsonElement value)
    {
        var text = value.GetRawText();
        _made += text.Length / CharactersPerValue;
        return JsonNode.Parse(text);
    }

    /// <summary>Told, or by what stands beside it.</summary>
    private static string TypeOf(JsonElement schema)
    {
        var type = Field(schema, "type");
        return type.ValueKind switch
        {
            JsonValueKind.String => Text(schema, "type")!,
            JsonValueKind.Array => type.EnumerateArray().Where(t => t.ValueKind == JsonValueKind.String).Select(t => t.GetString()!).FirstOrDefault(t => t != "null") ?? "null",
            _ => Field(schema, "properties").ValueKind == JsonValueKind.Object || List(schema, "allOf").Any() ? "object"
                : Field(schema, "items").ValueKind == JsonValueKind.Object ? "array"
                : "string",
        };
    }

    private JsonObject Object(JsonElement schema, int depth)
    {
        var made = new JsonObject();
        foreach (var part in List(schema, "allOf"))
        {
            foreach (var (name, value) in (Of(part, depth + 1) as JsonObject ?? []).ToArray())
            {
                made[name] = value?.DeepClone();
            }
        }

        var required = schema.TryGetProperty("required", out _) ? List(schema, "required").Where(r => r.ValueKind == JsonValueKind.String).Select(r => r.GetString()!).ToHashSet() : null;
        foreach (var property in Field(schema, "properties") is { ValueKind: JsonValueKind.Object } properties ? properties.EnumerateObject() : default)
        {
            if (required is null ? depth == 0 : required.Contains(property.Name))
            {
                _made += property.Name.Length / CharactersPerValue;
                made[property.Name] = Of(property.Value, depth + 1);
            }
        }

        return made;
    }

    private JsonArray Array(JsonElement schema, int depth)
    {
        var made = new JsonArray();
        foreach (var item in List(schema, "prefixItems"))
        {
            made.Add(Of(item, depth + 1));
        }

        var items = Field(schema, "items");
        var least = items.ValueKind == JsonValueKind.False ? 0 : Bound(schema, "minItems") ?? (depth > Sparse ? 0 : Math.Min(1, Bound(schema, "maxItems") ?? 1));
        while (made.Count < least && _made < Most)
        {
            made.Add(items.ValueKind == JsonValueKind.Object ? Of(items, depth + 1) : Of(default, depth + 1) ?? Word);
        }

        return made;
    }

    /// <summary>The number nearest to 0 that the bounds and the step leave; where they leave none, one that keeps to some of them.</summary>
    private static JsonValue Number(JsonElement schema)
    {
        var (least, isAbove) = Limit(schema, "minimum", "exclusiveMinimum", Math.Max);
        var (most, isBelow) = Limit(schema, "maximum", "exclusiveMaximum", Math.Min);
        var isInteger = TypeOf(schema) == "integer";
        var step = Bound(schema, "multipleOf") is > 0 and var told ? told : 0;
        step = !isInteger ? step : step == 0 ? 1 : Whole(step);
        return Written(least > 0 || least == 0 && isAbove ? FromBelow(least.Value, isAbove, most, step) : most < 0 || most == 0 && isBelow ? -FromBelow(-most.Value, isBelow, -least, step) : 0);
    }

    /// <summary>The tighter of a bound and an exclusive one. That was once a flag beside the other.</summary>
    private static (double? At, bool IsExclusive) Limit(JsonElement schema, string name, string exclusive, Func<double, double, double> tighter)
    {
        var (open, closed) = (Bound(schema, exclusive), Bound(schema, name));
        return open is { } at && (closed is not { } other || tighter(at, other) == at) ? (at, true) : (closed, Field(schema, exclusive).ValueKind == JsonValueKind.True);
    }

    /// <param name="least">0 or more.</param>
    /// <param name="most">Null: there is no bound.</param>
    /// <param name="step">0: any number will do.</param>
    private static double FromBelow(double least, bool isAbove, double? most, double step)
    {
        if (step > 0)
        {
            var steps = Math.Ceiling(least / step);
            return Multiple(isAbove && Multiple(steps, step) <= least ? steps + 1 : steps, step);
        }

        return !isAbove ? least : most is { } end && end <= least + 1 ? least + (end - least) / 2 : least + 1;
    }

    /// <summary>In decimals where they reach: 3 times 0.1 is 0.3, as it is written.</summary>
    private static double Multiple(double steps, double step) => step is > 1e-20 and < 1e12 && steps < 1e12 ? (double)((decimal)steps * (decimal)step) : steps * step;

    /// <summary>The smallest whole multiple: of 2.5 it is 5.</summary>
    private static double Whole(double step) => Enumerable.Range(1, 1000).Select(n => Multiple(n, step)).FirstOrDefault(s => s == Math.Truncate(s), 1);

    /// <summary>JSON has no word for what is beyond all numbers.</summary>
    private static JsonValue Written(double value) =>
        !double.IsFinite(value) ? JsonValue.Create(0) : value == Math.Truncate(value) && Math.Abs(value) < 1e15 ? JsonValue.Create((long)value) : JsonValue.Create(value);

    private string String(JsonElement schema)
    {
        var text = Text(schema, "format") switch
        {
            "date-time" => "2026-01-01T00:00:00Z",
            "date" => "2026-01-01",
            "time" => "00:00:00Z",
            "duration" => "PT1M",
            "email" => "simulated@example.com",
            "uri" or "url" => "https://example.com/simulated",
            "hostname" => "example.com",
            "ipv4" => "192.0.2.1",
            "ipv6" => "2001:db8::1",
            "uuid" => "00000000-0000-4000-8000-000000000000",
            _ => Word,
        };
        text = text.PadRight((int)Math.Clamp(Bound(schema, "minLength") ?? 0, 0, 10_000), '.');
        _made += text.Length / CharactersPerValue;
        return Bound(schema, "maxLength") is >= 0 and var most && most < text.Length ? text[..(int)most] : text;
    }

    private static double? Bound(JsonElement schema, string name) =>
        Field(schema, name) is { ValueKind: JsonValueKind.Number } bound && bound.TryGetDouble(out var value) && double.IsFinite(value) ? value : null;

    /// <param name="reference">A pointer into the schema, such as <c>#/$defs/step</c>.</param>
    private static JsonElement At(JsonElement root, string reference)
    {
        var at = root;
        foreach (var part in reference.TrimStart('#').Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            at = at.ValueKind == JsonValueKind.Array && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                ? at.EnumerateArray().ElementAtOrDefault(index)
                : Field(at, name);
        }

        return at;
    }
}
