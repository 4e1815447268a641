using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Gateway.Http;

/// <summary>
/// What routing reads of OpenAI's <c>messages</c>: the last user message is the request. What came before it counts in tokens only: system texts are
/// the application's, alike for all its requests, and would drown what tells one from another.
/// </summary>
/// <param name="Text">The text of the last user message; of the last message where there is none.</param>
/// <param name="PromptTokens">An estimate over all messages; null when there is only one, which the encoder counts better.</param>
/// <param name="Needs">Vision, where a message has an image.</param>
internal readonly record struct Conversation(string Text, int? PromptTokens, ModelCapabilities Needs)
{
    /// <summary>English prose and code have about four bytes to a token; a message's frame costs about four tokens.</summary>
    public const int BytesPerToken = 4;

    private const int TokensPerMessage = 4;

    /// <summary>Estimated, of one message too; what an image takes is not known here.</summary>
    public int Tokens => PromptTokens ?? (Encoding.UTF8.GetByteCount(Text) / BytesPerToken) + TokensPerMessage;

    /// <summary>With so many more bytes of prompt, beside its messages: definitions of tools, the answer's schema.</summary>
    public Conversation And(long bytes) => bytes == 0 ? this : this with { PromptTokens = (int)Math.Min(int.MaxValue, Tokens + (bytes / BytesPerToken)) };

    /// <exception cref="ApiException">400: not a list of messages, or an empty one.</exception>
    public static Conversation Read(JsonElement messages)
    {
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            throw Fields.Wrong("messages", messages, "a list of at least one message, such as [{\"role\":\"user\",\"content\":\"...\"}]");
        }

        var (asked, bytes, needs) = (default(JsonElement?), 0L, ModelCapabilities.None);
        foreach (var message in messages.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object)
            {
                throw Fields.Wrong("messages", message, "a list of objects with role and content");
            }

            bytes += message.TryGetProperty("tool_calls", out var calls) ? JsonMarshal.GetRawUtf8Value(calls).Length : 0;
            if (message.TryGetProperty("content", out var content))
            {
                bytes += Bytes(content, ref needs);
                if (message.TryGetProperty("role", out var role) && role.ValueKind == JsonValueKind.String && role.ValueEquals("user"))
                {
                    asked = content;
                }
            }
        }

        var last = messages[messages.GetArrayLength() - 1];
        asked ??= last.TryGetProperty("content", out var only) ? only : null;
        var tokens = messages.GetArrayLength() == 1 ? (int?)null : (int)Math.Min(int.MaxValue, (bytes / BytesPerToken) + (messages.GetArrayLength() * TokensPerMessage));
        return new(asked is { } value ? TextOf(value) : "", tokens, needs);
    }

    private static long Bytes(JsonElement content, ref ModelCapabilities needs)
    {
        if (content.ValueKind == JsonValueKind.String)
        {
            return JsonMarshal.GetRawUtf8Value(content).Length;
        }

        var sum = 0L;
        if (content.ValueKind == JsonValueKind.Array)
        {
            foreach (var part in content.EnumerateArray())
            {
                if (part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
                {
                    sum += JsonMarshal.GetRawUtf8Value(text).Length;
                }

                needs |= part.ValueKind == JsonValueKind.Object && part.TryGetProperty("image_url", out _) ? ModelCapabilities.Vision : 0;
            }
        }

        return sum;
    }

    private static string TextOf(JsonElement content)
    {
        if (content.ValueKind == JsonValueKind.String)
        {
            return Fields.Lenient(content);
        }

        var all = new StringBuilder();
        if (content.ValueKind == JsonValueKind.Array)
        {
            foreach (var part in content.EnumerateArray())
            {
                if (part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
                {
                    all.Append(all.Length > 0 ? "\n" : "").Append(Fields.Lenient(text));
                }
            }
        }

        return all.ToString();
    }
}
