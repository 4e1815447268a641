using System.CommandLine;
using MetaRouter.Cli.Commands;
using MetaRouter.Cli.Gateways;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Cli;

/// <summary>The whole program but for the process around it. A command is one file in Commands and one line here.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, CancellationToken cancellationToken)
    {
        var root = new RootCommand("Learns to route requests among language models, measures how well, and watches a gateway do it.")
        {
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
        };
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                await terminal.Error.WriteLineAsync(error.Message).ConfigureAwait(false);
            }

            await terminal.Error.WriteLineAsync($"Try: metarouter {(parsed.CommandResult.Command == root ? "" : parsed.CommandResult.Command.Name + " ")}--help").ConfigureAwait(false);
            return ExitCodes.BadInput;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false }, cancellationToken).ConfigureAwait(false);
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
}
