using System.Text;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Chat;

/// <summary>A conversation that no model holds any more. Clients that can make it shorter know by the provider's code, or by its very words, that they have to.</summary>
internal static class TooLong
{
    /// <summary>OpenAI's.</summary>
    private const string Code = "context_length_exceeded", Words = "maximum context length";

    public const string Anthropics = "prompt is too long";

    /// <summary>As OpenAI, and who resembles it, refuse it.</summary>
    /// <param name="message">What the error says.</param>
    public static bool Is(ReadOnlySpan<byte> error, string message) => error.IndexOf(Encoding.ASCII.GetBytes($"\"{Code}\"")) >= 0 || message.Contains(Words, StringComparison.Ordinal);

    /// <param name="window">The most tokens that a model holds which might answer.</param>
    /// <param name="reasons">Each model's.</param>
    public static ApiException For(ChatBody body, int window, string reasons)
    {
        var (prompt, answer) = (body.Asked.Tokens, body.Needs.ExpectedOutputTokens);
        long AtLeast(long tokens) => Math.Max(tokens, window + 1L); // the estimate that decided may be a little more
        return new(400, ErrorCodes.InvalidRequest, Code, FormattableString.Invariant($"The {Words} is {window} tokens, and the request needs {AtLeast((long)prompt + answer)} with its answer. {reasons}"), "messages")
        {
            ProvidersMessage = prompt < window && answer > 0
                ? FormattableString.Invariant($"input length and `max_tokens` exceed context limit: {prompt} + {answer} > {window}, decrease input length or `max_tokens` and try again")
                : FormattableString.Invariant($"{Anthropics}: {AtLeast(prompt)} tokens > {window} maximum"),
        };
    }
}
