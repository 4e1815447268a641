using System.Text.Json;

namespace MetaRouter.Gateway.Http;

/// <summary>Reads nested values of a request that is translated from another API: what is wrong, or has no counterpart, is refused by name.</summary>
internal static class StrictJson
{
    /// <exception cref="ApiException">400: a field is not among these.</exception>
    public static void CheckKnown(JsonElement root, string[] known)
    {
        if (UnknownIn(root, known) is { } refusal)
        {
            throw refusal;
        }
    }

    /// <returns>The refusal of the first field that is not among these; null: all are.</returns>
    public static ApiException? UnknownIn(JsonElement root, string[] known)
    {
        foreach (var field in root.EnumerateObject().Where(f => f.Value.ValueKind != JsonValueKind.Null && !known.Contains(f.Name)))
        {
            return Unsupported(field.Name, $"'{field.Name}' has no counterpart at OpenAI-compatible upstreams; leave it out. The fields are {string.Join(", ", known)}.");
        }

        return null;
    }

    public static JsonElement.ArrayEnumerator List(JsonElement value, string name) => value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw Fields.Wrong(name, value, "a list");

    /// <param name="name">Of the value that is read within, for errors.</param>
    public static JsonElement? Find(JsonElement of, string name, string field) =>
        of.ValueKind != JsonValueKind.Object ? throw Fields.Wrong(name, of, "an object") : of.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static string TypeOf(JsonElement block, string name) =>
        Find(block, name, "type") is { ValueKind: JsonValueKind.String } type ? Fields.Text("type", type) : throw Fields.Wrong(name, block, "an object with a type");

    /// <summary>A text that must be there.</summary>
    public static string Word(JsonElement of, string field) =>
        Find(of, field, field) is { ValueKind: JsonValueKind.String } word ? Fields.Text(field, word) : throw Fields.Wrong(field, of, $"an object with a text '{field}'");

    /// <summary>The most tokens an answer may have.</summary>
    public static int Limit(string name, JsonElement given) =>
        given.ValueKind == JsonValueKind.Number && given.TryGetInt32(out var most) && most >= 1 ? most : throw Fields.Wrong(name, given, "a whole number, 1 or more");

    public static ApiException Unsupported(string field, string message) => new(400, ErrorCodes.InvalidRequest, "unsupported_field", message, field);
}
