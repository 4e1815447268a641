using System.Globalization;
using System.Text.Json;

namespace MetaRouter.Gateway.Http;

/// <summary>Typed reads of a JSON object's fields; a wrong one is refused by name, with its value and what it should be.</summary>
internal readonly ref struct Fields
{
    private const int ShownCharacters = 60;

    private readonly JsonElement _root;

    /// <param name="known">Everything that may be there; a misspelt field must not be silently ignored. An unknown field that is null is accepted: it asks for
    /// nothing, and some clients write every field they know.</param>
    public Fields(JsonElement root, ReadOnlySpan<string> known)
    {
        _root = root;
        foreach (var field in root.EnumerateObject())
        {
            if (field.Value.ValueKind != JsonValueKind.Null && !IsOneOf(field, known))
            {
                throw new ApiException(
                    400, ErrorCodes.InvalidRequest, "unknown_field",
                    field.NameEquals("tenant")
                        ? "'tenant' is never taken from a body: it comes from the API key. Leave it out."
                        : $"'{field.Name}' is not a field of this call; {(known.IsEmpty ? "it has none" : $"the fields are {string.Join(", ", known.ToArray())}")}.", field.Name);
            }
        }
    }

    /// <summary>Whatever else is there is somebody else's business.</summary>
    public Fields(JsonElement root) => _root = root;

    public JsonElement? Find(string name) => _root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public string? Text(string name) => Find(name) is not { } value ? null : value.ValueKind == JsonValueKind.String ? Text(name, value) : throw Wrong(name, value, "a string");

    public bool Flag(string name) => Find(name) is { } value && (value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(name, value, "true or false"));

    /// <summary>A finite number, 0 or more.</summary>
    public double? Amount(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.GetDouble() is >= 0 and < double.PositiveInfinity and var amount ? amount : throw Wrong(name, value, "a finite number, 0 or more");

    public static string Text(string name, JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Wrong(name, value, "valid Unicode (it has half of a surrogate pair)");
        }
    }

    public static ApiException Wrong(string name, JsonElement value, string expected)
    {
        var shown = value.GetRawText();
        shown = shown.Length <= ShownCharacters ? shown : shown[..ShownCharacters] + "...";
        return ApiException.BadValue(name, string.Create(CultureInfo.InvariantCulture, $"'{name}' is {shown}; it must be {expected}."));
    }

    private static bool IsOneOf(in JsonProperty field, ReadOnlySpan<string> known)
    {
        foreach (var name in known)
        {
            if (field.NameEquals(name))
            {
                return true;
            }
        }

        return false;
    }
}
