using System.Text;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Chat;

/// <summary>A conversation that is too long for every model. Clients that can shorten it recognise the provider's error code, or its exact words.</summary>
internal static class PromptTooLong
{
    /// <summary>OpenAI's.</summary>
    private const string Code = "context_length_exceeded", Words = "maximum context length";

    public const string Anthropics = "prompt is too long", AnthropicsWithAnswer = "exceed context limit";

    /// <summary>Whether an error is such a refusal, by whatever upstream.</summary>
    /// <param name="message">The error's message.</param>
    public static bool Is(ReadOnlySpan<byte> error, string message) =>
        message.Contains(Anthropics, StringComparison.Ordinal) || message.Contains(AnthropicsWithAnswer, StringComparison.Ordinal) || IsInOpenAisWords(error, message);

    /// <summary>The same of OpenAI and upstreams like it.</summary>
    public static bool IsInOpenAisWords(ReadOnlySpan<byte> error, string message) => error.IndexOf(Encoding.ASCII.GetBytes($"\"{Code}\"")) >= 0 || message.Contains(Words, StringComparison.Ordinal);

    /// <param name="window">The largest context window among the models that might answer, in tokens.</param>
    /// <param name="reasons">Each model's.</param>
    public static ApiException For(ChatBody body, int window, string reasons)
    {
        var (prompt, answer) = (body.Asked.Tokens, body.Needs.ExpectedOutputTokens);
        long AtLeast(long tokens) => Math.Max(tokens, window + 1L); // the estimate used here may be a little below the one that decided
        return new(
            400, ErrorCodes.InvalidRequest, Code,
            FormattableString.Invariant($"The {Words} is {window} tokens, and the request needs {AtLeast((long)prompt + answer)} with its answer. {reasons}"),
            "messages")
        {
            ProvidersMessage = prompt < window && answer > 0
                ? FormattableString.Invariant($"input length and `max_tokens` {AnthropicsWithAnswer}: {prompt} + {answer} > {window}, decrease input length or `max_tokens` and try again")
                : FormattableString.Invariant($"{Anthropics}: {AtLeast(prompt)} tokens > {window} maximum"),
        };
    }
}
