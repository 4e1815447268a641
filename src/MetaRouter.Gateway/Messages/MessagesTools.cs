using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using static MetaRouter.Gateway.Http.StrictJson;

namespace MetaRouter.Gateway.Messages;

/// <summary>A request's tools as a chat request has them.</summary>
internal static class MessagesTools
{
    /// <summary>The tools, and how they are to be used. Upstreams refuse an empty list, and a tool choice without tools, but Anthropic's clients often send both.</summary>
    public static void Write(Utf8JsonWriter to, Fields fields, Untranslated lost)
    {
        var count = 0;
        foreach (var tool in fields.Find("tools") is { } tools ? List(tools, "tools") : default)
        {
            var anthropics = Find(tool, "tools", "type") is { } type && !LenientJson.Is(type, "custom") ? type : default(JsonElement?);
            if (anthropics is { } kind)
            {
                lost.Note("tools", $"'tools' has one of the type {kind.GetRawText()}, which only Anthropic runs; send tools of your own (name, description, input_schema).");
            }

            if (count++ == 0)
            {
                to.WriteStartArray("tools");
            }

            ChatPieces.Function(to, anthropics is not null ? LenientJson.Text(tool, "name") ?? "" : Word(tool, "name"), tool, "input_schema");
        }

        if (count > 0)
        {
            to.WriteEndArray();
        }

        if (fields.Find("tool_choice") is { } choice)
        {
            ToolChoice(to, choice, count > 0);
        }
    }

    private static void ToolChoice(Utf8JsonWriter to, JsonElement choice, bool hasTools)
    {
        switch (TypeOf(choice, "tool_choice"))
        {
            case "auto" or "none" when !hasTools:
                return;
            case "auto":
                to.WriteString("tool_choice", "auto");
                break;
            case "any":
                to.WriteString("tool_choice", "required");
                break;
            case "none":
                to.WriteString("tool_choice", "none");
                break;
            case "tool":
                to.WritePropertyName("tool_choice");
                ChatPieces.Named(to, "function", Word(choice, "name"));
                break;
            default:
                throw Fields.Wrong("tool_choice", choice, "an object whose type is auto, any, none or tool");
        }

        if (Find(choice, "tool_choice", "disable_parallel_tool_use") is { ValueKind: JsonValueKind.True })
        {
            to.WriteBoolean("parallel_tool_calls", false);
        }
    }
}
