using System.Text.Json;
using static MetaRouter.Gateway.Http.Nested;

namespace MetaRouter.Gateway.Responses;

/// <summary>Upstreams know no namespaces of tools, so a tool of one goes by both names there, and a call of it is told apart again.</summary>
internal static class ToolNames
{
    public static string Join(string? space, string name) => space is null ? name : $"{space}__{name}";

    /// <summary>The tools that stand in namespaces, by what upstreams call them.</summary>
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
}
