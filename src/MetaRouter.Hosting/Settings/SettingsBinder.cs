using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace MetaRouter.Hosting.Settings;

/// <summary>Reads a section into its options, and notes everything that the framework would stop at one by one.</summary>
internal static class SettingsBinder
{
    /// <summary>What <see cref="Bind"/> may take settings out of.</summary>
    public static ConfigurationManager Copy(IConfiguration configuration)
    {
        var copy = new ConfigurationManager();
        copy.AddInMemoryCollection(configuration.AsEnumerable());
        return copy;
    }

    /// <summary>All problems as the last words of a program that does not start.</summary>
    public static string Told(IReadOnlyList<string> problems) => $"The configuration cannot be used:{string.Concat(problems.Select(p => $"{Environment.NewLine}  - {p}"))}";

    /// <summary>A value of the wrong type stops the binder; it is noted, taken out and the rest bound again, so that the next one is found too.</summary>
    public static T Bind<T>(ConfigurationManager configuration, string section, List<string> problems)
        where T : new()
    {
        var strict = true;
        while (true)
        {
            try
            {
                return configuration.GetSection(section).Get<T>(o => o.ErrorOnUnknownConfiguration = strict) ?? new T();
            }
            catch (InvalidOperationException e)
            {
                if (Messages(e).Select(m => WrongType().Match(m)).FirstOrDefault(m => m.Success) is { } type && configuration[type.Groups["path"].Value] is not null)
                {
                    problems.Add($"{type.Groups["path"].Value} is '{type.Groups["value"].Value}'; it must be {TypeName(type.Groups["type"].Value)}");
                    Remove(configuration, type.Groups["path"].Value);
                }
                else if (strict && Unknown(e, configuration, section) is { Count: > 0 } unknown)
                {
                    strict = false;
                    problems.Add($"{section} has settings that do not exist: {string.Join(", ", unknown)}; check the spelling against appsettings.json");
                }
                else
                {
                    problems.Add($"{section}: {e.Message}");
                    return new T();
                }
            }
        }
    }

    /// <summary>The settings that no option has. The binder says of those in a list's entries no more than their names; their place is looked up.</summary>
    private static List<string> Unknown(InvalidOperationException e, ConfigurationManager configuration, string section)
    {
        return Messages(e).Select((message, depth) => UnknownName().Matches(message).Skip(1).Select(m => m.Groups["name"].Value).Select(name => $"'{(depth == 0 ? name : PlaceOf(name))}'").ToList()).FirstOrDefault(names => names.Count > 0) ?? [];

        string PlaceOf(string name) => configuration.AsEnumerable().Select(p => p.Key).FirstOrDefault(key => key.StartsWith(section + ":", StringComparison.OrdinalIgnoreCase) && key.EndsWith(":" + name, StringComparison.OrdinalIgnoreCase)) ?? name;
    }

    /// <summary>Within a list the binder wraps what it says.</summary>
    private static IEnumerable<string> Messages(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            yield return e.Message;
        }
    }

    /// <summary>An in-memory configuration keeps a key that is set to null, and it would bind as one.</summary>
    public static void Remove(ConfigurationManager configuration, string path)
    {
        var rest = configuration.AsEnumerable().Where(p => !p.Key.Equals(path, StringComparison.OrdinalIgnoreCase)).ToList();
        configuration.Sources.Clear();
        configuration.AddInMemoryCollection(rest);
    }

    private static string TypeName(string type) => type switch
    {
        "System.Int32" or "System.Int64" => "a whole number",
        "System.Double" => "a number",
        "System.Boolean" => "true or false",
        _ => $"a {type}",
    };

    // Made where they are needed: a start without a mistake pays for neither.
    private static Regex WrongType() => new("Failed to convert configuration value '(?<value>.*)' at '(?<path>[^']+)' to type '(?<type>[^']+)'", RegexOptions.CultureInvariant);

    private static Regex UnknownName() => new("'(?<name>[^']+)'", RegexOptions.CultureInvariant);
}
