using System.Text;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Routing;

/// <summary>
/// What routing reads of a conversation: the last user message is the request. What came before it counts in tokens only: system texts are the application's,
/// alike for all its requests, and would drown what tells one from another.
/// </summary>
/// <param name="Text">The text of the last user message; of the last message where there is none.</param>
/// <param name="PromptTokens">An estimate over all messages; null when there is only one, which the encoder counts better.</param>
/// <param name="Needs">Vision, where a message has an image.</param>
public readonly record struct Conversation(string Text, int? PromptTokens, ModelCapabilities Needs)
{
    /// <summary>English prose and code have about four bytes to a token; a message's frame costs about four tokens.</summary>
    public const int BytesPerToken = 4;

    private const int TokensPerMessage = 4;

    /// <param name="messages">How many; 1 or more.</param>
    /// <param name="bytes">UTF-8, of all their texts and calls of tools.</param>
    public static Conversation Of(string text, int messages, long bytes, ModelCapabilities needs) =>
        new(text, messages == 1 ? null : (int)Math.Min(int.MaxValue, (bytes / BytesPerToken) + ((long)messages * TokensPerMessage)), needs);

    /// <summary>Estimated, of one message too.</summary>
    public int Tokens => PromptTokens ?? (Encoding.UTF8.GetByteCount(Text) / BytesPerToken) + TokensPerMessage;

    /// <summary>What OpenAI's models bill for an image of 1024 by 1024 pixels, and for any that is looked at in low detail. Its size is not looked for.</summary>
    public static int TokensOfImage(bool isInLowDetail) => isInLowDetail ? 85 : 765;

    /// <summary>A token for each thousand base64 characters of a sound. A second of speech is billed as ten tokens; it has some 64,000 characters uncompressed, and 2,700 compressed at best.</summary>
    public static int TokensOfAudio(int base64Characters) => base64Characters / 1000;

    /// <summary>Adds what a prompt has beside its messages' texts: the bytes of tool definitions and of the answer's schema, the tokens of images and sounds.</summary>
    public Conversation And(long bytes, long tokens = 0) => bytes == 0 && tokens == 0 ? this : this with { PromptTokens = (int)Math.Min(int.MaxValue, Tokens + (bytes / BytesPerToken) + tokens) };
}
