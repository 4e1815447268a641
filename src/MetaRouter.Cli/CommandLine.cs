using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using MetaRouter.Cli.Commands;
using MetaRouter.Cli.Gateways;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Cli;

/// <summary>The whole program without the process around it. A command is one file in Commands and one line here.</summary>
internal static class CommandLine
{
    private const string HelpCommand = "help";

    /// <summary>EBADF. .NET says "Access to the path is denied" then, of no path.</summary>
    private const int BadDescriptor = 9;

    private static readonly Regex WrongType = new(" as expected type '[^']*(Int32|Int64)[^']*'", RegexOptions.CultureInvariant);

    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, CancellationToken cancellationToken)
    {
        var root = Root(terminal);
        // Other programs know 'help COMMAND'; without this it would be taken for an argument.
        var parsed = root.Parse(args is [HelpCommand, ..] ? [.. args.Skip(1), "--help"] : args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in Told(parsed))
            {
                await terminal.Error.WriteLineAsync(error).ConfigureAwait(false);
            }

            await terminal.Error.WriteLineAsync($"Try: metarouter {string.Concat(Path(parsed.CommandResult).Select(name => name + " "))}--help").ConfigureAwait(false);
            return ExitCodes.BadInput;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = terminal.Out,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null /* the program stops by itself; the library crashes when it is asked twice */,
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (UnauthorizedAccessException e) when (e.InnerException?.HResult == BadDescriptor)
        {
            await terminal.Error.WriteLineAsync("The results cannot be written: the standard output is closed.").ConfigureAwait(false);
            return ExitCodes.BadInput;
        }
        catch (Exception e) when (e is DataFileException or BadInputException or IOException or UnauthorizedAccessException)
        {
            await terminal.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return ExitCodes.BadInput;
        }
        catch (GatewayException e)
        {
            await terminal.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            return ExitCodes.Unavailable;
        }
        catch (OperationCanceledException) when (!terminal.IsRead())
        {
            return ExitCodes.NotRead;
        }
        catch (OperationCanceledException)
        {
            await terminal.Error.WriteLineAsync("Stopped.").ConfigureAwait(false);
            return ExitCodes.Cancelled;
        }
#pragma warning disable CA1031 // The last line of defence: a caller gets a sentence and an exit code, not a stack trace.
        catch (Exception e)
#pragma warning restore CA1031
        {
            await terminal.Error.WriteLineAsync($"Internal error, please report: {e.GetType().Name}: {e.Message}").ConfigureAwait(false);
            return ExitCodes.Fault;
        }
    }

    /// <summary>Every command; its help as <see cref="CommandHelp"/> writes it.</summary>
    public static RootCommand Root(Terminal terminal)
    {
        var root = new RootCommand(
            "Learns to route requests among language models, measures how well, and watches a gateway do it. 'metarouter COMMAND --help' shows a command's options, with examples.")
        {
            GradeCommand.Create(terminal),
            TrainCommand.Create(terminal),
            EvaluateCommand.Create(terminal),
            ReplayCommand.Create(terminal),
            CalibrateCommand.Create(terminal),
            CatalogCommand.Create(terminal),
            ModelsCommand.Create(terminal),
            TopCommand.Create(terminal),
            UserCommand.Create(terminal),
            DecisionsCommand.Create(terminal),
            KeysCommand.Create(terminal),
            BackupCommand.Create(terminal),
        };
        var help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Show options and examples.";
        help.Action = new CommandHelp((HelpAction)help.Action!, terminal.HelpWidth);
        root.Options.OfType<VersionOption>().Single().Description = "The version.";
        return root;
    }

    /// <summary>The parser's errors, reworded: it names .NET's types, and reports a misspelt command as a missing one.</summary>
    private static IEnumerable<string> Told(ParseResult parsed) =>
        parsed.CommandResult.Command.Subcommands is { Count: > 0 } commands
            ? [$"{(parsed.UnmatchedTokens is [var word, ..] ? $"'{word}' is not a command here" : "A command is missing")}; "
                + $"the {(commands.Count == 1 ? "command is" : "commands are")} {string.Join(", ", commands.Select(c => c.Name))}."]
            : parsed.Errors.Select(e => WrongType.Replace(e.Message, ": give a whole number"));

    /// <summary>The names of the commands that lead here, the program's own left out.</summary>
    private static IEnumerable<string> Path(CommandResult? command) => command?.Parent is CommandResult parent ? Path(parent).Append(command.Command.Name) : [];
}
