using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace MetaRouter.Infra.Tests;

/// <summary>Reads a path such as <c>spec.template.spec</c> of a document.</summary>
internal static class Yaml
{
    /// <summary>With what is merged into a mapping (<c>&lt;&lt;: *anchor</c>) in it.</summary>
    public static IReadOnlyList<YamlNode> Documents(string file)
    {
        var stream = new YamlStream();
        using var reader = new StreamReader(file);
        stream.Load(new MergingParser(new Parser(reader)));
        return [.. stream.Documents.Select(d => d.RootNode)];
    }

    /// <summary>Null where there is none.</summary>
    public static YamlNode? At(this YamlNode? node, string path)
    {
        foreach (var part in path.Split('.'))
        {
            node = node is YamlMappingNode map && map.Children.TryGetValue(new YamlScalarNode(part), out var child) ? child : null;
        }

        return node;
    }

    /// <summary>Empty where there is none.</summary>
    public static string Text(this YamlNode? node, string path) => (node.At(path) as YamlScalarNode)?.Value ?? "";

    public static IReadOnlyList<YamlNode> List(this YamlNode? node, string path) => node.At(path) is YamlSequenceNode list ? [.. list.Children] : [];

    public static IReadOnlyList<(string Key, YamlNode Value)> Pairs(this YamlNode? node, string path) =>
        node.At(path) is YamlMappingNode map ? [.. map.Children.Select(c => (((YamlScalarNode)c.Key).Value!, c.Value))] : [];

    /// <summary>Every mapping under a node that has this key, however deep.</summary>
    public static IEnumerable<YamlNode> Under(this YamlNode node, string key) =>
        node.AllNodes.OfType<YamlMappingNode>().Where(m => m.Children.ContainsKey(new YamlScalarNode(key))).Select(m => m.Children[new YamlScalarNode(key)]);
}
