namespace MetaRouter.Hosting.Settings;

/// <summary>
/// A program's command line, checked before any setting is read from it: the framework would give an unknown option the next one as its value, and pass over a
/// word that is no option.
/// </summary>
internal static class ProgramArguments
{
    /// <summary>Exit codes: the program could not start; its settings cannot be used.</summary>
    public const int Failed = 1, BadConfiguration = 2;

    /// <summary>Answers a command line that asks about the program or is wrong.</summary>
    /// <param name="problems">As <see cref="Problems"/> found them.</param>
    /// <returns>The exit code; null: it is to start.</returns>
    public static int? Answer(ReadOnlySpan<string> args, string help, string version, IReadOnlyList<string> problems)
    {
        var text = AsksForHelp(args) || args.Contains("help") ? help : args is ["--version"] ? version : null;
        if (text is not null)
        {
            Console.WriteLine(text);
            return 0;
        }

        return problems.Count > 0 ? Fail(SettingsBinder.Report(problems), BadConfiguration) : null;
    }

    /// <summary>Whether help is asked for, also after a command, which has no help of its own.</summary>
    public static bool AsksForHelp(ReadOnlySpan<string> args) => args.ContainsAny(["--help", "-h", "-?", "/?"]);

    /// <summary>The last words of a program that does not start.</summary>
    /// <returns><paramref name="code"/>.</returns>
    public static int Fail(string message, int code = Failed)
    {
        Console.Error.WriteLine(message);
        return code;
    }

    /// <summary>All that is wrong with them.</summary>
    /// <param name="known">What a setting's name may begin with.</param>
    /// <param name="flag">The one option without a value; empty: there is none.</param>
    /// <param name="commands">The commands that the first word may be, as shown to people.</param>
    public static IReadOnlyList<string> Problems(ReadOnlySpan<string> args, IReadOnlyList<string> known, string commands, string flag = "")
    {
        var problems = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == flag)
            {
                continue;
            }

            var at = args[i].IndexOf('=', StringComparison.Ordinal);
            var option = at < 0 ? args[i] : args[i][..at];
            if (at < 0 && !option.StartsWith("--", StringComparison.Ordinal))
            {
                problems.Add($"'{option}' is neither a command nor an option; a command comes first ({commands}), and options are written --NAME VALUE (see --help)");
                break; // what follows may belong to the command that was meant
            }

            var isKnown = known.Contains(option.TrimStart('-').Split(':')[0], StringComparer.OrdinalIgnoreCase);
            if (!isKnown)
            {
                problems.Add($"the option '{option}' does not exist; settings are written --SECTION:NAME VALUE, such as --MetaRouter:Store memory, and the address is --urls (see --help)");
            }

            if (at < 0 && i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal))
            {
                i++; // its value
            }
            else if (at < 0 && isKnown)
            {
                problems.Add($"the option '{option}' has no value; write {option} VALUE");
            }
        }

        return problems;
    }
}
