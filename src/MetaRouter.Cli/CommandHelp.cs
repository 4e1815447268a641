using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text.RegularExpressions;

namespace MetaRouter.Cli;

/// <summary>The parser's help, wrapped also when piped into a pager, and after it what a <see cref="DocumentedCommand"/> adds.</summary>
internal sealed class CommandHelp : SynchronousCommandLineAction
{
    /// <summary>Where an example may be wrapped: an option stays with its value.</summary>
    private static readonly Regex Options = new(" (?=--)", RegexOptions.CultureInvariant);

    private readonly HelpAction _standard;
    private readonly int _width;

    /// <param name="width">Of a line, characters.</param>
    public CommandHelp(HelpAction standard, int width)
    {
        (_standard, _width) = (standard, width);
        standard.MaxWidth = width;
    }

    /// <summary>Asking for help needs no required options.</summary>
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var code = _standard.Invoke(parseResult);
        if (parseResult.CommandResult.Command is DocumentedCommand command)
        {
            var output = parseResult.InvocationConfiguration.Output;
            if (command.Names.Count > 0)
            {
                var column = command.Names.Max(n => n.Name.Length) + 4;
                output.WriteLine($"{command.NamesHeading}:");
                foreach (var (name, meaning) in command.Names)
                {
                    var lines = Folded(meaning.Split(' '), _width - column).ToArray();
                    output.WriteLine($"  {name.PadRight(column - 2)}{string.Join(output.NewLine + new string(' ', column), lines)}");
                }

                output.WriteLine();
            }

            output.WriteLine(command.Examples.Count == 1 ? "Example:" : "Examples:");
            foreach (var example in command.Examples)
            {
                output.WriteLine($"  {string.Join($" \\{output.NewLine}      ", Folded(Options.Split($"metarouter {example}"), _width - 8))}"); // a shell continues a line after a backslash
            }

            output.WriteLine();
        }

        return code;
    }

    private static IEnumerable<string> Folded(IEnumerable<string> words, int width)
    {
        var line = "";
        foreach (var word in words)
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = word;
            }
            else
            {
                line += line.Length > 0 ? $" {word}" : word;
            }
        }

        yield return line;
    }
}
