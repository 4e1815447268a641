using System.Text.Json;
using MetaRouter.Gateway.Http;
using static MetaRouter.Gateway.Http.StrictJson;

namespace MetaRouter.Gateway.Responses;

/// <summary>Upstreams know no namespaces of tools, so a tool in one is called by both names there, and a call of it is split into the two again.</summary>
internal static class ToolNames
{
    public static string Join(string? space, string name) => space is null ? name : $"{space}__{name}";

    /// <summary>The tools in namespaces, by the names that upstreams see.</summary>
    public static Dictionary<string, (string Space, string Name)> Read(JsonElement? tools)
    {
        var found = new Dictionary<string, (string, string)>();
        foreach (var group in tools is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : default)
        {
            if (TypeOf(group, "tools") == "namespace")
            {
                var space = Word(group, "name");
                foreach (var tool in group.GetProperty("tools").EnumerateArray())
                {
                    found[Join(space, Word(tool, "name"))] = (space, Word(tool, "name"));
                }
            }
        }

        return found;
    }

    /// <summary>The upstreams' name of the tool in a tool choice, which may give its own name, as requests do, or both names, as calls do.</summary>
    /// <param name="choice">Of the kind function or custom.</param>
    /// <exception cref="ApiException">400: several namespaces have a tool of that name.</exception>
    public static string OfChoice(JsonElement choice, JsonElement? tools)
    {
        var name = Word(choice, "name");
        if (Find(choice, "tool_choice", "namespace") is { ValueKind: JsonValueKind.String } space)
        {
            return Join(Fields.Text("namespace", space), name);
        }

        var spaces = new List<string>();
        foreach (var tool in tools is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : default)
        {
            if (TypeOf(tool, "tools") != "namespace")
            {
                if (Word(tool, "name") == name)
                {
                    return name;
                }

                continue;
            }

            var of = Word(tool, "name");
            if (tool.GetProperty("tools").EnumerateArray().Any(t => Word(t, "name") is var own && (own == name || $"{of}.{own}" == name)))
            {
                spaces.Add(of);
            }
        }

        return spaces switch
        {
            [] => name,
            [var only] => Join(only, name.StartsWith(only + ".", StringComparison.Ordinal) ? name[(only.Length + 1)..] : name),
            _ => throw Fields.Wrong("tool_choice", choice, $"of one namespace, and {string.Join(" and ", spaces)} have such a tool; say which in 'namespace'"),
        };
    }
}
