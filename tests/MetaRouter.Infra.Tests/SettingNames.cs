using System.Text.Json;
using System.Text.RegularExpressions;

namespace MetaRouter.Infra.Tests;

/// <summary>What the programs read of environment variables and settings files.</summary>
internal static class SettingNames
{
    /// <summary>What a section of the settings is bound to.</summary>
    private static readonly Dictionary<string, string> Sections = new()
    {
        ["MetaRouter"] = "src/MetaRouter.Hosting/MetaRouterOptions.cs",
        ["MetaRouter:Models"] = "src/MetaRouter.Hosting/MetaRouterOptions.cs",
        ["MetaRouter:Cluster"] = "src/MetaRouter.Orleans/MetaRouterClusterOptions.cs",
        ["Upstreams"] = "src/MetaRouter.Gateway/Configuration/UpstreamOptions.cs",
        ["ApiKeys"] = "src/MetaRouter.Gateway/Configuration/ApiKeyOptions.cs",
    };

    /// <summary>It is a setting, or read by .NET or OpenTelemetry, or somebody's key that the settings name.</summary>
    /// <param name="used">Where else it may stand: the settings file and the other variables.</param>
    public static void VariableShouldBeRead(string name, string used)
    {
        if (name.Contains("__", StringComparison.Ordinal))
        {
            ShouldBeASetting(name.Replace("__", ":", StringComparison.Ordinal));
        }
        else
        {
            (name.StartsWith("OTEL_", StringComparison.Ordinal) || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || name.StartsWith("DOTNET_", StringComparison.Ordinal)
                || used.Contains($"$({name})", StringComparison.Ordinal) || used.Contains($"\"ApiKeyEnv\": \"{name}\"", StringComparison.Ordinal)).ShouldBeTrue($"nothing reads {name}");
        }
    }

    /// <summary>Every value in a settings file is a setting of the code.</summary>
    public static void FileShouldBeRead(string settings)
    {
        using var json = JsonDocument.Parse(settings);
        Check("", json.RootElement);

        static void Check(string path, JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Object && !path.StartsWith("Logging", StringComparison.Ordinal))
            {
                foreach (var property in element.EnumerateObject())
                {
                    Check(path.Length == 0 ? property.Name : $"{path}:{property.Name}", property.Value);
                }
            }
            else if (element.ValueKind == JsonValueKind.Array && element.EnumerateArray().All(e => e.ValueKind == JsonValueKind.Object))
            {
                foreach (var (index, item) in element.EnumerateArray().Index())
                {
                    Check($"{path}:{index}", item);
                }
            }
            else if (element.ValueKind != JsonValueKind.Object)
            {
                ShouldBeASetting(path);
            }
        }
    }

    /// <summary>The last part of the name is a property of the options its section is bound to, or read by name.</summary>
    private static void ShouldBeASetting(string path)
    {
        var parts = path.Split(':').Where(p => !p.All(char.IsAsciiDigit)).ToArray();
        var section = string.Join(':', parts[..^1]);
        Sections.ShouldContainKey(section, $"{path}: no options are bound to this section");
        (Regex.IsMatch(Repository.Read(Sections[section]), $@"public [^\n=(]+ {parts[^1]} {{ get;") || Repository.Code("src/MetaRouter.Silo").Contains($"\"{path}\"", StringComparison.Ordinal))
            .ShouldBeTrue($"nothing reads the setting {path}");
    }
}
