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

    /// <summary>What OpenAI's models bill for an image of 1024 by 1024 pixels, and for any that is looked at with little detail. Its size is not looked for.</summary>
    public const int TokensPerImage = 765, TokensPerGlance = 85;

    /// <summary>Characters of a sound's base64 to a token, ten of which a second of speech is: it has some 64,000 characters as it was recorded, and 2,700 at best.</summary>
    public const int AudioPerToken = 1000;

    private const int TokensPerMessage = 4;

    /// <param name="messages">How many; 1 or more.</param>
    /// <param name="bytes">UTF-8, of all their texts and calls of tools.</param>
    public static Conversation Of(string text, int messages, long bytes, ModelCapabilities needs) =>
        new(text, messages == 1 ? null : (int)Math.Min(int.MaxValue, (bytes / BytesPerToken) + ((long)messages * TokensPerMessage)), needs);

    /// <summary>Estimated, of one message too.</summary>
    public int Tokens => PromptTokens ?? (Encoding.UTF8.GetByteCount(Text) / BytesPerToken) + TokensPerMessage;

    /// <summary>With so many more bytes of prompt, beside its messages' texts: definitions of tools, the answer's schema, images.</summary>
    public Conversation And(long bytes) => bytes == 0 ? this : this with { PromptTokens = (int)Math.Min(int.MaxValue, Tokens + (bytes / BytesPerToken)) };
}
