using System.Text.Json;

namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// Whether a refusal speaks of the prompt. A 403 is as a rule the key's, and an upstream with a bad key is left alone; so only what says so outright counts:
/// OpenRouter's metadata of what was flagged (openrouter.ai/docs/errors), and the codes of OpenAI's, Azure's and LiteLLM's filters.
/// </summary>
internal static class Moderation
{
    private static readonly string[] s_codes = ["content_filter", "content_policy_violation", "moderation_blocked", "ResponsibleAIPolicyViolation"];

    /// <param name="json">A whole JSON object.</param>
    public static bool Refuses(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        if (!document.RootElement.TryGetProperty("error", out var error) || error.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        return IsCode(error, "code") || IsCode(error, "type")
            || (error.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object
                && (metadata.TryGetProperty("flagged_input", out _) || (metadata.TryGetProperty("reasons", out var reasons) && reasons.ValueKind == JsonValueKind.Array && reasons.GetArrayLength() > 0)));

        static bool IsCode(JsonElement of, string name) => of.TryGetProperty(name, out var code) && code.ValueKind == JsonValueKind.String && Array.Exists(s_codes, c => code.ValueEquals(c));
    }
}
