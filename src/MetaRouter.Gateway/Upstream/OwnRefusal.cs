using System.Text.Json;
using MetaRouter.Gateway.Chat;
using static MetaRouter.Gateway.Http.LenientJson;

namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// Whether a refusal speaks of the upstream's own model, so that another may take the request: who asks for auto cannot know what the model that is chosen will
/// not take. Only what says so outright counts: OpenAI's codes (platform.openai.com/docs/guides/error-codes), a prompt that the model is too small for, and credit that is used up.
/// What it finds wrong with the request otherwise, or wicked, is not shown around.
/// </summary>
internal static class OwnRefusal
{
    private const string NoCredit = "credit balance is too low"; // Anthropic's words, under the code that any bad request has

    /// <summary>Words of Anthropic's for what one of its models takes and another does not, such as an effort, adaptive thinking or so long an answer; and for thoughts that another's model had.</summary>
    private static readonly string[] s_words = ["model does not support", "not supported on this model", "maximum allowed number of output tokens", "`signature` in `thinking` block"];

    private static readonly string[] s_codes = ["unsupported_parameter", "unsupported_value", "unknown_parameter"], s_creditCodes = ["billing_hard_limit_reached", "insufficient_quota"];

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

        var message = Completion.ErrorMessageOf(json) ?? "";
        if (PromptTooLong.Is(json, message))
        {
            return "they are longer than it takes: check ContextWindow";
        }

        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        var code = Text(Field(document.RootElement, "error"), "code");
        return s_codes.Contains(code) || s_words.Any(w => message.Contains(w, StringComparison.Ordinal)) ? "it does not take a parameter of theirs; for max_tokens, set MaxCompletionTokens"
            : s_creditCodes.Contains(code) || message.Contains(NoCredit, StringComparison.Ordinal) ? "the credit of its account is used up, or the account's limit reached: see to the billing there"
            : null;
    }
}
