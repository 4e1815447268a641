using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using static MetaRouter.Gateway.Http.StrictJson;

namespace MetaRouter.Gateway.Responses;

/// <summary>A request's tools as a chat request has them: each within an object of its kind, and none in a namespace.</summary>
internal static class ResponsesTools
{
    /// <summary>The tools, and how they are to be used. Upstreams refuse a tool choice without tools, but clients of this API often send one.</summary>
    public static void Write(Utf8JsonWriter to, Fields fields)
    {
        var count = 0;
        if (fields.Find("tools") is { } tools)
        {
            foreach (var tool in List(tools, "tools"))
            {
                if (count++ == 0)
                {
                    to.WriteStartArray("tools");
                }

                Tool(to, tool, null);
            }

            if (count > 0)
            {
                to.WriteEndArray();
            }
        }

        if (count > 0 && fields.Find("parallel_tool_calls") is not null)
        {
            to.WriteBoolean("parallel_tool_calls", fields.Flag("parallel_tool_calls"));
        }

        if (fields.Find("tool_choice") is { } choice && (count > 0 || !(LenientJson.Is(choice, "auto") || LenientJson.Is(choice, "none"))))
        {
            to.WritePropertyName("tool_choice");
            Choice(to, choice, fields.Find("tools"));
        }
    }

    /// <param name="space">The namespace it is in; null: none.</param>
    private static void Tool(Utf8JsonWriter to, JsonElement tool, string? space)
    {
        switch (TypeOf(tool, "tools"))
        {
            case "function":
                ChatPieces.Function(to, ToolNames.Join(space, Word(tool, "name")), tool, "parameters");
                break;
            case "custom":
                Custom(to, tool, space);
                break;
            case "namespace" when space is null:
                var name = Word(tool, "name");
                foreach (var one in List(Find(tool, "tools", "tools") ?? throw ApiException.Missing("tools.tools", "the tools of the namespace"), "tools.tools"))
                {
                    Tool(to, one, name);
                }

                break;
            case var other:
                throw Unsupported("tools", $"'tools' has one of the type '{other}', which only OpenAI runs or knows; "
                    + "leave it out, and send functions of your own (type function, name, parameters).");
        }
    }

    private static void Custom(Utf8JsonWriter to, JsonElement tool, string? space)
    {
        to.WriteStartObject();
        to.WriteString("type", "custom");
        to.WriteStartObject("custom");
        to.WriteString("name", ToolNames.Join(space, Word(tool, "name")));
        if (Find(tool, "tools", "description") is { ValueKind: JsonValueKind.String } description)
        {
            to.WriteString("description", Fields.Text("tools.description", description));
        }

        if (Find(tool, "tools", "format") is { } format)
        {
            to.WriteStartObject("format");
            var type = TypeOf(format, "tools.format");
            to.WriteString("type", type);
            if (type == "grammar")
            {
                to.WriteStartObject("grammar");
                to.WriteString("syntax", Word(format, "syntax"));
                to.WriteString("definition", Word(format, "definition"));
                to.WriteEndObject();
            }

            to.WriteEndObject();
        }

        to.WriteEndObject();
        to.WriteEndObject();
    }

    private static void Choice(Utf8JsonWriter to, JsonElement choice, JsonElement? tools)
    {
        const string expected = "auto, none, required, or an object whose type is function, custom or allowed_tools";
        if (choice.ValueKind == JsonValueKind.String)
        {
            to.WriteStringValue(Fields.Text("tool_choice", choice) is "auto" or "none" or "required" ? choice.GetString() : throw Fields.Wrong("tool_choice", choice, expected));
            return;
        }

        switch (TypeOf(choice, "tool_choice"))
        {
            case "function" or "custom":
                ChatPieces.Named(to, choice.GetProperty("type").GetString()!, ToolNames.OfChoice(choice, tools));
                break;
            case "allowed_tools":
                to.WriteStartObject();
                to.WriteString("type", "allowed_tools");
                to.WriteStartObject("allowed_tools");
                to.WriteString("mode", Word(choice, "mode"));
                to.WriteStartArray("tools");
                foreach (var tool in List(Find(choice, "tool_choice", "tools") ?? throw ApiException.Missing("tool_choice.tools", "the tools that are allowed"), "tool_choice.tools"))
                {
                    Choice(to, TypeOf(tool, "tool_choice.tools") is "function" or "custom" ? tool : throw Fields.Wrong("tool_choice.tools", tool, "a function or a custom tool with its name"), tools);
                }

                to.WriteEndArray();
                to.WriteEndObject();
                to.WriteEndObject();
                break;
            default:
                throw Fields.Wrong("tool_choice", choice, expected);
        }
    }
}
