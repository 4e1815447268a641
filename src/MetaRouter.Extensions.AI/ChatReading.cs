using System.Text;
using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Hosting;
using Microsoft.Extensions.AI;

namespace MetaRouter.Extensions.AI;

/// <summary>
/// What routing reads of messages and options: the same as the gateway does of the body that an OpenAI client makes of them, so that both decide alike. Tokens are
/// estimated; what a client's JSON adds around tools is taken as OpenAI's form has it.
/// </summary>
internal static class ChatReading
{
    /// <summary>Bytes of JSON around a tool, a call of one, and the answer's schema; of the schemas with what forbids further properties.</summary>
    private const int FrameOfTool = 74 + 33, FrameOfCall = 66, FrameOfSchema = 58 + 33;

    public static (Conversation Asked, RouteNeeds Needs) Read(IReadOnlyList<ChatMessage> messages, ChatOptions? options, bool streams)
    {
        var (count, bytes, seen, needs) = (0, 0L, 0L, ModelCapabilities.None);
        if (!string.IsNullOrWhiteSpace(options?.Instructions))
        {
            (count, bytes) = (1, Bytes(options.Instructions));
        }

        foreach (var message in messages)
        {
            // Each result of a tool is a message of its own there.
            count += Math.Max(1, message.Contents.Count(c => c is FunctionResultContent));
            foreach (var content in message.Contents.SelectMany(Parts))
            {
                bytes += BytesOf(content);
                if (content is DataContent data && data.HasTopLevelMediaType("image") || content is UriContent uri && uri.HasTopLevelMediaType("image"))
                {
                    needs |= ModelCapabilities.Vision;
                    seen += Conversation.TokensOfImage(content.AdditionalProperties?.TryGetValue("detail", out var detail) == true && $"{detail}" == "low");
                }

                seen += content is DataContent sound && sound.HasTopLevelMediaType("audio") ? Conversation.TokensOfAudio(sound.Base64Data.Length) : 0;
            }
        }

        var schema = (options?.ResponseFormat as ChatResponseFormatJson)?.Schema;
        needs |= (streams ? ModelCapabilities.Streaming : 0) | (options?.Tools is { Count: > 0 } ? ModelCapabilities.Tools : 0) | (schema is not null ? ModelCapabilities.StructuredOutput : 0);
        var beside = (options?.Tools?.Sum(BytesOf) ?? 0) + (schema is { } s ? Bytes(Json(s)) + FrameOfSchema : 0);
        var asked = messages.LastOrDefault(m => m.Role == ChatRole.User && m.Contents.Any(c => c is TextContent))
            ?? messages.LastOrDefault(m => m.Role == ChatRole.User)
            ?? (messages is [.., { } last] ? last : null);
        return (
            Conversation.Of(asked is null ? "" : TextOf(asked), count, bytes, needs & ModelCapabilities.Vision).And(beside, seen),
            new RouteNeeds { Capabilities = needs, ExpectedOutputTokens = Math.Max(0, options?.MaxOutputTokens ?? 0) });
    }

    /// <summary>The messages to the user's first, as far as a session is known by them.</summary>
    public static byte[] Beginning(IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        var said = new StringBuilder(options?.Instructions);
        foreach (var message in messages)
        {
            said.Append('\n').Append(message.Role.Value);
            foreach (var content in message.Contents.SelectMany(Parts))
            {
                said.Append('\n').Append(content switch
                {
                    DataContent data => Convert.ToHexString(data.Data.Span[..Math.Min(data.Data.Length, Sessions.BeginningBytes)]),
                    UriContent uri => uri.Uri.OriginalString,
                    _ => TextOf(content),
                });
            }

            if (message.Role == ChatRole.User || said.Length >= Sessions.BeginningBytes)
            {
                break;
            }
        }

        return Encoding.UTF8.GetBytes(said.ToString(0, Math.Min(said.Length, Sessions.BeginningBytes)));
    }

    /// <summary>Bytes of an answer's text, reasoning and tool arguments.</summary>
    public static long AnswerBytes(IEnumerable<AIContent> contents) => contents.Sum(c => c switch
    {
        TextContent text => Bytes(text.Text),
        TextReasoningContent thought => Bytes(thought.Text),
        FunctionCallContent call => Bytes(Json(call.Arguments)),
        _ => 0,
    });

    /// <summary>Of a tool's result that is made of contents, those: clients that can show the model its images.</summary>
    private static IEnumerable<AIContent> Parts(AIContent content) => content switch
    {
        FunctionResultContent { Result: AIContent one } => [one],
        FunctionResultContent { Result: IEnumerable<AIContent> several } => several,
        _ => [content],
    };

    private static string TextOf(ChatMessage message) => string.Join('\n', message.Contents.SelectMany(Parts).Select(TextOf).Where(t => t.Length > 0));

    private static string TextOf(AIContent content) => content switch
    {
        TextContent text => text.Text,
        FunctionResultContent result => result.Result as string ?? Json(result.Result),
        _ => "",
    };

    private static long BytesOf(AIContent content) => content is FunctionCallContent call
        ? Bytes(call.CallId) + Bytes(call.Name) + Bytes(Json(call.Arguments)) + FrameOfCall
        : Bytes(TextOf(content));

    private static long BytesOf(AITool tool) =>
        Bytes(tool.Name) + Bytes(tool.Description) + (tool is AIFunctionDeclaration function ? Bytes(Json(function.JsonSchema)) : 0) + FrameOfTool;

    private static long Bytes(string text) => Encoding.UTF8.GetByteCount(text);

    /// <summary>As clients send what is no text; what cannot be sent counts as nothing.</summary>
    private static string Json(object? value)
    {
        try
        {
            return value is null ? "" : JsonSerializer.Serialize(value, AIJsonUtilities.DefaultOptions);
        }
        catch (NotSupportedException)
        {
            return "";
        }
    }
}
