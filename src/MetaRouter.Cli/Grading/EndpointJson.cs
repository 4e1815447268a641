using System.Text.Json;

namespace MetaRouter.Cli.Grading;

/// <summary>What an endpoint answers, read as far as it is there: not every one is as OpenAI's.</summary>
internal static class EndpointJson
{
    private const int MostSaid = 300;

    /// <returns>Null: it is no JSON object.</returns>
    public static async Task<JsonDocument?> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var body = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
            return body.RootElement.ValueKind == JsonValueKind.Object ? body : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The endpoint's own words for what is wrong, as a sentence.</summary>
    public static string Said(JsonDocument? body)
    {
        var (whole, error) = (body?.RootElement ?? default, Field(body, "error"));
        var said = Text(error, "message") ?? Text(whole, "error") ?? Text(whole, "message") ?? Text(whole, "detail");
        return string.IsNullOrWhiteSpace(said) ? "it does not say why." : OneLine.Of(said, MostSaid, "...").TrimEnd('.') + ".";
    }

    public static JsonElement Field(JsonDocument? body, string name) => body is not null && body.RootElement.TryGetProperty(name, out var value) ? value : default;

    /// <returns>Null: there is none.</returns>
    public static string? Text(JsonElement of, string name) => of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <returns>NaN: there is none.</returns>
    public static double Number(JsonElement of, string name) => of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : double.NaN;
}
