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

    /// <summary>Estimated, of one message too; what an image takes is not known here.</summary>
    public int Tokens => PromptTokens ?? (Encoding.UTF8.GetByteCount(Text) / BytesPerToken) + TokensPerMessage;

    /// <summary>With so many more bytes of prompt, beside its messages: definitions of tools, the answer's schema.</summary>
    public Conversation And(long bytes) => bytes == 0 ? this : this with { PromptTokens = (int)Math.Min(int.MaxValue, Tokens + (bytes / BytesPerToken)) };
}
