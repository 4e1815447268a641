using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace MetaRouter.Hosting.Settings;

/// <summary>Reads a section into its options, and notes all problems, where the framework would stop at the first.</summary>
internal static class SettingsBinder
{
    /// <summary>The setting that says how log lines are written.</summary>
    public const string LogFormat = "Logging:Console:FormatterName";

    private static readonly string[] s_logFormats = [ConsoleFormatterNames.Simple, ConsoleFormatterNames.Json, ConsoleFormatterNames.Systemd];

    /// <summary>A copy that <see cref="Bind"/> may remove settings from.</summary>
    /// <param name="which">Null: all.</param>
    public static ConfigurationManager Copy(IConfiguration configuration, Func<KeyValuePair<string, string?>, bool>? which = null)
    {
        var copy = new ConfigurationManager();
        copy.AddInMemoryCollection(configuration.AsEnumerable().Where(which ?? (_ => true)));
        return copy;
    }

    /// <summary>Notes a number outside its range, both ends included.</summary>
    public static void Range(List<string> problems, string name, double value, double low, double high)
    {
        if (!(value >= low && value <= high))
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; it must be from {low} to {high}"));
        }
    }

    /// <summary>All problems as the last words of a program that does not start.</summary>
    public static string Report(IReadOnlyList<string> problems) => $"The configuration cannot be used:{string.Concat(problems.Select(p => $"{Environment.NewLine}  - {p}"))}";

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
                    if (ListOf(type) is { } list)
                    {
                        problems.Add(
                            $"{list} must be a list of entries with such settings: write it as a list, [ {{ ... }} ] in JSON; "
                                + $"elsewhere its first entry's are {list}:0{type.Groups["path"].Value[list.Length..]} and so on");
                        RemoveAll(configuration, list);
                        continue;
                    }

                    // In the place of names with values may stand one of the values, and that may be a key.
                    var (of, path) = (type.Groups["type"].Value, type.Groups["path"].Value);
                    problems.Add($"{path}{(IsNames(of) ? "" : $" is '{type.Groups["value"].Value}'; it")} must be {TypeName(of, path)}");
                    Remove(configuration, type.Groups["path"].Value);
                }
                else if (strict && Unknown(e, configuration, section, NamesOf(typeof(T)).Distinct(StringComparer.Ordinal).ToList()) is { Count: > 0 } unknown)
                {
                    strict = false;
                    problems.Add($"{section} has settings that do not exist: {string.Join(", ", unknown)}; {ProgramDefaults.Page("settings.md")} has those that do");
                }
                else
                {
                    problems.Add($"{section}: {e.Message}");
                    return new T();
                }
            }
        }
    }

    /// <summary>Settings that match no option. For those in a list's entries the binder gives only their names; where they stand is looked up.</summary>
    /// <param name="known">The names that exist; the nearest one is suggested.</param>
    private static List<string> Unknown(InvalidOperationException e, ConfigurationManager configuration, string section, List<string> known)
    {
        return Messages(e)
            .Select((message, depth) => UnknownName().Matches(message)
                .Skip(1)
                .Select(m => m.Groups["name"].Value)
                .Select(name => $"'{(depth == 0 ? name : PlaceOf(name))}'{Meant(name)}")
                .ToList())
            .FirstOrDefault(names => names.Count > 0) ?? [];

        string Meant(string name) => Spelling.Nearest(name, known) is { } meant ? $" ({meant}?)" : "";

        string PlaceOf(string name) => configuration.AsEnumerable()
            .Select(p => p.Key)
            .FirstOrDefault(key => key.StartsWith(section + ":", StringComparison.OrdinalIgnoreCase) && key.EndsWith(":" + name, StringComparison.OrdinalIgnoreCase)) ?? name;
    }

    /// <summary>The names of a section's settings, and of those within them.</summary>
    private static IEnumerable<string> NamesOf(Type options) => options.IsGenericType
        ? options.GenericTypeArguments.SelectMany(NamesOf)
        : options.Assembly.GetName().Name!.StartsWith("MetaRouter.", StringComparison.Ordinal) ? options.GetProperties()
            .Where(p => p.CanWrite || p.PropertyType.IsGenericType)
            .SelectMany(p => NamesOf(p.PropertyType).Prepend(p.Name)) : [];

    /// <summary>A log level that does not exist stops the framework with a stack trace, and a format that does not exist is ignored.</summary>
    public static IEnumerable<string> LoggingProblems(IConfiguration configuration)
    {
        var levels =
            from setting in configuration.GetSection("Logging").AsEnumerable()
            where setting.Value is { Length: > 0 } && setting.Key.Contains(":LogLevel:", StringComparison.OrdinalIgnoreCase) && !Enum.TryParse<LogLevel>(setting.Value, ignoreCase: true, out _)
            select Problem(setting.Key, setting.Value!, Enum.GetNames<LogLevel>());
        return configuration[LogFormat] is { Length: > 0 } form && !s_logFormats.Contains(form, StringComparer.OrdinalIgnoreCase) ? levels.Append(Problem(LogFormat, form, s_logFormats)) : levels;

        static string Problem(string setting, string value, string[] known) => $"{setting} is '{value}'; it must be {string.Join(", ", known[..^1])} or {known[^1]}";
    }

    /// <summary>Within a list the binder wraps its messages in further exceptions.</summary>
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

    /// <summary>The same with everything in a section, and the section itself.</summary>
    public static void RemoveAll(ConfigurationManager configuration, string section)
    {
        foreach (var path in configuration.GetSection(section).AsEnumerable().Select(p => p.Key).OrderByDescending(k => k.Length).ToList()) // what is within a section brings it back
        {
            Remove(configuration, path);
        }
    }

    /// <summary>The list that was given one entry's settings instead of entries; null: something else is wrong.</summary>
    private static string? ListOf(Match wrong)
    {
        var path = wrong.Groups["path"].Value;
        return wrong.Groups["type"].Value.StartsWith("MetaRouter.", StringComparison.Ordinal)
            && ConfigurationPath.GetParentPath(path) is { Length: > 0 } list
            && !int.TryParse(ConfigurationPath.GetSectionKey(path), out _) ? list : null;
    }

    private static bool IsNames(string type) => type.Contains("Dictionary`2", StringComparison.Ordinal);

    private static string TypeName(string type, string path) => type switch
    {
        "System.Int32" or "System.Int64" => "a whole number",
        "System.Double" => "a number",
        "System.Boolean" => "true or false",
        _ when IsNames(type) => $"names with their values, {{ \"name\": \"value\" }} in JSON; elsewhere {path}:NAME",
        _ when type.StartsWith("System.Collections.", StringComparison.Ordinal) => $"a list, [ ... ] in JSON; elsewhere its first entry is {path}:0",
        _ when type.StartsWith("MetaRouter.", StringComparison.Ordinal) => "settings with names of their own; entries of a list are numbered from 0, such as Tenants:0:Name",
        _ => $"a {type}",
    };

    // Built only when needed: a start without a mistake pays for neither.
    private static Regex WrongType() => new("Failed to convert configuration value '(?<value>.*)' at '(?<path>[^']+)' to type '(?<type>[^']+)'", RegexOptions.CultureInvariant);

    private static Regex UnknownName() => new("'(?<name>[^']+)'", RegexOptions.CultureInvariant);
}
