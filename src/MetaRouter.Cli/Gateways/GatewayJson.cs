using System.Text.Encodings.Web;
using System.Text.Json;

namespace MetaRouter.Cli.Gateways;

/// <summary>What the gateway answered, a line of JSON each, under the API's names.</summary>
internal static class GatewayJson
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Line<T>(T answer) => JsonSerializer.Serialize(answer, Options);
}
