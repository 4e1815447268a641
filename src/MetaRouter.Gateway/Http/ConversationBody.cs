using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;

namespace MetaRouter.Gateway.Http;

/// <summary>Reads a <see cref="Conversation"/> of OpenAI's <c>messages</c>.</summary>
internal static class ConversationBody
{
    /// <exception cref="ApiException">400: not a list of messages, or an empty one.</exception>
    public static Conversation Read(JsonElement messages) => Read(messages, goesOn: null, out _, out _);

    /// <summary>A tool's result has room for texts only, so agents show its pictures and files in a user message right after it: that message counts as the tool's.</summary>
    /// <param name="goesOn">Whether the last message belongs to a turn that tools interrupt, if the API it is translated from tells; else null.</param>
    /// <param name="lastOfUser">The user's last message; undefined where there is none.</param>
    /// <param name="last">The last message that is neither the system's nor shows a tool's result; undefined where there is none.</param>
    /// <exception cref="ApiException">As above.</exception>
    public static Conversation Read(JsonElement messages, bool? goesOn, out JsonElement lastOfUser, out JsonElement last)
    {
        (lastOfUser, last) = (default, default);
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            throw Fields.Wrong("messages", messages, "a list of at least one message, such as [{\"role\":\"user\",\"content\":\"...\"}]");
        }

        var (asked, bytes, seen, needs) = (default(JsonElement?), 0L, 0L, ModelCapabilities.None);
        foreach (var message in messages.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object)
            {
                throw Fields.Wrong("messages", message, "a list of objects with role and content");
            }

            var isShown = false;
            bytes += message.TryGetProperty("tool_calls", out var calls) ? JsonMarshal.GetRawUtf8Value(calls).Length : 0;
            if (message.TryGetProperty("content", out var content))
            {
                bytes += Bytes(content, ref needs, ref seen);
                isShown = goesOn != false && IsOf(last, "tool") && IsOf(message, "user") && HasMore(content);
                if (IsOf(message, "user") && !isShown)
                {
                    (asked, lastOfUser) = (asked is null || HasText(content) ? content : asked, message); // images alone belong to what was asked before
                }
            }

            last = isShown || IsOf(message, "system") || IsOf(message, "developer") ? last : message;
        }

        asked ??= messages[messages.GetArrayLength() - 1].TryGetProperty("content", out var only) ? only : null;
        return Conversation.Of(asked is { } value ? TextOf(value) : "", messages.GetArrayLength(), bytes, needs).And(0, seen);
    }

    public static bool IsOf(JsonElement message, string role) => LenientJson.Is(LenientJson.Field(message, "role"), role);

    private static bool HasText(JsonElement content) =>
        content.ValueKind != JsonValueKind.Array || content.EnumerateArray().Any(p => p.ValueKind == JsonValueKind.Object && p.TryGetProperty("text", out _));

    /// <summary>Whether something other than text is shown.</summary>
    private static bool HasMore(JsonElement content) =>
        content.ValueKind == JsonValueKind.Array && content.EnumerateArray().Any(p => p.ValueKind == JsonValueKind.Object && !p.TryGetProperty("text", out _));

    /// <param name="seen">Tokens of what is not text.</param>
    private static long Bytes(JsonElement content, ref ModelCapabilities needs, ref long seen)
    {
        if (content.ValueKind == JsonValueKind.String)
        {
            return Bytes(content);
        }

        var sum = 0L;
        if (content.ValueKind == JsonValueKind.Array)
        {
            foreach (var part in content.EnumerateArray())
            {
                if (part.ValueKind != JsonValueKind.Object)
                {
                    continue;
                }

                if (part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
                {
                    sum += Bytes(text);
                }

                if (part.TryGetProperty("image_url", out var image))
                {
                    needs |= ModelCapabilities.Vision;
                    seen += Conversation.TokensOfImage(LenientJson.Is(LenientJson.Field(image, "detail"), "low"));
                }

                if (part.TryGetProperty("input_audio", out var audio))
                {
                    seen += Conversation.TokensOfAudio(JsonMarshal.GetRawUtf8Value(audio).Length);
                }
            }
        }

        return sum;
    }

    /// <summary>Bytes of a text as it was sent, without its quotes.</summary>
    private static long Bytes(JsonElement text) => JsonMarshal.GetRawUtf8Value(text).Length - 2;

    private static string TextOf(JsonElement content)
    {
        if (content.ValueKind == JsonValueKind.String)
        {
            return LenientJson.Text(content);
        }

        var all = new StringBuilder();
        if (content.ValueKind == JsonValueKind.Array)
        {
            foreach (var part in content.EnumerateArray())
            {
                if (part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
                {
                    all.Append(all.Length > 0 ? "\n" : "").Append(LenientJson.Text(text));
                }
            }
        }

        return all.ToString();
    }
}
