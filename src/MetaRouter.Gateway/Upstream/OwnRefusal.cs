using System.Text.Json;
using MetaRouter.Gateway.Chat;
using static MetaRouter.Gateway.Http.LenientJson;

namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// Whether a refusal speaks of the upstream's own model, so that another may take the request: who asks for auto cannot know what the model that is chosen will
/// not take. Only what says so outright counts: OpenAI's codes (platform.openai.com/docs/guides/error-codes), and a prompt that the model is too small for.
/// What it finds wrong with the request otherwise, or wicked, is not shown around.
/// </summary>
internal static class OwnRefusal
{
    private static readonly string[] s_codes = ["unsupported_parameter", "unsupported_value", "unknown_parameter"];

    /// <param name="json">A whole JSON object.</param>
    /// <returns>What it means, for the operator; null: it speaks of the request.</returns>
    public static string? Meaning(int status, ReadOnlySpan<byte> json)
    {
        switch (status)
        {
            case StatusCodes.Status404NotFound:
                return "it knows no such model, or no such path: check UpstreamModel and BaseUrl";
            case StatusCodes.Status429TooManyRequests:
                return "its rate or quota is used up";
            case StatusCodes.Status400BadRequest:
                break;
            default:
                return null;
        }

        if (Completion.ErrorMessageOf(json) is { } message && PromptTooLong.Is(json, message))
        {
            return "they are longer than it takes: check ContextWindow";
        }

        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        return s_codes.Contains(Text(Field(document.RootElement, "error"), "code")) ? "it does not take a parameter of theirs; for max_tokens, set MaxCompletionTokens" : null;
    }
}
