using System.Text.Json;
using static MetaRouter.Gateway.Http.LenientJson;

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
        var error = Field(document.RootElement, "error");
        var metadata = Field(error, "metadata");
        return s_codes.Contains(Text(error, "code")) || s_codes.Contains(Text(error, "type"))
            || Field(metadata, "flagged_input").ValueKind != JsonValueKind.Undefined || List(metadata, "reasons").Any();
    }
}
